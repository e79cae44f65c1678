// SPDX-License-Identifier: Apache-2.0
// Weights that move out of cores that are too full.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/spatial/arrivals.hpp"
#include "arch/spatial/chip.hpp"

namespace memwall {

/// MODEL: a core that is too full passes weights on to the nearest core with room, largest layers
/// first. `room`: bytes by lane that are left for weights; `alignment`: of a layer's weights in a
/// core. Layers whose weights have moved are routed anew. Whether any did.
bool spread_weights(const Machine& machine, const Chip& chip, const std::vector<std::int64_t>& room,
                    std::int64_t alignment, SpatialNetwork& layers);

}  // namespace memwall
