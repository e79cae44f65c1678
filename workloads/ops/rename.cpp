// SPDX-License-Identifier: Apache-2.0
// reshape, flatten and concat: the same words under another shape, or behind each other;
// lower_triangle: some of them.
#include "workloads/ops/build.hpp"
#include "workloads/ops/composite.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"

namespace memwall::ops {
namespace {

std::optional<LayerPlan> plan_concat(std::int64_t named, const PlanRequest& request) {
    LayerPlan plan;
    plan.output = request.inputs[0];
    const std::size_t axis = axis_position(named, plan.output.size());
    if (axis == plan.output.size()) {
        return request.fault("no axis " + std::to_string(named) + " in an input of shape " +
                             text(plan.output));
    }
    plan.output[axis] = 0;
    for (const Shape& shape : request.inputs) {
        Shape beside = shape;
        if (shape.size() == plan.output.size()) {
            beside[axis] = plan.output[axis];
        }
        if (beside != plan.output) {
            return request.fault("shapes do not meet along axis " + std::to_string(axis) + ": " +
                                 text(request.inputs[0]) + " and " + text(shape));
        }
        plan.output[axis] += shape[axis];
    }
    // Where it is not free it is a copy: each input is seen through a window onto its own part, and
    // everything outside is padding.
    plan.space = elementwise_space(plan.output, PointOperation::vector, 1);
    std::int64_t offset = 0;
    for (const Shape& shape : request.inputs) {
        std::vector<Axis> axes = shape_axes(shape);
        axes[axis].offset = -offset;
        plan.space.operands.push_back(inputs_operand(std::move(axes)));
        offset += shape[axis];
    }
    plan.space.operands.push_back(outputs_operand(shape_axes(plan.output)));
    return plan;
}

/// Every second word of [words], `count` of them.
std::optional<LayerPlan> plan_select(std::int64_t count, const PlanRequest& request) {
    LayerPlan plan;
    plan.output = {count};
    plan.space = elementwise_space(plan.output, PointOperation::vector, 1);
    plan.space.operands = {inputs_operand({Axis{{{Dim::K, 2}}, 0, request.inputs[0][0]}}),
                           outputs_operand(shape_axes(plan.output))};
    return plan;
}

// MODEL: which words of a matrix lie below its diagonal decides nothing but addresses: every second
// one stands for them.
std::optional<Expansion> plan_triangle(const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (input.size() != 2 || input[0] != input[1] || input[0] < 2) {
        return request.fault("lower_triangle needs a square matrix of at least [2, 2], found " +
                             text(input));
    }
    const std::int64_t n = input[0];
    Composite parts(request);
    const PartSource words =
        parts.add("words", "reshape", {Composite::input(0)},
                  [=](const PlanRequest& each) { return plan_reshape({n * n}, each); });
    parts.add("", "select", {words},
              [=](const PlanRequest& each) { return plan_select(n * (n - 1) / 2, each); });
    return parts.finish();
}

}  // namespace

std::optional<LayerPlan> plan_reshape(const Shape& to, const PlanRequest& request) {
    const Shape& from = request.inputs[0];
    if (words(to) != words(from)) {
        return request.fault("shapes do not meet: " + text(from) + " has " +
                             std::to_string(words(from)) + " words, " + text(to) + " has " +
                             std::to_string(words(to)));
    }
    LayerPlan plan;
    plan.output = to;
    return plan;
}

Planner concat_planner(std::int64_t axis) {
    return [=](const PlanRequest& request) { return plan_concat(axis, request); };
}

Planner read_concat(MapReader& keys) {
    return concat_planner(keys.optional<std::int64_t>("axis", 0));
}

Planner read_reshape(MapReader& keys) {
    const YamlValue& value = keys.required_value("shape");
    const auto to = value.is_null() ? std::nullopt : read_shape(value, keys.what(), keys.faults());
    return [=](const PlanRequest& request) -> std::optional<LayerPlan> {
        return to ? plan_reshape(*to, request) : std::nullopt;
    };
}

Planner read_lower_triangle(MapReader&) {
    return plan_triangle;
}

Planner read_flatten(MapReader&) {
    return [](const PlanRequest& request) {
        return plan_reshape({words(request.inputs[0])}, request);
    };
}

}  // namespace memwall::ops
