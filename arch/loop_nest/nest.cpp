// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest.hpp"

#include <algorithm>

namespace memwall {

double NestMachine::lanes() const {
    double all = 1;
    for (const NestMemory& memory : memories) {
        for (const SpatialAxis& axis : memory.axes) {
            all *= static_cast<double>(axis.size);
        }
    }
    return all;
}

bool NestMachine::has_resident() const {
    return std::any_of(memories.begin(), memories.end(),
                       [](const NestMemory& memory) { return memory.resident; });
}

Extents tile_below(const LoopNest& nest, const Extents& whole, std::size_t level,
                   std::size_t loops) {
    Extents tile = whole;
    for (std::size_t l = 0; l <= level && l < nest.levels.size(); ++l) {
        const std::vector<Loop>& all = nest.levels[l].loops;
        const std::size_t count = l == level ? std::min(loops, all.size()) : all.size();
        for (std::size_t i = 0; i < count; ++i) {
            std::int64_t& size = tile[index(all[i].dim)];
            size = std::min(size, all[i].tile);
        }
    }
    return tile;
}

Extents tile_at(const LoopNest& nest, const Extents& whole, std::size_t level) {
    return tile_below(nest, whole, level, 0);
}

LaneLayout lane_layout(const LoopNest& nest, const Extents& whole) {
    LaneLayout layout;
    Extents left = tile_at(nest, whole, nest.levels.size() - 1);
    for (const Loop& loop : nest.levels.back().loops) {
        std::int64_t& size = left[index(loop.dim)];
        if (loop.spatial && loop.tile < size) {
            layout.parts[index(loop.dim)] *= steps_of(loop, size);
            layout.axis[index(loop.dim)] = loop.axis;
        }
        size = std::min(size, loop.tile);
    }
    return layout;
}

}  // namespace memwall
