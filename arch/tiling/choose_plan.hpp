// SPDX-License-Identifier: Apache-2.0
// Which plan a network runs by: of those that may be the best, the one that the analytic engine
// finds best, for the whole batch or equal parts of it.
#pragma once

#include <cstddef>
#include <optional>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome_figures.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/network_plan.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A plan for what runs through the machine together: the whole batch or an equal part of it.
struct PlanChoice {
    Network network;
    NetworkPlan plan;
    GivenTilings given;        ///< what of it was given by hand
    std::size_t compared = 1;  ///< plans that the analytic engine was asked about
    /// Plans that were made when the search was cancelled.
    std::optional<std::size_t> cut_after{};
};

/// By the objective of `options`. Throws DoesNotFit where the network has no room. Where it is
/// cancelled, the best so far; by the planner's estimate where the engine was not asked yet. More
/// effort tries all that less does, so it is never worse.
PlanChoice choose_plan(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                       const Cores& cores, const MapperOptions& options);

}  // namespace memwall
