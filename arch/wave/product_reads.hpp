// SPDX-License-Identifier: Apache-2.0
// What the blocks of a matrix product read of the DRAM, behind a cache that they share.
#pragma once

#include <cstdint>

namespace memwall {

/// One operand of a product, as its blocks see it: a strip for each row, or column, of blocks.
struct ProductOperand {
    std::int64_t strips = 1;
    double strip = 0;      ///< bytes of one, each word once
    double distinct = 0;   ///< bytes of all, each word once: strips may overlap
    double under_way = 0;  ///< bytes of one that a block has on their way to it at a time
};

/// A matrix product as a grid of blocks.
struct ProductGrid {
    ProductOperand left;  ///< a strip for each row of blocks
    ProductOperand right;
    double result = 0;   ///< bytes that a block writes
    double at_once = 1;  ///< blocks that run at a time: a wave
};

/// Bytes of each operand that come from the DRAM.
struct ProductReads {
    double left = 0;
    double right = 0;
};

/// What a product reads of the DRAM where nothing of it lies in the cache before: never less with a
/// smaller `cache` (bytes), at most what all blocks read.
ProductReads product_reads(const ProductGrid& grid, double cache);

}  // namespace memwall
