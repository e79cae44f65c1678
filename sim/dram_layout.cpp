// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_layout.hpp"

#include <algorithm>
#include <bit>

#include "arch/dram_access.hpp"
#include "arch/dram_mapping.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Longest block that gets a table.
constexpr int kMostBlockBits = 12;

}  // namespace

DramLayout::DramLayout(const DramConfig& config)
    : channels_(config.channels),
      burst_(config.burst.count()),
      interleave_(config.interleave.count() / config.burst.count()) {
    const AddressBits address = address_bits(config.mapping);
    bank_bits_ = address.bank;
    row_shift_ = address.row_shift;
    block_bits_ = std::min(row_shift_, kMostBlockBits);
    in_block_.resize(std::size_t{1} << static_cast<unsigned>(block_bits_));
    for (std::size_t b = 0; b < in_block_.size(); ++b) {
        in_block_[b] = bank_of(static_cast<std::int64_t>(b));
    }
    for (int bits = 0; bits <= block_bits_; ++bits) {
        const auto size = std::ptrdiff_t{1} << static_cast<unsigned>(bits);
        std::vector<std::uint32_t> banks(in_block_.begin(), in_block_.begin() + size);
        std::sort(banks.begin(), banks.end());
        banks.erase(std::unique(banks.begin(), banks.end()), banks.end());
        low_banks_.push_back(std::move(banks));
    }
    find_rotation(static_cast<std::uint32_t>(config.banks / config.bank_groups),
                  config.bank_groups);
}

void DramLayout::find_rotation(std::uint32_t banks_in_group, std::int64_t groups) {
    for (; rotation_ < groups; ++rotation_) {
        // One more: no burst in the group of the one that is so many places before.
        const auto back = static_cast<std::size_t>(rotation_);
        for (std::size_t b = back; b < in_block_.size(); ++b) {
            if (in_block_[b] / banks_in_group == in_block_[b - back] / banks_in_group) {
                return;
            }
        }
    }
}

std::uint32_t DramLayout::bank_of(std::int64_t burst) const {
    std::uint32_t bank = 0;
    for (std::size_t bit = 0; bit < bank_bits_.size(); ++bit) {
        const auto odd = static_cast<std::uint32_t>(
            std::popcount(static_cast<std::uint64_t>(burst) & bank_bits_[bit]) & 1);
        bank |= odd << bit;
    }
    return bank;
}

DramLayout::Block DramLayout::block(std::int64_t number) const {
    const std::int64_t first = number << block_bits_;
    return {number, first >> row_shift_, bank_of(first)};
}

/// `joins`: what goes on where a run of the piece before ends is one with it.
void DramLayout::split_piece(std::int64_t first, std::int64_t end, bool joins,
                             std::vector<std::vector<Run>>& by_channel) const {
    // The channels that it touches, from that of its first burst on.
    const Place from = place(first);
    const Place to = place(end);
    const std::int64_t blocks = (end - 1) / interleave_ - first / interleave_ + 1;
    std::int64_t channel = from.in_turn / interleave_;
    for (std::int64_t left = std::min(blocks, channels_); left > 0; --left) {
        const Run run{below(from, channel), below(to, channel)};
        std::vector<Run>& runs = by_channel[static_cast<std::size_t>(channel)];
        if (joins && !runs.empty() && run.begin >= runs.back().begin &&
            run.begin <= runs.back().end) {
            runs.back().end = std::max(runs.back().end, run.end);
        } else if (run.begin < run.end) {
            runs.push_back(run);
        }
        channel = channel + 1 == channels_ ? 0 : channel + 1;
    }
}

void DramLayout::split(const DramAccess& access, std::vector<std::vector<Run>>& by_channel) const {
    const std::int64_t bytes = access.piece.count();
    ensure(access.address >= 0 && bytes >= 0 && access.pieces >= 0, "an access lies in its memory");
    const auto add = [&](std::int64_t address, std::int64_t size) {
        if (size > 0) {
            split_piece(address / burst_, ceil_divide(address + size, burst_), access.table == 0,
                        by_channel);
        }
    };
    if (bytes > 0 && access.stride == 0 && access.pieces > 1) {  // the same bytes again and again
        std::vector<std::vector<Run>> once(by_channel.size());
        split_piece(access.address / burst_, ceil_divide(access.address + bytes, burst_), true,
                    once);
        for (std::int64_t piece = 0; piece < access.pieces; ++piece) {
            for (std::size_t c = 0; c < once.size(); ++c) {
                by_channel[c].insert(by_channel[c].end(), once[c].begin(), once[c].end());
            }
        }
        return;
    }
    if (bytes > 0 && access.pieces > 0 && access.stride >= 0 && access.stride < bytes + burst_ &&
        access.table == 0) {
        // No burst lies between two pieces: all of them are one.
        add(access.address, checked_add(bytes, checked_multiply(access.stride, access.pieces - 1)));
        return;
    }
    for (std::int64_t piece = 0; piece < access.pieces; ++piece) {
        add(piece_address(access, piece, Bytes(burst_)), bytes);
    }
}

}  // namespace memwall
