// SPDX-License-Identifier: Apache-2.0
// Thread blocks on neighbouring cores that share what they read of a product's operands.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/wave/matrix_shape.hpp"

namespace memwall {

/// Blocks side by side: along the rows of a grid they have the second operand in common, along its
/// columns the first.
struct BlockCluster {
    std::int64_t rows = 1;
    std::int64_t columns = 1;
    [[nodiscard]] std::int64_t size() const { return rows * columns; }
};

/// A grid of blocks, cut into clusters.
struct ClusterGrid {
    std::int64_t rows = 1;     ///< of blocks
    std::int64_t columns = 1;  ///< of blocks
    BlockCluster cluster;

    /// Times that the blocks of the grid read each word of an operand together.
    [[nodiscard]] std::int64_t left_reads() const;
    [[nodiscard]] std::int64_t right_reads() const;
    /// Times that a word comes to a block beside those: with the read of a neighbour.
    [[nodiscard]] std::int64_t left_shared() const { return columns - left_reads(); }
    [[nodiscard]] std::int64_t right_shared() const { return rows - right_reads(); }
    /// Of blocks in whole clusters, of which some may reach beyond the grid.
    [[nodiscard]] std::int64_t places() const;
};

/// The grid of a product in blocks of so many results.
ClusterGrid cluster_grid(const MatrixShape& shape, std::int64_t rows, std::int64_t columns,
                         const BlockCluster& cluster);

/// All shapes of clusters of up to `most` blocks, a power of two.
std::vector<BlockCluster> cluster_shapes(std::int64_t most);

}  // namespace memwall
