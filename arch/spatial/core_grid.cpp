// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/core_grid.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/error.hpp"

namespace memwall {
namespace {

bool is_position(Dim dim) {
    return dim == Dim::N || dim == Dim::D || dim == Dim::P || dim == Dim::Q;
}
bool is_channel(Dim dim) {
    return dim == Dim::G || dim == Dim::H || dim == Dim::t || dim == Dim::K;
}

struct Parts {
    std::int64_t channels = 1;
    std::int64_t reductions = 1;
    std::int64_t positions = 1;
    std::int64_t columns = 1;  ///< of the positions: parts of Q
};

/// Blocks on the mesh: `across` cells wide and `down` high, each cell one row of cores that share
/// outputs. across 0: no such blocks fit, cores follow each other row by row.
struct Blocks {
    std::int64_t across = 0;
    std::int64_t down = 0;
    std::int64_t in_row = 1;  ///< blocks beside each other
};

/// `cells` cells of `width` cores a block, `blocks` blocks: the squarest that fits; `preferred`
/// cells across where that fits.
Blocks arrange(std::int64_t cells, std::int64_t width, std::int64_t blocks, std::int64_t preferred,
               const MeshConfig& mesh) {
    Blocks best;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::int64_t across = 1; across * width <= mesh.columns; ++across) {
        const std::int64_t down = ceil_divide(cells, across);
        if (down > mesh.rows) {
            continue;
        }
        const std::int64_t in_row = mesh.columns / (across * width);
        if (in_row * (mesh.rows / down) < blocks) {
            continue;
        }
        const std::int64_t badness = across == preferred ? -1 : std::abs(across * width - down);
        if (badness < least) {
            least = badness;
            best = {across, down, in_row};
        }
    }
    return best;
}

std::vector<GridCore> number_parts(const CoreSplit& split, const std::vector<Dim>& rows,
                                   Parts& parts) {
    std::vector<GridCore> cores = {GridCore{}};
    const auto alone = [&](Dim dim) {
        return std::find(rows.begin(), rows.end(), dim) == rows.end();
    };
    for (const Dim dim : all_dims()) {
        const std::int64_t count = split.parts(dim);
        const bool position = is_position(dim) && alone(dim);
        const bool channel = is_channel(dim) && alone(dim);
        std::vector<GridCore> finer;
        for (const GridCore& core : cores) {
            for (std::int64_t p = 0; p < count; ++p) {
                finer.push_back(core);
                GridCore& last = finer.back();
                std::int64_t& number = position  ? last.position
                                       : channel ? last.channel
                                                 : last.reduction;
                number = number * count + p;
            }
        }
        cores = std::move(finer);
        (position ? parts.positions : channel ? parts.channels : parts.reductions) *= count;
    }
    parts.columns = alone(Dim::Q) ? split.parts(Dim::Q) : 1;
    return cores;
}

}  // namespace

std::vector<GridCore> place_cores(const CoreSplit& split, Layout layout, const MeshConfig& mesh,
                                  const std::vector<Dim>& rows) {
    Parts parts;
    std::vector<GridCore> cores = number_parts(split, rows, parts);
    ensure(parts.channels * parts.reductions * parts.positions <= mesh.columns * mesh.rows,
           "a split has no more parts than there are cores");
    const bool by_weights = layout == Layout::weights;
    // Inside a block: positions or channels. Blocks themselves: the other.
    const std::int64_t cells = by_weights ? parts.positions : parts.channels;
    const std::int64_t count = by_weights ? parts.channels : parts.positions;
    const Blocks blocks =
        arrange(cells, parts.reductions, count, by_weights ? parts.columns : 0, mesh);
    for (GridCore& core : cores) {
        const std::int64_t cell = by_weights ? core.position : core.channel;
        const std::int64_t block = by_weights ? core.channel : core.position;
        if (blocks.across == 0) {
            const std::int64_t number = (block * cells + cell) * parts.reductions + core.reduction;
            core.at = {number % mesh.columns, number / mesh.columns};
            continue;
        }
        // Positions keep their own columns where these fit, so that neighbours stay neighbours.
        const std::int64_t in_row =
            !by_weights && parts.columns <= blocks.in_row &&
                    ceil_divide(count, parts.columns) * blocks.down <= mesh.rows
                ? parts.columns
                : blocks.in_row;
        core.at.column = (block % in_row) * blocks.across * parts.reductions +
                         (cell % blocks.across) * parts.reductions + core.reduction;
        core.at.row = (block / in_row) * blocks.down + cell / blocks.across;
    }
    return cores;
}

}  // namespace memwall
