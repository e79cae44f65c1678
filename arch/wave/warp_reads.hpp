// SPDX-License-Identifier: Apache-2.0
// What the instructions of a product take out of the cores' memory.
#pragma once

#include <cstdint>

#include "arch/wave/matrix_shape.hpp"

namespace memwall {

/// How often each word of a product's operands goes from the cores' memory into registers.
struct WarpReads {
    std::int64_t left = 1;
    std::int64_t right = 1;
};

/// In blocks of so many results; none are larger than the product.
WarpReads warp_reads(const MatrixShape& shape, std::int64_t rows, std::int64_t columns);

/// On the elementwise lanes, which have no blocks.
WarpReads warp_reads(const MatrixShape& shape);

}  // namespace memwall
