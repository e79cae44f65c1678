// SPDX-License-Identifier: Apache-2.0
// From which capacity on a machine is as good as another: found with the analytic engine by
// doubling, then by halving the last step.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/quantity.hpp"

namespace memwall {

/// How good a machine is at one capacity.
struct CapacityPoint {
    Joules energy;  ///< an item
    double per_second = 0;
};

/// nullopt where the network cannot run at that capacity.
using EvaluateCapacity = std::function<std::optional<CapacityPoint>(Bytes)>;

struct Crossover {
    std::optional<Bytes> energy;  ///< the least capacity found that needs no more energy
    std::optional<Bytes> speed;   ///< the least capacity found that is as fast
    Bytes best;                   ///< the capacity of least energy among the doublings
    Joules best_energy;
    Bytes knee;  ///< the least among the doublings whose energy is within 5 % of that
};

/// Between `from` and `to`, `to` included. Capacities are settled to 1/32. Throws InputError where
/// the network runs at none of them.
Crossover find_crossover(Bytes from, Bytes to, const CapacityPoint& reference,
                         const EvaluateCapacity& evaluate);

}  // namespace memwall
