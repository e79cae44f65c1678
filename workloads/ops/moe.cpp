// SPDX-License-Identifier: Apache-2.0
// moe: a mixture of experts. A router chooses the best experts of each token, whose results are
// added with their weights.
#include <cmath>
#include <numeric>

#include "workloads/ops/build.hpp"
#include "workloads/ops/composite.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

struct MoeKeys {
    std::int64_t experts = 1;
    std::int64_t top_k = 1;
    std::int64_t features = 1;  ///< inside an expert
    bool gated = true;
    std::string activation = "silu";
    Gather routing;
};

// MODEL: to choose the best k of E a router compares E values k times.
std::optional<LayerPlan> plan_route(const MoeKeys& keys, const PlanRequest& request) {
    const Shape& input = request.inputs[0];  // [positions, experts]
    LayerPlan plan;
    plan.output = {input[0], keys.top_k};
    plan.space = elementwise_space(plan.output, PointOperation::vector, 1);
    plan.space.extents[index(Dim::C)] = input[1];
    plan.space.operands = {
        inputs_operand({plain_axis(Dim::P, input[0]), plain_axis(Dim::C, input[1])}),
        outputs_operand(shape_axes(plan.output))};
    return plan;
}

/// A matrix of each token's expert: [positions, C] or [picks, positions, C] gives
/// [picks, positions, K].
std::optional<LayerPlan> plan_expert(const MoeKeys& keys, std::int64_t features,
                                     const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    const std::int64_t positions = input[input.size() - 2];
    const std::int64_t channels = input.back();
    LayerPlan plan;
    plan.output = {keys.top_k, positions, features};
    plan.weights = {keys.experts, features, channels};
    IterationSpace& space = plan.space;
    space.extents[index(Dim::D)] = keys.top_k;
    space.extents[index(Dim::P)] = positions;
    space.extents[index(Dim::K)] = features;
    space.extents[index(Dim::C)] = channels;
    std::vector<Axis> read = {plain_axis(Dim::P, positions), plain_axis(Dim::C, channels)};
    if (input.size() == 3) {
        read.insert(read.begin(), plain_axis(Dim::D, keys.top_k));
    }
    Axis expert = plain_axis(Dim::N, keys.experts);
    expert.terms.push_back({Dim::D, 1});
    expert.terms.push_back({Dim::P, 1});
    Operand weights = weights_operand(
        {std::move(expert), plain_axis(Dim::K, features), plain_axis(Dim::C, channels)});
    weights.projection.gather = keys.routing;
    space.operands = {
        inputs_operand(std::move(read)), std::move(weights),
        outputs_operand({plain_axis(Dim::D, keys.top_k), plain_axis(Dim::P, positions),
                         plain_axis(Dim::K, features)})};
    return plan;
}

/// The sum of a token's experts, each times its weight: two operations each.
std::optional<LayerPlan> plan_combine(const PlanRequest& request) {
    const Shape& input = request.inputs[0];  // [picks, positions, features]
    LayerPlan plan;
    plan.output = {input[1], input[2]};
    plan.space = elementwise_space(plan.output, PointOperation::add, 2);
    plan.space.extents[index(Dim::R)] = input[0];
    plan.space.operands = {
        inputs_operand({plain_axis(Dim::R, input[0]), plain_axis(Dim::P, input[1]),
                        plain_axis(Dim::K, input[2])}),
        inputs_operand({plain_axis(Dim::P, input[1]), plain_axis(Dim::R, input[0])}),
        outputs_operand(shape_axes(plan.output))};
    return plan;
}

std::optional<Expansion> plan_moe(const MoeKeys& keys, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (input.size() != 2) {
        return request.fault("moe needs an input of shape [positions, features], found " +
                             text(input));
    }
    LinearKeys to_experts;
    to_experts.out_features = keys.experts;
    to_experts.bias = false;
    const auto expert = [&](std::int64_t features) -> Planner {
        return [&keys, features](const PlanRequest& each) {
            return plan_expert(keys, features, each);
        };
    };
    Composite parts(request);
    const PartSource tokens = Composite::input(0);
    const PartSource router = parts.add("router", "linear", {tokens}, [&](const PlanRequest& each) {
        return plan_linear(to_experts, each);
    });
    const PartSource chances =
        parts.add("chances", "softmax", {router}, plan_softmax(std::nullopt));
    const PartSource route = parts.add("route", "top_k", {chances}, [&](const PlanRequest& each) {
        return plan_route(keys, each);
    });
    PartSource inner =
        parts.add(keys.gated ? "gate" : "up", "expert_linear", {tokens}, expert(keys.features));
    inner =
        parts.add("activation", keys.activation.c_str(), {inner}, plan_activation(keys.activation));
    if (keys.gated) {
        const PartSource up = parts.add("up", "expert_linear", {tokens}, expert(keys.features));
        inner = parts.add("gated", "mul", {inner, up}, plan_mul());
    }
    const PartSource down = parts.add("down", "expert_linear", {inner}, expert(input[1]));
    parts.add("", "combine", {down, route}, plan_combine);
    return parts.finish();
}

/// `routing: uniform`, or how often each expert is chosen, in any unit.
void read_routing(MapReader& keys, MoeKeys& read) {
    read.routing.grouped = true;
    read.routing.together = read.top_k;
    const YamlValue* value = keys.value("routing");
    if (value == nullptr || (value->is_scalar() && value->text() == "uniform")) {
        return;
    }
    const std::string what = "'routing' in " + keys.what();
    if (!value->is_sequence() || value->items().size() != static_cast<std::size_t>(read.experts)) {
        keys.error("routing", what + ": expected 'uniform' or a list of " +
                                  std::to_string(read.experts) +
                                  " numbers, how often each expert is chosen");
        return;
    }
    std::vector<double> shares;
    for (const YamlValue& item : value->items()) {
        const auto share = scalar_as<double>(item, what, keys.faults());
        if (!share || *share < 0) {
            if (share) {
                keys.faults().error(item.mark(), what + ": expected no number below zero");
            }
            return;
        }
        shares.push_back(*share);
    }
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) {
        share *= static_cast<double>(read.top_k) / sum;
        if (!(share <= 1)) {
            keys.error("routing", what + ": an expert is chosen more than once by a token");
            return;
        }
    }
    read.routing.chances = std::move(shares);
}

}  // namespace

Planner read_moe(MapReader& keys) {
    MoeKeys read;
    read.experts = keys.required_positive<std::int64_t>("experts");
    read.top_k = keys.required_positive<std::int64_t>("top_k");
    read.features = keys.required_positive<std::int64_t>("features");
    read.gated = keys.optional<bool>("gated", true);
    const std::vector<std::string> known = {"relu", "gelu", "silu"};
    read.activation = known[keys.optional_choice("activation", known).value_or(2)];
    if (read.top_k > read.experts) {
        keys.error("top_k", "'top_k' in " + keys.what() + ": more than there are experts");
    }
    read_routing(keys, read);
    return [=](const PlanRequest& request) { return plan_moe(read, request); };
}

}  // namespace memwall::ops
