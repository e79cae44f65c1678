// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/build.hpp"

#include <string>

#include "base/error.hpp"

namespace memwall::ops {
namespace {

Operand activation(TensorRole role, std::vector<Axis> axes) {
    axes.insert(axes.begin(), plain_axis(Dim::N, 1));
    Operand operand;
    operand.role = role;
    operand.projection.axes = std::move(axes);
    return operand;
}

}  // namespace

Axis plain_axis(Dim dim, std::int64_t extent) {
    return {{{dim, 1}}, 0, extent};
}

Axis window_axis(Dim output, std::int64_t stride, Dim kernel, std::int64_t dilation,
                 std::int64_t before, std::int64_t extent) {
    return {{{output, stride}, {kernel, dilation}}, -before, extent};
}

Axis single_axis() {
    return {{}, 0, 1};
}

Operand weights_operand(std::vector<Axis> axes) {
    Operand operand;
    operand.role = TensorRole::weights;
    operand.projection.axes = std::move(axes);
    return operand;
}

Operand inputs_operand(std::vector<Axis> axes) {
    return activation(TensorRole::inputs, std::move(axes));
}

Operand outputs_operand(std::vector<Axis> axes) {
    return activation(TensorRole::outputs, std::move(axes));
}

std::vector<Dim> shape_dims(std::size_t rank) {
    switch (rank) {
        case 1:
            return {Dim::K};
        case 2:
            return {Dim::P, Dim::K};
        case 3:
            return {Dim::K, Dim::P, Dim::Q};
        case 4:
            return {Dim::K, Dim::D, Dim::P, Dim::Q};
        default:
            fail("activations have one to four axes");
    }
}

std::vector<Axis> shape_axes(const Shape& shape) {
    const std::vector<Dim> dims = shape_dims(shape.size());
    std::vector<Axis> axes;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        axes.push_back(plain_axis(dims[axis], shape[axis]));
    }
    return axes;
}

IterationSpace elementwise_space(const Shape& shape, PointOperation operation,
                                 std::int64_t operations_per_point) {
    IterationSpace space;
    const std::vector<Dim> dims = shape_dims(shape.size());
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        space.extents[index(dims[axis])] = shape[axis];
    }
    space.operation = operation;
    space.vector_operations_per_point = operations_per_point;
    return space;
}

bool can_be_counted(const LayerPlan& plan) {
    constexpr double kMostWords = 1e12;
    constexpr double kMostOperations = 1e14;
    std::vector<std::int64_t> operations(plan.space.extents.begin(), plan.space.extents.end());
    operations.push_back(std::max<std::int64_t>(1, plan.space.vector_operations_per_point));
    return product_within(plan.output, kMostWords) && product_within(plan.weights, kMostWords) &&
           product_within(operations, kMostOperations);
}

}  // namespace memwall::ops
