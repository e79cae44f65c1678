// SPDX-License-Identifier: Apache-2.0
// Windows that take the largest value or the mean, one of the whole image, means over axes, and the
// normalisation over neighbouring channels.
#include <algorithm>

#include "workloads/ops/families.hpp"
#include "workloads/ops/sliding.hpp"

namespace memwall::ops {
namespace {

// MODEL: one elementwise operation for each value in a window. The division of an average goes into
// the scaling of its result.
constexpr std::int64_t kOperationsPerPoint = 1;

std::optional<LayerPlan> plan_pool(const WindowKeys& window, PointOperation operation,
                                   const PlanRequest& request) {
    const auto axes = slide(request, window);
    if (!axes) {
        return std::nullopt;
    }
    const bool only_padding = std::any_of(axes->begin(), axes->end(), [](const SlidingAxis& axis) {
        return std::max(axis.before, axis.after) >= axis.window();
    });
    if (only_padding) {
        return request.fault(
            "the padding is as large as the window: some results would have "
            "nothing but padding");
    }
    LayerPlan plan;
    IterationSpace& space = plan.space;
    const std::int64_t channels = request.inputs[0][0];
    set_extents(*axes, space);
    space.operation = operation;
    space.vector_operations_per_point = kOperationsPerPoint;
    space.extents[index(Dim::K)] = channels;
    plan.output = shape_of(channels, *axes);
    space.operands = {inputs_operand(input_axes(plain_axis(Dim::K, channels), *axes)),
                      outputs_operand(output_axes(plain_axis(Dim::K, channels), *axes))};
    return plan;
}

Planner read_pool(MapReader& keys, PointOperation operation) {
    WindowKeys window = read_window(keys);
    window.ceil_mode = keys.optional<bool>("ceil_mode", false);
    return [=](const PlanRequest& request) { return plan_pool(window, operation, request); };
}

/// The dimension that sums up what `dim` would walk along.
Dim reduced(Dim dim) {
    switch (dim) {
        case Dim::K:
            return Dim::C;
        case Dim::D:
            return Dim::T;
        case Dim::P:
            return Dim::R;
        default:
            return Dim::S;
    }
}

std::optional<LayerPlan> plan_over(const std::vector<std::int64_t>& named, PointOperation operation,
                                   const PlanRequest& request) {
    LayerPlan plan;
    IterationSpace& space = plan.space;
    const Shape& input = request.inputs[0];
    space.operation = operation;
    space.vector_operations_per_point = kOperationsPerPoint;
    std::vector<bool> over(input.size(), false);
    for (const std::int64_t axis : named) {
        const std::size_t position = axis_position(axis, input.size());
        if (position == input.size()) {
            return request.fault("no axis " + std::to_string(axis) + " in an input of shape " +
                                 text(input));
        }
        over[position] = true;
    }
    const std::vector<Dim> dims = shape_dims(input.size());
    std::vector<Axis> read;
    std::vector<Axis> made;
    for (std::size_t axis = 0; axis < input.size(); ++axis) {
        const Dim dim = over[axis] ? reduced(dims[axis]) : dims[axis];
        space.extents[index(dim)] = input[axis];
        read.push_back(plain_axis(dim, input[axis]));
        made.push_back(over[axis] ? single_axis() : plain_axis(dim, input[axis]));
        plan.output.push_back(over[axis] ? 1 : input[axis]);
    }
    space.operands = {inputs_operand(std::move(read)), outputs_operand(std::move(made))};
    return plan;
}

// MODEL: local response normalisation squares and adds each value of the window, and scales the
// result by a power of the sum (three operations, an equal share of them at each point).
std::optional<LayerPlan> plan_response_norm(std::int64_t size, const PlanRequest& request) {
    LayerPlan plan;
    plan.output = request.inputs[0];
    const std::vector<Dim> dims = shape_dims(plan.output.size());
    if (dims[0] != Dim::K) {
        return request.fault(
            "local_response_norm needs an input of shape [channels, rows, columns], found " +
            text(plan.output));
    }
    constexpr std::int64_t kSquareAndAdd = 2;
    constexpr std::int64_t kScale = 3;
    plan.space = elementwise_space(plan.output, PointOperation::add,
                                   kSquareAndAdd + ceil_divide(kScale, size));
    plan.space.extents[index(Dim::R)] = size;
    std::vector<Axis> read = shape_axes(plan.output);
    read[0] = window_axis(Dim::K, 1, Dim::R, 1, size / 2, plan.output[0]);
    plan.space.operands = {inputs_operand(std::move(read)),
                           outputs_operand(shape_axes(plan.output))};
    return plan;
}

Planner read_over(MapReader& keys, PointOperation operation) {
    const std::vector<std::int64_t> axes = required_axes(keys, "axes");
    return [=](const PlanRequest& request) { return plan_over(axes, operation, request); };
}

}  // namespace

Planner read_max_pool(MapReader& keys) {
    return read_pool(keys, PointOperation::max);
}

Planner read_average_pool(MapReader& keys) {
    return read_pool(keys, PointOperation::add);
}

Planner read_global_pool(MapReader& keys) {
    const auto kind = keys.optional_choice("kind", {"average", "max"});
    const PointOperation operation =
        kind.value_or(0) == 0 ? PointOperation::add : PointOperation::max;
    return [=](const PlanRequest& request) {
        WindowKeys whole;
        if (request.inputs[0].size() > 1) {
            whole.kernel.assign(request.inputs[0].begin() + 1, request.inputs[0].end());
        }
        return plan_pool(whole, operation, request);
    };
}

Planner read_sum_over(MapReader& keys) {
    return read_over(keys, PointOperation::add);
}

Planner read_extreme_over(MapReader& keys) {
    return read_over(keys, PointOperation::max);
}

Planner read_local_response_norm(MapReader& keys) {
    const auto size = keys.optional_positive<std::int64_t>("size", 5);
    return [=](const PlanRequest& request) { return plan_response_norm(size, request); };
}

}  // namespace memwall::ops
