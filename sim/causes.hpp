// SPDX-License-Identifier: Apache-2.0
// What enabled each step, and the critical path that follows from it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/outcome.hpp"

namespace memwall {

/// What let something happen: a step's record, and the time at which it did. None: the beginning.
struct Cause {
    std::int32_t record = -1;
    Picoseconds time;
};

/// One step that has started. `bound` is the resource that its service was owed to.
struct StepRecord {
    Cause enabled;
    Picoseconds start;
    Picoseconds service_end;
    Picoseconds complete;
    LayerId layer;
    std::int32_t round = -1;
    Bound bound = Bound::latency;
};

/// Time on the critical path, by layer and resource.
using PathShares = std::vector<std::array<Picoseconds, kBoundCount>>;

/// Remembers steps and walks back from the last one.
class Causes {
public:
    std::int32_t add(const StepRecord& record) {
        records_.push_back(record);
        return static_cast<std::int32_t>(records_.size() - 1);
    }
    [[nodiscard]] StepRecord& record(std::int32_t index) {
        return records_[static_cast<std::size_t>(index)];
    }

    /// The critical path from the completion of `last` back to the beginning: the shares of steps
    /// of `round`. A gap between what enabled a step and its start (a schedule, a clock's edge) and
    /// the time from service to completion are latency, but the way to or from the host is host.
    [[nodiscard]] PathShares critical_path(std::int32_t last, std::int32_t round,
                                           std::size_t layers) const;

private:
    std::vector<StepRecord> records_;
};

}  // namespace memwall
