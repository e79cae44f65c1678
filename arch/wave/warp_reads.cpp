// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/warp_reads.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kWarpTile = 64;

}  // namespace

// MODEL: a warp multiplies tiles of 64 x 64 results, or as many as its block or the product has
// rows and columns: a word of an operand goes from the shared memory into registers once for each
// tile along the other one, on the elementwise lanes too. What is no operand of a product is taken
// once.
WarpReads warp_reads(const MatrixShape& shape, std::int64_t rows, std::int64_t columns) {
    return {ceil_divide(shape.columns, std::min(kWarpTile, columns)),
            ceil_divide(shape.rows, std::min(kWarpTile, rows))};
}

WarpReads warp_reads(const MatrixShape& shape) {
    return warp_reads(shape, kWarpTile, kWarpTile);
}

}  // namespace memwall
