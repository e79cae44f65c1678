// SPDX-License-Identifier: Apache-2.0
// relu, gelu, silu, sigmoid, tanh, rotary: a function of each element.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

// MODEL: elementwise operations of an activation function; exponentials and divisions count as one
// operation each, as on a vector unit with a table for them.
constexpr std::int64_t kRelu = 1;     // max
constexpr std::int64_t kSigmoid = 4;  // negate, exp, add, divide
constexpr std::int64_t kTanh = 5;     // 2 sigmoid(2 x) - 1: double, exp, add, divide, subtract
constexpr std::int64_t kSilu = 5;     // x sigmoid(x)
constexpr std::int64_t kGelu = 6;     // x sigmoid(1.702 x)
constexpr std::int64_t kRotary =
    3;  // a pair is turned: four products, two sums; the angles are known

Planner pointwise(std::int64_t operations) {
    return [=](const PlanRequest& request) -> std::optional<LayerPlan> {
        LayerPlan plan;
        plan.output = request.inputs[0];
        plan.space = elementwise_space(plan.output, PointOperation::vector, operations);
        plan.space.operands = {inputs_operand(shape_axes(plan.output)),
                               outputs_operand(shape_axes(plan.output))};
        return plan;
    };
}

}  // namespace

Planner plan_activation(const std::string& op) {
    return pointwise(op == "relu" ? kRelu : op == "gelu" ? kGelu : kSilu);
}

Planner read_relu(MapReader&) {
    return pointwise(kRelu);
}

Planner read_gelu(MapReader&) {
    return pointwise(kGelu);
}

Planner read_silu(MapReader&) {
    return pointwise(kSilu);
}

Planner read_sigmoid(MapReader&) {
    return pointwise(kSigmoid);
}

Planner read_tanh(MapReader&) {
    return pointwise(kTanh);
}

Planner read_rotary(MapReader&) {
    return pointwise(kRotary);
}

}  // namespace memwall::ops
