// SPDX-License-Identifier: Apache-2.0
// Writes a network that is split over a mesh down as a program: weights streamed ahead, chunks of
// results on their way while the next are computed, a static schedule.
#pragma once

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/emitter.hpp"
#include "arch/spatial/layer_plan.hpp"

namespace memwall {

/// A network split over the chip with its static schedule: all of a program but its length.
struct SpatialDesign {
    SpatialNetwork layers;
    Schedule schedule;
    Picoseconds steady_round;  ///< from round to round of a long stream, nothing contended
};

/// Throws InputError where the network does not fit. Network, fused layers and plans must outlive
/// the design.
SpatialDesign design_spatial(const Network& network, const Machine& machine, const Chip& chip,
                             const Cores& cores, const std::vector<FusedLayer>& fused,
                             const std::vector<SpatialPlan>& plans, const MapperOptions& options);

/// The program of a design for `options.rounds` rounds of one batch.
Program emit_spatial(const Network& network, const Machine& machine, const Chip& chip,
                     const Cores& cores, const SpatialDesign& design, const MapperOptions& options);

}  // namespace memwall
