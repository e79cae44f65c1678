// SPDX-License-Identifier: Apache-2.0
// Where an access lies in a DRAM: its part on each channel, and the rows and banks of that part.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "arch/dram_config.hpp"
#include "arch/program.hpp"

namespace memwall {

/// Addresses go round the channels every `interleave` bytes; what a channel gets of a run of bytes
/// is again a run of its own bursts. Inside the channel the bits of a burst's number say which bank
/// and which row (DramMapping).
class DramLayout {
public:
    explicit DramLayout(const DramConfig& config);

    /// Bursts [begin, end) of a channel, by their numbers there.
    struct Run {
        std::int64_t begin = 0;
        std::int64_t end = 0;
        friend bool operator==(const Run&, const Run&) = default;
    };
    /// Appends the runs of an access to those of each channel, in the order of its addresses. A
    /// burst that two pieces share, one after another, is served once, but for rows that are drawn.
    void split(const DramAccess& access, std::vector<std::vector<Run>>& by_channel) const;

    /// Consecutive bursts, 2^block_bits() of them and aligned, that lie in one row of each bank.
    struct Block {
        std::int64_t number = -1;
        std::int64_t row = 0;
        std::uint32_t bank = 0;  ///< what the upper bits put into the bank by XOR
    };
    [[nodiscard]] Block block(std::int64_t number) const;
    [[nodiscard]] std::int64_t block_of(std::int64_t burst) const { return burst >> block_bits_; }
    [[nodiscard]] std::int32_t bank(const Block& block, std::int64_t burst) const {
        return static_cast<std::int32_t>(
            in_block_[static_cast<std::size_t>(burst) & (in_block_.size() - 1)] ^ block.bank);
    }
    [[nodiscard]] int block_bits() const { return block_bits_; }
    /// The banks of 2^bits aligned bursts, each XORed with that of the first.
    [[nodiscard]] const std::vector<std::uint32_t>& banks_of_low_bits(int bits) const {
        return low_banks_[static_cast<std::size_t>(bits)];
    }
    /// Whether any `count` consecutive bursts of a block lie in as many bank groups.
    [[nodiscard]] bool rotates(std::int64_t count) const { return count <= rotation_; }

private:
    /// A burst of all channels': turns round the channels before it, and its place in its own.
    struct Place {
        std::int64_t turns = 0;
        std::int64_t in_turn = 0;
    };
    [[nodiscard]] Place place(std::int64_t burst) const {
        const std::int64_t turn = interleave_ * channels_;
        return {burst / turn, burst % turn};
    }
    /// How many of a channel's bursts lie below a place.
    [[nodiscard]] std::int64_t below(const Place& place, std::int64_t channel) const {
        const std::int64_t inside = place.in_turn - channel * interleave_;
        return place.turns * interleave_ + std::clamp<std::int64_t>(inside, 0, interleave_);
    }
    void split_piece(std::int64_t first, std::int64_t end, bool joins,
                     std::vector<std::vector<Run>>& by_channel) const;
    [[nodiscard]] std::uint32_t bank_of(std::int64_t burst) const;
    void find_rotation(std::uint32_t banks_in_group, std::int64_t groups);

    std::int64_t channels_;
    std::int64_t burst_;                    ///< in bytes
    std::int64_t interleave_;               ///< in bursts
    int row_shift_ = 0;                     ///< the row is the bits from here on
    std::vector<std::uint64_t> bank_bits_;  ///< each bit of the bank: the parity of these bits
    int block_bits_ = 0;
    std::vector<std::uint32_t> in_block_;  ///< the bank by a burst's place in its block
    std::vector<std::vector<std::uint32_t>> low_banks_;
    std::int64_t rotation_ = 1;
};

/// Walks the bursts of runs. The runs stay where they are; copies of a cursor are cheap.
class DramCursor {
public:
    DramCursor() = default;
    explicit DramCursor(const std::vector<DramLayout::Run>& runs)
        : run_(runs.data()), last_(runs.data() + runs.size()) {
        at_ = done() ? 0 : run_->begin;
    }

    [[nodiscard]] bool done() const { return run_ == last_; }
    /// The number of the next burst on its channel.
    [[nodiscard]] std::int64_t at() const { return at_; }
    /// How many bursts lie before the end of this run.
    [[nodiscard]] std::int64_t in_run() const { return run_->end - at_; }
    /// Goes on by as many bursts, at most to the end of this run.
    void skip(std::int64_t bursts) {
        at_ += bursts;
        if (at_ == run_->end && ++run_ != last_) {
            at_ = run_->begin;
        }
    }

private:
    const DramLayout::Run* run_ = nullptr;
    const DramLayout::Run* last_ = nullptr;
    std::int64_t at_ = 0;
};

}  // namespace memwall
