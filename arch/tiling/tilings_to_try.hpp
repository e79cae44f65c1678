// SPDX-License-Identifier: Apache-2.0
// Ways to tile one layer that the planner's estimates pass over, for networks so small that each
// may be run.
#pragma once

#include <vector>

#include "arch/fused_layer.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/network_plan.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Whether a network runs in so few passes that the engine is asked for many plans of it in no
/// time.
bool is_short(const Network& network, const NetworkPlan& plan);

/// Tiles that are cut along one dimension or two, and a tile of the whole layer that goes through
/// the cores in one pass, spread along one dimension. None for a layer that brings operands up to
/// date, or of groups or heads. Whether they fit is not asked.
std::vector<GivenTiling> tilings_to_try(const Network& network, const FusedLayer& fused,
                                        const Hierarchy& hierarchy);

}  // namespace memwall
