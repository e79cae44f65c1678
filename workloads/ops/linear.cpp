// SPDX-License-Identifier: Apache-2.0
// linear: a matrix of weights times a vector, or times each position of a sequence.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"

namespace memwall::ops {
namespace {

std::optional<LayerPlan> plan_linear(std::int64_t features, bool bias, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (input.size() > 2) {
        return request.fault(
            "linear needs an input of shape [features] or [positions, features], "
            "found " +
            text(input) + "; put a flatten before it");
    }
    LayerPlan plan;
    plan.output = input;
    plan.output.back() = features;
    plan.weights = {features, input.back()};
    plan.other_parameters = bias ? features : 0;
    IterationSpace& space = plan.space;
    space.extents[index(Dim::K)] = features;
    space.extents[index(Dim::C)] = input.back();
    std::vector<Axis> read = {plain_axis(Dim::C, input.back())};
    std::vector<Axis> made = {plain_axis(Dim::K, features)};
    if (input.size() == 2) {
        space.extents[index(Dim::P)] = input[0];
        read.insert(read.begin(), plain_axis(Dim::P, input[0]));
        made.insert(made.begin(), plain_axis(Dim::P, input[0]));
    }
    space.operands.push_back(inputs_operand(std::move(read)));
    space.operands.push_back(
        weights_operand({plain_axis(Dim::K, features), plain_axis(Dim::C, input.back())}));
    space.operands.push_back(outputs_operand(std::move(made)));
    return plan;
}

}  // namespace

Planner linear_planner(std::int64_t out_features, bool bias) {
    return [=](const PlanRequest& request) { return plan_linear(out_features, bias, request); };
}

Planner read_linear(MapReader& keys) {
    const auto features = keys.required_positive<std::int64_t>("out_features");
    const bool bias = keys.optional<bool>("bias", true);
    return linear_planner(features, bias);
}

}  // namespace memwall::ops
