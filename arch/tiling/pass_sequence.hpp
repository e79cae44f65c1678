// SPDX-License-Identifier: Apache-2.0
// A fused layer as the list of its passes, with what changes from one to the next.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/program.hpp"
#include "arch/tiling/network_plan.hpp"

namespace memwall {

/// An operand's part that is brought in once and stays for one or more passes.
struct Visit {
    Region region;
    std::size_t first = 0;  ///< passes that use it, both included
    std::size_t last = 0;
};

struct Pass {
    Box box;
    std::size_t tile = 0;
    bool starts = false;                   ///< first of its outputs' reduction
    bool finishes = false;                 ///< last of it: the outputs are whole
    ShortList<std::size_t, 4> visit;       ///< by operand of the layer: in operand_visits
    ShortList<std::size_t, 4> tile_visit;  ///< by operand: in tile_visits
};

struct PassSequence {
    std::vector<Pass> passes;
    std::vector<std::vector<Visit>> operand_visits;  ///< by operand: to the operand buffers
    std::vector<std::vector<Visit>> tile_visits;     ///< by operand: to the global buffer
    std::int64_t finished = 0;                       ///< passes that finish outputs
};

PassSequence pass_sequence(const Layer& root, const LayerTiling& plan);

/// What tells the parts of an operand apart: its image; of a gather the rows that are drawn,
/// numbered by their draws.
Region visited_region(const Projection& projection, const Box& box);

/// What of `region` is not in `previous`: trimmed along one axis where that says it, else all.
Region fresh_part(const Region& region, const Region& previous);

}  // namespace memwall
