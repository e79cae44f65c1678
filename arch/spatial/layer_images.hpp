// SPDX-License-Identifier: Apache-2.0
// The words that the steps of a split layer move and compute, a chunk of results at a time, core by
// core: what the executor proves a spatial program with.
#pragma once

#include "arch/spatial/chip.hpp"
#include "arch/spatial/layer_data.hpp"
#include "arch/step_image.hpp"

namespace memwall {

/// The chunk's weights, from the core memories into the weight buffers.
StepImage weights_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                        const OutputChunk& chunk);

/// The chunk itself, into the accumulators.
StepImage compute_image(const Chip& chip, const SpatialLayer& layer, const OutputChunk& chunk);

/// Of a layer that normalises over rows in several cores: every core gets the rows, in place of the
/// statistics that sum them up.
StepImage rows_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                     const OutputChunk& chunk);

/// Partial sums from core to core along the chains of those that share outputs, to their owners.
StepImage sums_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                     const OutputChunk& chunk);

/// An epilogue on the results where they are owned.
StepImage epilogue_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                         LayerId epilogue, const OutputChunk& chunk);

/// Adds the way of the finished results from the accumulators to the core memories.
void add_results(const Network& network, const Chip& chip, const SpatialLayer& layer,
                 const OutputChunk& chunk, StepImage& to);

}  // namespace memwall
