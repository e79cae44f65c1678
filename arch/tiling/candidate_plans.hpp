// SPDX-License-Identifier: Apache-2.0
// Plans of one network among which the fastest is sought by running them.
#pragma once

#include <functional>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/network_plan.hpp"

namespace memwall {

/// Which plans are made: those that may be the fastest, or also those that may move least. Of
/// networks of up to 400 layers both are the same, but for little effort.
enum class PlanPool { fast, all };

/// Plans of one network that may be the fastest, from the largest share of the buffer to the
/// smallest, each different, and those with layers depth first; then those that move less through
/// the DRAM. The first is the fastest by the planner's estimate. The more effort, the more of them.
/// What is given by hand is in all of them. `cancelled` is asked between plans; true leaves it at
/// those that there are, one at least. Throws InputError where the network does not fit.
std::vector<NetworkPlan> candidate_plans(const Network& network, const Hierarchy& hierarchy,
                                         const ClockDomain& clock, const Cores& cores,
                                         const GivenTilings& given, Effort effort, PlanPool pool,
                                         const std::function<bool()>& cancelled);

}  // namespace memwall
