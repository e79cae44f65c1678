// SPDX-License-Identifier: Apache-2.0
// Whether a layer that an importer states is one that a network can have.
#pragma once

#include <string>
#include <vector>

#include "workloads/importers/draft.hpp"

namespace memwall::importers {

/// Why the layer cannot read inputs of these shapes and make a result of shape `made`; "" where it
/// can.
std::string layer_fault(const DraftLayer& layer, const std::vector<Shape>& inputs,
                        const Shape& made);

}  // namespace memwall::importers
