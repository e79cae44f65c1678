// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/matrix_shape.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

MatrixShape matrix_shape(const Layer& layer) {
    const IterationSpace& space = layer.space;
    ensure(space.operands.size() >= 3, "a product has two operands and a result");
    const Projection& left = space.operands[0].projection;
    const Projection& right = space.operands[1].projection;
    const Projection& result = space.outputs().projection;
    MatrixShape shape;
    for (const Dim dim : all_dims()) {
        const std::int64_t extent = space.extent(dim);
        const bool in_left = relevant(left, dim);
        const bool in_right = relevant(right, dim);
        if (extent == 1) {
            continue;
        }
        if (!relevant(result, dim)) {
            shape.depth *= extent;
        } else if (in_left && in_right) {
            shape.groups *= extent;
        } else if (in_right) {
            shape.columns *= extent;
        } else {
            shape.rows *= extent;
        }
    }
    if (right.gather) {  // experts, each with an equal share of the rows
        const std::int64_t experts = drawn_rows(right, space.box());
        shape.groups *= experts;
        shape.rows = ceil_divide(shape.rows, experts);
    }
    // MODEL: phases of a transposed convolution (the input gradient of a stride) are products of
    // their own, each as deep as it has elements of the kernel: on average, of all.
    const std::int64_t phases = space.extent(Dim::U) * space.extent(Dim::V) * space.extent(Dim::W);
    if (phases > 1) {
        const std::int64_t results =
            checked_multiply(checked_multiply(shape.groups, shape.rows), shape.columns);
        shape.depth = std::max<std::int64_t>(1, ceil_divide(layer.macs(), results));
    }
    return shape;
}

}  // namespace memwall
