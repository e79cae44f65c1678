// SPDX-License-Identifier: Apache-2.0
// Whether a layer that an importer states is one that a network can have.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "workloads/importers/draft.hpp"

namespace memwall::importers {

struct LayerCheck {
    std::string fault;       ///< "" where there is none
    std::size_t layers = 0;  ///< that it becomes: itself, or the parts of a composite
};

/// Whether the layer can read inputs of these shapes and make a result of shape `made`.
LayerCheck check_layer(const DraftLayer& layer, const std::vector<Shape>& inputs,
                       const Shape& made);

}  // namespace memwall::importers
