// SPDX-License-Identifier: Apache-2.0
// What a split layer puts on the meshes by itself: its weights, and what cores that share outputs
// or rows tell each other.
#pragma once

#include "arch/spatial/layer_data.hpp"

namespace memwall {

/// Whether several cores have parts of one row that is normalised over.
bool shares_rows(const Layer& root, const CoreSplit& split);

/// Fill in the layer's weight_... and sum_... fields and who owns which results; boxes and cores
/// are there.
void route_weights(SpatialLayer& layer, const Layer& root, const Machine& machine,
                   const Chip& chip);
/// The weights' traffic anew, where their homes have changed.
void route_from_homes(SpatialLayer& layer, const Machine& machine, const Chip& chip);
/// Fills in the layer's program_... fields; it is the `f`-th.
void route_program(SpatialLayer& layer, std::size_t f, const Machine& machine, const Chip& chip);
void route_sums(SpatialLayer& layer, const Layer& root, const Machine& machine, const Chip& chip);
void route_statistics(SpatialLayer& layer, const Layer& root, const Machine& machine,
                      const Chip& chip);

}  // namespace memwall
