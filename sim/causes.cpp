// SPDX-License-Identifier: Apache-2.0
#include "sim/causes.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

PathShares Causes::critical_path(std::int32_t last, std::int32_t round, std::size_t layers) const {
    PathShares shares(layers);
    if (last < 0) {
        return shares;
    }
    std::int32_t at = last;
    Picoseconds leave = records_[static_cast<std::size_t>(last)].complete;
    while (at >= 0) {
        const StepRecord& step = records_[static_cast<std::size_t>(at)];
        const Picoseconds enabled = step.enabled.record >= 0 ? step.enabled.time : Picoseconds(0);
        ensure(enabled <= step.start && step.start <= leave, "causes come before their effects");
        if (step.round == round && step.layer.valid()) {
            auto& mine = shares[step.layer.position()];
            const Picoseconds served = std::min(leave, std::max(step.service_end, step.start));
            mine[static_cast<std::size_t>(step.bound)] += served - step.start;
            // What a host, another card or a DRAM still has to deliver is its own.
            const bool own =
                step.bound == Bound::host || step.bound == Bound::link || step.bound == Bound::dram;
            const Bound after = own ? step.bound : Bound::latency;
            mine[static_cast<std::size_t>(after)] += leave - served;
            mine[static_cast<std::size_t>(Bound::latency)] += step.start - enabled;
        }
        leave = enabled;
        ensure(step.enabled.record < at, "causes come before their effects");
        at = step.enabled.record;
    }
    return shares;
}

}  // namespace memwall
