// SPDX-License-Identifier: Apache-2.0
// A network split over a mesh, and its program: weights streamed ahead, chunks of results on their
// way while the next are computed, a static schedule.
#pragma once

#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial/arrivals.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/core_memory.hpp"
#include "arch/spatial/layer_plan.hpp"
#include "arch/spatial/schedule.hpp"

namespace memwall {

/// A network split over the chip with its static schedule: all of a program but its length.
struct SpatialDesign {
    SpatialNetwork layers;
    CoreMemories memories;
    SteadySchedule steady;
};

/// Throws InputError where the network does not fit. Network, fused layers and plans must outlive
/// the design. `rounds_apart`: see SpatialNetwork.
SpatialDesign design_spatial(const Network& network, const Machine& machine, const Chip& chip,
                             const Cores& cores, const std::vector<FusedLayer>& fused,
                             const std::vector<SpatialPlan>& plans, std::int64_t rounds_apart,
                             const MapperOptions& options);

/// The program of a design for `options.rounds` rounds of one batch.
Program emit_spatial(const Network& network, const Machine& machine, const Chip& chip,
                     const Cores& cores, const SpatialDesign& design, const MapperOptions& options);

}  // namespace memwall
