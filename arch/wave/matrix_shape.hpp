// SPDX-License-Identifier: Apache-2.0
// A layer as the matrix products that a kernel of a GPU sees.
#pragma once

#include <cstdint>

#include "workloads/network.hpp"

namespace memwall {

/// `groups` independent products of a rows x depth with a depth x columns matrix.
struct MatrixShape {
    std::int64_t groups = 1;   ///< heads, groups, items where both operands are an item's own
    std::int64_t rows = 1;     ///< items and positions
    std::int64_t columns = 1;  ///< output channels
    std::int64_t depth = 1;    ///< what is summed over
};

/// Of a layer that multiplies: its first operand has the rows, its second the columns.
MatrixShape matrix_shape(const Layer& layer);

}  // namespace memwall
