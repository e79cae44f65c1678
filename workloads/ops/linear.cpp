// SPDX-License-Identifier: Apache-2.0
// linear: a matrix of weights times a vector, or times each position of a sequence; with heads, one
// matrix for each head.
#include <optional>

#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"

namespace memwall::ops {
namespace {

/// The positions that are read: all, or the last ones.
Axis position_axis(std::int64_t read, std::int64_t there) {
    Axis axis = plain_axis(Dim::P, there);
    axis.offset = there - read;
    return axis;
}

std::nullopt_t wrong_shape(const LinearKeys& keys, const PlanRequest& request) {
    return request.fault(keys.merge_heads
                             ? "linear with merge_heads needs an input of shape [heads, positions, "
                               "features], found " +
                                   text(request.inputs[0])
                             : "linear needs an input of shape [features] or [positions, "
                               "features], found " +
                                   text(request.inputs[0]) + "; put a flatten before it");
}

}  // namespace

std::optional<LayerPlan> plan_linear(const LinearKeys& keys, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (keys.merge_heads ? input.size() != 3 : input.size() > 2) {
        return wrong_shape(keys, request);
    }
    if (keys.out_features % keys.heads != 0) {
        return request.fault(std::to_string(keys.out_features) + " features are no multiple of " +
                             std::to_string(keys.heads) + " heads");
    }
    const bool sequence = input.size() > 1;
    const std::int64_t there = sequence ? input[input.size() - 2] : 1;
    const std::int64_t positions = keys.last == 0 ? there : keys.last;
    if (positions > there || (keys.heads > 1 && !sequence)) {
        return request.fault(positions > there ? "the last " + std::to_string(positions) +
                                                     " positions of " + text(input) + " are read"
                                               : "heads need an input of shape [positions, "
                                                 "features], found " +
                                                     text(input));
    }
    const std::int64_t features = keys.out_features / keys.heads;
    LayerPlan plan;
    plan.other_parameters = keys.bias ? keys.out_features : 0;
    IterationSpace& space = plan.space;
    space.extents[index(Dim::K)] = features;
    space.extents[index(Dim::C)] = input.back();
    space.extents[index(Dim::P)] = positions;
    std::vector<Axis> read = {plain_axis(Dim::C, input.back())};
    std::vector<Axis> made = {plain_axis(Dim::K, features)};
    std::vector<Axis> weights = {plain_axis(Dim::K, features), plain_axis(Dim::C, input.back())};
    plan.output = {features};
    if (sequence) {
        read.insert(read.begin(), position_axis(positions, there));
        made.insert(made.begin(), plain_axis(Dim::P, positions));
        plan.output.insert(plan.output.begin(), positions);
    }
    if (keys.merge_heads) {  // summed over like the rows of a kernel
        space.extents[index(Dim::R)] = input[0];
        read.insert(read.begin(), plain_axis(Dim::R, input[0]));
        weights.insert(weights.begin() + 1, plain_axis(Dim::R, input[0]));
    }
    if (keys.split_heads) {
        space.extents[index(Dim::H)] = keys.heads;
        made.insert(made.begin(), plain_axis(Dim::H, keys.heads));
        weights.insert(weights.begin(), plain_axis(Dim::H, keys.heads));
        plan.output.insert(plan.output.begin(), keys.heads);
    }
    for (const Axis& axis : weights) {
        plan.weights.push_back(axis.extent);
    }
    space.operands = {inputs_operand(std::move(read)), weights_operand(std::move(weights)),
                      outputs_operand(std::move(made))};
    return plan;
}

Planner linear_planner(std::int64_t out_features, bool bias) {
    LinearKeys keys;
    keys.out_features = out_features;
    keys.bias = bias;
    return [=](const PlanRequest& request) { return plan_linear(keys, request); };
}

Planner read_linear(MapReader& keys) {
    LinearKeys read;
    read.out_features = keys.required_positive<std::int64_t>("out_features");
    read.bias = keys.optional<bool>("bias", true);
    read.split_heads = keys.has("heads");
    read.heads = keys.optional_positive<std::int64_t>("heads", 1);
    read.merge_heads = keys.optional<bool>("merge_heads", false);
    if (keys.has("last")) {
        read.last = keys.required_positive<std::int64_t>("last");
    }
    return [=](const PlanRequest& request) { return plan_linear(read, request); };
}

}  // namespace memwall::ops
