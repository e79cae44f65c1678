// SPDX-License-Identifier: Apache-2.0
// The keys of a layer in the fewest words that mean the same.
#pragma once

#include <vector>

#include "workloads/network.hpp"
#include "workloads/stated_layer.hpp"

namespace memwall {

/// The keys of a layer with inputs of these shapes, without those that are at their defaults, and
/// lists of sizes in their short form ("3" for [3, 3]). A key is at its default where the layer is
/// planned alike without it, so no list of defaults is kept here.
std::vector<YamlValue::Entry> shortest_keys(const StatedLayer& layer,
                                            const std::vector<Shape>& inputs);

}  // namespace memwall
