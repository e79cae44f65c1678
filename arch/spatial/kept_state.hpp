// SPDX-License-Identifier: Apache-2.0
// What stays in the cores from item to item: key-value caches, in the cores that read them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "arch/spatial/chip.hpp"
#include "arch/spatial/layer_data.hpp"
#include "arch/step_image.hpp"

namespace memwall {

/// Whether the tensor that stores these words stays from item to item.
bool is_kept(const Network& network, TensorId stored);

/// Makes every split leave each word of a cache that was there before in one core: dimensions that
/// would put it in several become whole. What is new in this round may go to several.
void keep_once(const Network& network, const Layer& root, std::vector<CoreSplit>& splits);

/// For the executor, which has what is kept at the machine's edge between rounds: the words that
/// were there before, where the layer's cores read them. Null where it reads none.
std::shared_ptr<const StepImage> kept_image(const Network& network, const Chip& chip,
                                            const SpatialLayer& layer);

}  // namespace memwall
