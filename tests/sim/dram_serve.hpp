// SPDX-License-Identifier: Apache-2.0
// Accesses to a DRAM by itself, for tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sim/dram_controller.hpp"

namespace memwall::test {

inline DramAccess run_of(std::int64_t address, std::int64_t bytes, bool write = false) {
    return {DramId(0), address, Bytes(bytes), 1, 0, write};
}

struct DramArrival {
    std::int64_t time;
    DramAccess access;
    std::int32_t stream = 0;
};

/// Submits in the given order (times must not fall); the finish of each, in picoseconds.
inline std::vector<std::int64_t> serve(DramPort& dram, const std::vector<DramArrival>& arrivals) {
    static const ClockDomain kFine("fine", Hertz(1'000'000'000'000));  // nothing is rounded
    std::vector<std::int64_t> finish(arrivals.size(), -1);
    std::size_t next = 0;
    while (next < arrivals.size() || dram.next_time() != kNever) {
        const Picoseconds arrival =
            next < arrivals.size() ? Picoseconds(arrivals[next].time) : kNever;
        const Picoseconds now = std::min(arrival, dram.next_time());
        std::vector<std::int32_t> done;
        dram.advance(now, done);
        for (const std::int32_t tag : done) {
            finish[static_cast<std::size_t>(tag)] = now.count();
        }
        for (; next < arrivals.size() && arrivals[next].time == now.count(); ++next) {
            dram.submit(static_cast<std::int32_t>(next), arrivals[next].stream,
                        arrivals[next].access, kFine, now);
        }
        dram.settle(now);
    }
    return finish;
}

inline std::vector<std::int64_t> serve(const DramConfig& config,
                                       const std::vector<DramArrival>& arrivals) {
    DramController dram(config);
    return serve(dram, arrivals);
}

}  // namespace memwall::test
