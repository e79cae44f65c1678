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

/// Blocks of `columns` positions across, each as wide as the parts of the reduction, one block a
/// channel part. Zero columns: no such blocks fit, cores follow each other row by row.
std::int64_t block_columns(std::int64_t channels, std::int64_t reductions, std::int64_t positions,
                           const MeshConfig& mesh) {
    std::int64_t best = 0;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (std::int64_t across = 1; across * reductions <= mesh.columns; ++across) {
        const std::int64_t down = ceil_divide(positions, across);
        const std::int64_t width = across * reductions;
        const std::int64_t blocks =
            down <= mesh.rows ? (mesh.columns / width) * (mesh.rows / down) : 0;
        if (blocks >= channels && std::abs(width - down) < least) {
            least = std::abs(width - down);
            best = across;
        }
    }
    return best;
}

}  // namespace

std::vector<GridCore> place_cores(const CoreSplit& split, const MeshConfig& mesh) {
    std::vector<GridCore> cores = {GridCore{}};
    std::int64_t channels = 1;
    std::int64_t reductions = 1;
    std::int64_t positions = 1;
    for (const Dim dim : all_dims()) {
        const std::int64_t parts = split.parts(dim);
        std::vector<GridCore> finer;
        for (const GridCore& core : cores) {
            for (std::int64_t p = 0; p < parts; ++p) {
                finer.push_back(core);
                GridCore& last = finer.back();
                if (is_position(dim)) {
                    last.position = last.position * parts + p;
                } else if (is_channel(dim)) {
                    last.channel = last.channel * parts + p;
                } else {
                    last.reduction = last.reduction * parts + p;
                }
            }
        }
        cores = std::move(finer);
        (is_position(dim) ? positions : is_channel(dim) ? channels : reductions) *= parts;
    }
    ensure(channels * reductions * positions <= mesh.columns * mesh.rows,
           "a split has no more parts than there are cores");
    const std::int64_t across = block_columns(channels, reductions, positions, mesh);
    for (GridCore& core : cores) {
        if (across == 0) {
            const std::int64_t index =
                (core.channel * positions + core.position) * reductions + core.reduction;
            core.at = {index % mesh.columns, index / mesh.columns};
            continue;
        }
        const std::int64_t width = across * reductions;
        const std::int64_t down = ceil_divide(positions, across);
        const std::int64_t blocks = mesh.columns / width;
        core.at.column = (core.channel % blocks) * width + (core.position % across) * reductions +
                         core.reduction;
        core.at.row = (core.channel / blocks) * down + core.position / across;
    }
    return cores;
}

}  // namespace memwall
