// SPDX-License-Identifier: Apache-2.0
// embedding: rows of a table by number, or sums of them; position_embedding: a trained row added to
// each position.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

struct EmbeddingKeys {
    std::int64_t rows = 1;
    std::int64_t features = 1;
    bool pool = false;
};

/// Numbers [positions] give [positions, features]. With pooling the last axis of the numbers is
/// summed over: a bag [factor] gives [features].
std::optional<LayerPlan> plan_embedding(const EmbeddingKeys& keys, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    const std::size_t most = keys.pool ? 2 : 1;
    if (input.size() > most) {
        return request.fault(std::string("embedding needs numbers of shape ") +
                             (keys.pool ? "[factor] or [positions, factor]" : "[positions]") +
                             ", found " + text(input));
    }
    LayerPlan plan;
    plan.weights = {keys.rows, keys.features};
    IterationSpace& space = plan.space;
    space.extents[index(Dim::K)] = keys.features;
    space.operation = keys.pool ? PointOperation::add : PointOperation::vector;
    space.vector_operations_per_point = 1;
    std::vector<Axis> numbers;
    std::vector<Axis> made = {plain_axis(Dim::K, keys.features)};
    Axis rows = plain_axis(Dim::N, keys.rows);
    plan.output = {keys.features};
    if (!keys.pool || input.size() == 2) {
        space.extents[index(Dim::P)] = input[0];
        numbers.push_back(plain_axis(Dim::P, input[0]));
        made.insert(made.begin(), plain_axis(Dim::P, input[0]));
        rows.terms.push_back({Dim::P, 1});
        plan.output.insert(plan.output.begin(), input[0]);
    }
    if (keys.pool) {
        space.extents[index(Dim::R)] = input.back();
        numbers.push_back(plain_axis(Dim::R, input.back()));
        rows.terms.push_back({Dim::R, 1});
    }
    Operand table = weights_operand({std::move(rows), plain_axis(Dim::K, keys.features)});
    table.projection.gather = Gather{};
    space.operands = {inputs_operand(std::move(numbers)), std::move(table),
                      outputs_operand(std::move(made))};
    return plan;
}

/// [positions, features] plus a trained row for each. Class tokens are trained rows in front.
std::optional<LayerPlan> plan_positions(std::int64_t class_tokens, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (input.size() != 2) {
        return request.fault(
            "position_embedding needs an input of shape [positions, features], "
            "found " +
            text(input));
    }
    LayerPlan plan;
    plan.output = {input[0] + class_tokens, input[1]};
    plan.weights = plan.output;
    plan.other_parameters = class_tokens * input[1];
    plan.space = elementwise_space(plan.output, PointOperation::add, 1);
    std::vector<Axis> read = shape_axes(input);
    read[0].offset = -class_tokens;
    plan.space.operands = {inputs_operand(std::move(read)),
                           weights_operand(shape_axes(plan.output)),
                           outputs_operand(shape_axes(plan.output))};
    return plan;
}

}  // namespace

Planner read_embedding(MapReader& keys) {
    EmbeddingKeys read;
    read.rows = keys.required_positive<std::int64_t>("rows");
    read.features = keys.required_positive<std::int64_t>("features");
    read.pool = keys.optional<bool>("pool", false);
    return [=](const PlanRequest& request) { return plan_embedding(read, request); };
}

Planner read_position_embedding(MapReader& keys) {
    const auto class_tokens = keys.optional<std::int64_t>("class_tokens", 0);
    if (class_tokens < 0 || class_tokens > kMostPositions) {
        keys.error("class_tokens", "'class_tokens' in " + keys.what() +
                                       ": expected a value from 0 to " +
                                       std::to_string(kMostPositions));
    }
    return [=](const PlanRequest& request) { return plan_positions(class_tokens, request); };
}

}  // namespace memwall::ops
