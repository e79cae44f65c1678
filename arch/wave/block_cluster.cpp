// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/block_cluster.hpp"

#include "base/quantity.hpp"

namespace memwall {

// MODEL: blocks of a cluster lie side by side on neighbouring cores and share what they read
// (thread block clusters with multicast of the tensor memory accelerator, NVIDIA H100 white paper,
// 2022): along the rows of a grid a word of the second operand, along its columns one of the first
// leaves the cache and crosses the bus once for all of them, and is written into the memory of
// each. They do not wait for each other. A cluster that reaches beyond the grid takes cores for the
// blocks that it lacks, which read nothing. Of the clusters that a machine has the best is taken,
// and of equally fast ones that which reads least. Convolutions share like other products; an
// attention that is one kernel, sums of slices and operands of what runs on the way out do not.
std::int64_t ClusterGrid::left_reads() const {
    return ceil_divide(columns, cluster.columns);
}

std::int64_t ClusterGrid::right_reads() const {
    return ceil_divide(rows, cluster.rows);
}

std::int64_t ClusterGrid::places() const {
    return checked_multiply(checked_multiply(left_reads(), right_reads()), cluster.size());
}

ClusterGrid cluster_grid(const MatrixShape& shape, std::int64_t rows, std::int64_t columns,
                         const BlockCluster& cluster) {
    return {ceil_divide(shape.rows, rows), ceil_divide(shape.columns, columns), cluster};
}

std::vector<BlockCluster> cluster_shapes(std::int64_t most) {
    std::vector<BlockCluster> shapes;
    for (std::int64_t rows = 1; rows <= most; rows *= 2) {
        for (std::int64_t columns = 1; rows * columns <= most; columns *= 2) {
            shapes.push_back({rows, columns});
        }
    }
    return shapes;
}

}  // namespace memwall
