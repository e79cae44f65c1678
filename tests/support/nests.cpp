// SPDX-License-Identifier: Apache-2.0
#include "tests/support/nests.hpp"

#include <algorithm>

namespace memwall::test {

std::vector<Loop> steps(const std::vector<std::pair<Dim, std::int64_t>>& tiles) {
    std::vector<Loop> loops;
    for (const auto& [dim, tile] : tiles) {
        loops.push_back({dim, tile, false, 0});
    }
    return loops;
}

std::vector<Loop> side_by_side(const std::vector<std::pair<Dim, std::int64_t>>& tiles) {
    std::vector<Loop> loops;
    for (const auto& [dim, tile] : tiles) {
        loops.push_back({dim, tile, true, 0});
    }
    return loops;
}

NestLevel level(std::vector<Loop> loops, std::size_t operands) {
    NestLevel made;
    made.loops = std::move(loops);
    made.keeps.assign(operands, true);
    return made;
}

NestMachine plain_machine(std::size_t levels) {
    NestMachine machine;
    for (std::size_t l = 0; l < levels; ++l) {
        NestMemory memory;
        memory.name = l == 0 ? "dram" : "buffer" + std::to_string(l);
        machine.memories.push_back(memory);
    }
    return machine;
}

LoopNest drawn_nest(Draw& draw, const IterationSpace& space, std::size_t levels) {
    LoopNest nest;
    Extents left = space.extents;
    std::vector<Dim> dims;
    for (const Dim dim : all_dims()) {
        if (space.extent(dim) > 1) {
            dims.push_back(dim);
        }
    }
    for (std::size_t l = 0; l < levels; ++l) {
        NestLevel made = level({}, space.operands.size());
        for (const bool spatial : {false, true}) {
            std::vector<Dim> order = dims;
            for (std::size_t i = order.size(); i > 1; --i) {
                std::swap(
                    order[i - 1],
                    order[static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(i) - 1))]);
            }
            const bool last = l + 1 == levels && !spatial;
            for (const Dim dim : order) {
                std::int64_t& size = left[index(dim)];
                // The last level's loops in time finish what its lanes do not take.
                const std::int64_t tile = last ? (draw.chance(30) ? draw(1, size) : 1)
                                          : draw.chance(spatial ? 25 : 50) ? draw(1, size)
                                                                           : size;
                if (tile < size || (size > 1 && draw.chance(10))) {
                    made.loops.push_back({dim, tile, spatial, 0});
                    size = std::min(size, tile);
                }
            }
        }
        if (l + 1 == levels) {
            for (const Dim dim : dims) {
                if (left[index(dim)] > 1) {
                    made.loops.push_back({dim, 1, true, 0});
                }
            }
        }
        if (l > 0) {
            for (std::size_t o = 0; o < space.operands.size(); ++o) {
                made.keeps[o] = draw.chance(75);
            }
            made.keeps_halo = draw.chance(50);
            made.double_buffered = draw.chance(50);
        }
        nest.levels.push_back(made);
    }
    return nest;
}

}  // namespace memwall::test
