// SPDX-License-Identifier: Apache-2.0
// Building blocks of iteration spaces: axes, operands, the dimensions of an activation's shape.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "workloads/ops/keys.hpp"
#include "workloads/ops/op.hpp"

namespace memwall::ops {

/// An axis that one dimension walks along.
Axis plain_axis(Dim dim, std::int64_t extent);
/// An axis along which a window slides: stride * output + dilation * kernel - before.
Axis window_axis(Dim output, std::int64_t stride, Dim kernel, std::int64_t dilation,
                 std::int64_t before, std::int64_t extent);
/// An axis that every point reads at index 0: a broadcast one.
Axis single_axis();

Operand weights_operand(std::vector<Axis> axes);
/// Activations have the batch in front of their own axes.
Operand inputs_operand(std::vector<Axis> axes);
Operand outputs_operand(std::vector<Axis> axes);

/// The dimension of each axis of an activation: [K], [P, K], [K, P, Q] or [K, D, P, Q].
std::vector<Dim> shape_dims(std::size_t rank);
/// The axes of an activation of this shape, one dimension each.
std::vector<Axis> shape_axes(const Shape& shape);
/// A space with the dimensions of `shape` and nothing in it yet.
IterationSpace elementwise_space(const Shape& shape, PointOperation operation,
                                 std::int64_t operations_per_point);

/// Whether the words and operations of a layer are few enough for exact counts: 10^12 words of a
/// tensor, 10^14 operations.
bool can_be_counted(const LayerPlan& plan);

}  // namespace memwall::ops
