// SPDX-License-Identifier: Apache-2.0
// How a layer's dimensions can be spread over the instances below a level.
#pragma once

#include <vector>

#include "arch/loop_nest/nest_cost.hpp"

namespace memwall {

struct SpatialChoice {
    Sizes parts{};
    std::array<std::uint8_t, kDimCount> axis{};
    double steps = 0;  ///< what is left to do in time, all turns of lanes that pack
    double turns = 1;
    double laid_out = 1;  ///< parts in all
};

/// Whether lanes take what is laid out along some axis below a memory in turns.
bool packs(const NestMemory& memory);

/// Choices below a level, those that leave the fewest steps first. `all`: every one that is useful,
/// also such as leave instances idle.
std::vector<SpatialChoice> spatial_choices(const NestCost& cost, const NestMemory& memory,
                                           const Sizes& extents, bool all);

}  // namespace memwall
