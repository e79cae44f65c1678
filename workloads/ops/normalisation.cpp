// SPDX-License-Identifier: Apache-2.0
// softmax, layer_norm and rms_norm over one axis; batch_norm by trained statistics.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

// MODEL: elementwise operations of an element; what happens once a row (division, root) is left
// out.
constexpr std::int64_t kSoftmax = 5;    // max, subtract, exp, add, multiply
constexpr std::int64_t kLayerNorm = 7;  // add, subtract, square, add, multiply; gain, offset
constexpr std::int64_t kRmsNorm = 4;    // square, add, multiply; gain
constexpr std::int64_t kBatchNorm = 2;  // factor, offset

struct NormalisedAxis {
    std::int64_t axis = -1;
    std::int64_t operations = 1;
    std::int64_t parameters = 0;  ///< of each element along the axis
};

std::optional<LayerPlan> plan_along(const NormalisedAxis& norm, const PlanRequest& request) {
    LayerPlan plan;
    plan.output = request.inputs[0];
    const std::size_t axis = axis_position(norm.axis, plan.output.size());
    if (axis == plan.output.size()) {
        return request.fault("no axis " + std::to_string(norm.axis) + " in an input of shape " +
                             text(plan.output));
    }
    plan.space = elementwise_space(plan.output, PointOperation::vector, norm.operations);
    plan.space.whole_dims = {shape_dims(plan.output.size())[axis]};
    plan.space.operands = {inputs_operand(shape_axes(plan.output)),
                           outputs_operand(shape_axes(plan.output))};
    plan.other_parameters = norm.parameters * plan.output[axis];
    return plan;
}

/// Over the channels of a group and all that comes after the channels.
std::optional<LayerPlan> plan_groups(std::int64_t groups, const PlanRequest& request) {
    LayerPlan plan;
    plan.output = request.inputs[0];
    const std::int64_t channels = plan.output[0];
    if (plan.output.size() < 2 || channels % groups != 0) {
        return request.fault(std::to_string(groups) +
                             " groups do not divide the channels of an input of shape " +
                             text(plan.output));
    }
    IterationSpace& space = plan.space;
    space.operation = PointOperation::vector;
    space.vector_operations_per_point = kLayerNorm;
    space.extents[index(Dim::G)] = groups;
    space.extents[index(Dim::K)] = channels / groups;
    std::vector<Axis> axes = {{{{Dim::G, channels / groups}, {Dim::K, 1}}, 0, channels}};
    std::vector<Dim> behind = {Dim::P, Dim::Q};
    if (plan.output.size() == 4) {
        behind.insert(behind.begin(), Dim::D);
    }
    space.whole_dims = {Dim::K};
    for (std::size_t axis = 1; axis < plan.output.size(); ++axis) {
        const Dim dim = behind[axis - 1];
        space.extents[index(dim)] = plan.output[axis];
        axes.push_back(plain_axis(dim, plan.output[axis]));
        space.whole_dims.push_back(dim);
    }
    space.operands = {inputs_operand(axes), outputs_operand(axes)};
    plan.other_parameters = 2 * channels;
    return plan;
}

std::optional<LayerPlan> plan_causal(const CausalKeys& keys, const PlanRequest& request) {
    auto plan = plan_along({-1, kSoftmax, 0}, request);
    const Shape& shape = request.inputs[0];
    if (plan && shape.size() < 2) {
        return request.fault(
            "causal needs an input of shape [queries, keys] or [heads, queries, "
            "keys], found " +
            text(shape));
    }
    if (plan) {
        const std::vector<Dim> dims = shape_dims(shape.size());
        plan->space.mask = causal_mask(keys, dims[dims.size() - 2], dims.back(), request,
                                       shape[shape.size() - 2], shape.back());
    }
    return plan && plan->space.mask ? plan : std::nullopt;
}

Planner along_axis(MapReader& keys, std::int64_t operations, std::int64_t parameters) {
    const NormalisedAxis norm = {keys.optional<std::int64_t>("axis", -1), operations, parameters};
    return [=](const PlanRequest& request) { return plan_along(norm, request); };
}

}  // namespace

Planner plan_softmax(const std::optional<CausalKeys>& causal) {
    return [=](const PlanRequest& request) {
        return causal ? plan_causal(*causal, request) : plan_along({-1, kSoftmax, 0}, request);
    };
}

Planner read_softmax(MapReader& keys) {
    const auto causal = read_causal(keys);
    return causal ? plan_softmax(causal) : along_axis(keys, kSoftmax, 0);
}

Planner read_layer_norm(MapReader& keys) {
    return along_axis(keys, kLayerNorm, 2);
}

Planner read_rms_norm(MapReader& keys) {
    return along_axis(keys, kRmsNorm, 1);
}

Planner read_batch_norm(MapReader& keys) {
    const auto axis = keys.optional<std::int64_t>("axis");
    return [axis](const PlanRequest& request) -> std::optional<LayerPlan> {
        LayerPlan plan;
        plan.output = request.inputs[0];
        plan.space = elementwise_space(plan.output, PointOperation::vector, kBatchNorm);
        plan.space.operands = {inputs_operand(shape_axes(plan.output)),
                               outputs_operand(shape_axes(plan.output))};
        const std::size_t rank = plan.output.size();
        const bool channels_last = rank == 2 && !request.channels_first;  // [positions, channels]
        const std::size_t channel = axis_position(axis.value_or(channels_last ? 1 : 0), rank);
        if (channel == rank) {
            return request.fault("no axis " + std::to_string(*axis) + " in an input of shape " +
                                 text(plan.output));
        }
        plan.other_parameters = 2 * plan.output[channel];
        plan.scaled_axis = channel;
        return plan;
    };
}

Planner read_group_norm(MapReader& keys) {
    const auto groups = keys.required_positive<std::int64_t>("groups");
    return [=](const PlanRequest& request) { return plan_groups(groups, request); };
}

Planner read_instance_norm(MapReader&) {
    return [](const PlanRequest& request) { return plan_groups(request.inputs[0][0], request); };
}

}  // namespace memwall::ops
