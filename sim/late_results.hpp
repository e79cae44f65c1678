// SPDX-License-Identifier: Apache-2.0
// Late steps of a layer in results that are put together from others.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// Layers change their places: `moved` gives the new one of each.
template <class Moved>
void move_late(std::vector<LateResult>& late, const Moved& moved) {
    for (LateResult& steps : late) {
        if (steps.of_layer) {
            steps.of_layer = moved(*steps.of_layer);
        }
    }
}

/// Adds late steps of the same layer, of another step of the network.
void add_late(const std::vector<LateResult>& more, std::vector<LateResult>& late);

}  // namespace memwall
