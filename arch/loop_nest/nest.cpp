// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest.hpp"

#include <algorithm>
#include <utility>

#include "base/quantity.hpp"

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

namespace {

/// A loop of one dimension, and whether it lays out what it has on lanes.
struct DimLoop {
    std::int64_t tile = 1;
    bool spatial = false;
    bool on_lanes = false;
};

/// Adds the blocks that loops make of `size`, in the first instance.
void cut_blocks(const std::vector<DimLoop>& loops, std::size_t i, EqualBlocks blocks,
                std::vector<EqualBlocks>& found) {
    if (blocks.size == 0 || blocks.count == 0) {
        return;
    }
    if (i == loops.size() || loops[i].on_lanes) {
        const auto same = std::find_if(found.begin(), found.end(), [&](const EqualBlocks& other) {
            return other.size == blocks.size;
        });
        if (same == found.end()) {
            found.push_back(blocks);
        } else {
            same->count += blocks.count;
        }
        return;
    }
    const std::int64_t tile = loops[i].tile;
    if (loops[i].spatial) {
        cut_blocks(loops, i + 1, {std::min(blocks.size, tile), blocks.count}, found);
        return;
    }
    cut_blocks(loops, i + 1, {tile, checked_multiply(blocks.count, blocks.size / tile)}, found);
    cut_blocks(loops, i + 1, {blocks.size % tile, blocks.count}, found);
}

}  // namespace

LaneWork lane_work(const LoopNest& nest, const NestMachine& machine, const Extents& size,
                   std::size_t level) {
    LaneWork work;
    for (const Dim dim : all_dims()) {
        const std::size_t d = index(dim);
        std::vector<DimLoop> loops;
        bool laid_out = false;
        for (std::size_t l = level; l < nest.levels.size(); ++l) {
            for (const Loop& loop : nest.levels[l].loops) {
                if (loop.dim != dim) {
                    continue;
                }
                const bool on_lanes = loop.spatial && l + 1 == nest.levels.size();
                loops.push_back({loop.tile, loop.spatial, on_lanes});
                work.layout.axis[d] = on_lanes ? loop.axis : work.layout.axis[d];
                laid_out = laid_out || on_lanes;
            }
        }
        std::vector<EqualBlocks> blocks;
        cut_blocks(loops, 0, {size[d], 1}, blocks);
        std::int64_t tiles = 0;
        std::int64_t largest = 1;
        for (const EqualBlocks& equal : blocks) {
            tiles += equal.count;
            largest = std::max(largest, equal.size);
        }
        work.tiles = checked_multiply(work.tiles, tiles);
        if (laid_out && largest > 1) {
            work.layout.blocks[d] = std::move(blocks);
        }
    }
    work.turns = lane_turns(machine.memories.back().axes, work.layout);
    return work;
}

std::int64_t turns_of_block(const LoopNest& nest, const NestMachine& machine,
                            const Extents& whole) {
    LoopNest block = nest;
    std::vector<Loop>& loops = block.levels.back().loops;
    Extents tile = tile_at(nest, whole, nest.levels.size() - 1);
    for (const Loop& loop : loops) {
        std::int64_t& size = tile[index(loop.dim)];
        size = loop.spatial ? size : std::min(size, loop.tile);
    }
    loops.erase(
        std::remove_if(loops.begin(), loops.end(), [](const Loop& loop) { return !loop.spatial; }),
        loops.end());
    return lane_work(block, machine, tile, nest.levels.size() - 1).turns.in_time;
}

}  // namespace memwall
