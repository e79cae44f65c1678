// SPDX-License-Identifier: Apache-2.0
// Where the parts of a split layer sit on the mesh: cores that share outputs beside each other, and
// in blocks what shares weights or positions.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_split.hpp"
#include "arch/spatial/mesh_traffic.hpp"

namespace memwall {

/// One core of a split layer.
struct GridCore {
    Router at;
    std::int64_t channel = 0;    ///< which part of G, H, K: cores with equal parts share weights
    std::int64_t reduction = 0;  ///< which part of C: cores that differ only here share outputs,
                                 ///< or a row that is normalised over
    std::int64_t position = 0;   ///< which part of N, D, P, Q
};

/// What a block of neighbouring cores has in common.
enum class Layout {
    weights,    ///< the same weights: they travel within the block, positions lie side by side
    positions,  ///< the same positions: activations travel within the block, weights everywhere
};

/// The cores in the order of CoreSplit::boxes. The split must not have more cores than the mesh.
/// `rows`: dimensions that are normalised over; cores with parts of one row lie beside each other.
std::vector<GridCore> place_cores(const CoreSplit& split, Layout layout, const MeshConfig& mesh,
                                  const std::vector<Dim>& rows = {});

}  // namespace memwall
