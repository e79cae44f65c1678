// SPDX-License-Identifier: Apache-2.0
// Writes a network that is split over a mesh down as a program: weights streamed ahead, chunks of
// results on their way while the next are computed, a static schedule.
#pragma once

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/layer_plan.hpp"

namespace memwall {

/// The program of `plans` for one batch a round. Throws InputError where the network does not fit.
Program emit_spatial(const Network& network, const Machine& machine, const Chip& chip,
                     const Cores& cores, const std::vector<FusedLayer>& fused,
                     const std::vector<SpatialPlan>& plans, const MapperOptions& options);

}  // namespace memwall
