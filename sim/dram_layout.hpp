// SPDX-License-Identifier: Apache-2.0
// Where an access lies in a DRAM: its part on each channel, and the rows and banks of that part.
#pragma once

#include <algorithm>
#include <cstdint>

#include "arch/dram_config.hpp"
#include "arch/program.hpp"

namespace memwall {

/// Addresses go round the channels every `interleave` bytes; what a channel gets of a run of bytes
/// is again a run of its own bytes. Its rows go round the banks one after another.
// MODEL: row : bank : column inside a channel, channels below the columns (the "RoBaRaCoCh" order
// of DRAM simulators); no hashing of banks.
class DramLayout {
public:
    explicit DramLayout(const DramConfig& config)
        : channels_(config.channels),
          banks_(config.banks),
          row_(config.row.count()),
          burst_(config.burst.count()),
          interleave_(config.interleave.count()) {}

    /// Bytes [begin, end) of a channel's own, whole bursts.
    struct Run {
        std::int64_t begin = 0;
        std::int64_t end = 0;
    };

    /// A channel's part of the bytes [address, address + bytes).
    [[nodiscard]] Run part(std::int64_t address, std::int64_t bytes, std::int64_t channel) const {
        const std::int64_t first = address / burst_ * burst_;
        const std::int64_t last = (address + bytes + burst_ - 1) / burst_ * burst_;
        return {below(first, channel), below(last, channel)};
    }

    [[nodiscard]] std::int64_t row_of(std::int64_t own) const { return own / row_ / banks_; }
    [[nodiscard]] std::int64_t bank_of(std::int64_t own) const { return own / row_ % banks_; }
    [[nodiscard]] std::int64_t row_end(std::int64_t own) const { return (own / row_ + 1) * row_; }
    [[nodiscard]] std::int64_t burst() const { return burst_; }
    [[nodiscard]] std::int64_t channels() const { return channels_; }

private:
    /// How many of a channel's bytes lie below an address.
    [[nodiscard]] std::int64_t below(std::int64_t address, std::int64_t channel) const {
        const std::int64_t turn = interleave_ * channels_;
        const std::int64_t inside = address % turn - channel * interleave_;
        return address / turn * interleave_ + std::clamp<std::int64_t>(inside, 0, interleave_);
    }

    std::int64_t channels_;
    std::int64_t banks_;
    std::int64_t row_;
    std::int64_t burst_;
    std::int64_t interleave_;
};

/// Walks an access's bursts on one channel in the order of its addresses.
class DramCursor {
public:
    DramCursor() = default;
    DramCursor(const DramLayout& layout, const DramAccess& access, std::int64_t channel);

    [[nodiscard]] bool done() const { return at_ >= run_end_; }
    /// The next burst, in the channel's own bytes.
    [[nodiscard]] std::int64_t at() const { return at_; }
    /// How many bursts lie before the end of this run of addresses or of its row.
    [[nodiscard]] std::int64_t in_row(const DramLayout& layout) const {
        return (std::min(run_end_, layout.row_end(at_)) - at_) / layout.burst();
    }
    void skip(const DramLayout& layout, std::int64_t bursts);

private:
    void find_piece(const DramLayout& layout);

    std::int64_t address_ = 0;  ///< of the next piece
    std::int64_t piece_ = 0;
    std::int64_t stride_ = 0;
    std::int64_t pieces_left_ = 0;
    std::int64_t channel_ = 0;
    std::int64_t at_ = 0;
    std::int64_t run_end_ = 0;
};

}  // namespace memwall
