// SPDX-License-Identifier: Apache-2.0
// The words that the steps of a pass move and compute, core by core: what the executor proves a
// tiled program with.
#pragma once

#include "arch/step_image.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/layer_passes.hpp"

namespace memwall {

/// Operand `o` of the layer, from the global buffer to the cores.
StepImage feed_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                     std::size_t o);
/// Operand `i` of its epilogues for the results of a part of the pass, to the cores, whose buffers
/// it fills for the `filling`th time.
StepImage operand_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                        std::size_t i, const Box& part, std::int64_t filling);

StepImage compute_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p);
/// Partial sums, from the cores that share an output to the one that ends up with it.
StepImage reduce_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p);
StepImage epilogue_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                         LayerId epilogue);
/// Operand `o`, brought up to date, from the cores to the global buffer.
StepImage write_back_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                           std::size_t o);
/// The finished results of a part of the pass, from the cores to the global buffer.
StepImage drain_image(const Hierarchy& hierarchy, const LayerPasses& layer, std::size_t p,
                      const Box& part);

}  // namespace memwall
