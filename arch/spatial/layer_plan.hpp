// SPDX-License-Identifier: Apache-2.0
// Which split every layer of a network gets on the mesh: a shortest path through the candidates of
// all layers, since a layer's split decides how its inputs must travel.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/fused_layer.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/core_grid.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// One layer's split and where its parts lie, with estimates in cycles.
struct SpatialPlan {
    CoreSplit split;
    Layout layout = Layout::weights;
    std::int64_t columns = 0, rows = 0;  ///< of the part of the mesh that it lies in; 0: all
    double compute = 0;                  ///< of the slowest core
    double first_output = 0;             ///< until its first result
    double weights = 0;                  ///< streaming them over the model network
    double partial_sums = 0;             ///< adding them up over the partial-sum network
};

/// Whether all layers are split and laid out alike.
bool same_splits(const std::vector<SpatialPlan>& a, const std::vector<SpatialPlan>& b);

/// Results leave a core in about this many chunks, so that they travel while it goes on.
inline constexpr std::int64_t kOutputChunks = 8;

/// Pieces of the weight stream that a core's weight buffer holds at once.
inline constexpr std::int64_t kWeightSlots = 4;

/// Splits for all fused layers, once for each of `beams` (at least one): how many candidates of a
/// layer are tried. The costs are estimates, so a wider beam need not give the faster program.
/// `cache_share`: see SplitCandidateMaker. Throws Interrupted where the options say so.
std::vector<std::vector<SpatialPlan>> plan_splits(const Network& network,
                                                  const std::vector<FusedLayer>& fused,
                                                  const Machine& machine, const Chip& chip,
                                                  const Cores& cores,
                                                  const std::vector<std::size_t>& beams,
                                                  double cache_share, const MapperOptions& options);

}  // namespace memwall
