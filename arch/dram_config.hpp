// SPDX-License-Identifier: Apache-2.0
// A DRAM as its data sheet gives it, resolved to picoseconds.
#pragma once

#include <cstdint>
#include <string>

#include "base/quantity.hpp"

namespace memwall {

/// One kind of DRAM: channels of banks with rows. All channels are alike and independent.
struct DramConfig {
    std::string name;
    Bytes capacity;
    std::int64_t channels = 1;  ///< independent (pseudo-)channels
    std::int64_t banks = 1;     ///< a channel, all bank groups together
    Bytes row;                  ///< of one bank
    Bytes burst;                ///< the least that is read or written
    Bytes interleave;  ///< consecutive bytes on one channel before the next; a multiple of burst
    Picoseconds burst_time;  ///< a burst on the data bus: burst / (channel's peak bandwidth)
    Picoseconds activate_to_access;     ///< tRCD
    Picoseconds precharge;              ///< tRP
    Picoseconds access_latency;         ///< CL, from a read command to its first data
    Picoseconds activate_to_precharge;  ///< tRAS
    Picoseconds activate_interval;      ///< the larger of tRRD and tFAW / 4; zero: no limit
    Picoseconds refresh_interval;       ///< tREFI; zero: never refreshed
    Picoseconds refresh_time;           ///< tRFC, all banks of a channel
    Picoseconds turnaround;             ///< between a write and a read burst on the bus, either way
    std::int64_t row_hit_cap = 16;      ///< consecutive hits of one access while others wait

    [[nodiscard]] BytesPerSecond peak() const {
        return BytesPerSecond(static_cast<double>(channels * burst.count()) * 1e12 /
                              static_cast<double>(burst_time.count()));
    }
};

}  // namespace memwall
