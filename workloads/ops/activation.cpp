// SPDX-License-Identifier: Apache-2.0
// Functions of each element alone.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

// MODEL: elementwise operations of an activation function; exponentials, roots and divisions count
// as one operation each, as on a vector unit with a table for them.
constexpr std::int64_t kRelu = 1;         // max
constexpr std::int64_t kRelu6 = 2;        // max, min
constexpr std::int64_t kLeakyRelu = 2;    // multiply, max
constexpr std::int64_t kSigmoid = 4;      // negate, exp, add, divide
constexpr std::int64_t kTanh = 5;         // 2 sigmoid(2 x) - 1: double, exp, add, divide, subtract
constexpr std::int64_t kSilu = 5;         // x sigmoid(x)
constexpr std::int64_t kGelu = 6;         // x sigmoid(1.702 x)
constexpr std::int64_t kHardSigmoid = 4;  // multiply, add, max, min
constexpr std::int64_t kHardSwish = 5;    // x hard_sigmoid(x)
constexpr std::int64_t kElu = 4;          // exp, subtract, multiply, select
constexpr std::int64_t kSoftplus = 3;     // exp, add, logarithm
constexpr std::int64_t kRotary =
    3;  // a pair is turned: four products, two sums; the angles are known
constexpr std::int64_t kMish = 6;      // x n / (n + 2), n = e^x (e^x + 2)
constexpr std::int64_t kFunction = 1;  // abs, exp, log, sqrt, sin, ...

LayerPlan plan_pointwise(const Shape& shape, std::int64_t operations) {
    LayerPlan plan;
    plan.output = shape;
    plan.space = elementwise_space(shape, PointOperation::vector, operations);
    plan.space.operands = {inputs_operand(shape_axes(shape)), outputs_operand(shape_axes(shape))};
    return plan;
}

Planner pointwise(std::int64_t operations) {
    return [=](const PlanRequest& request) -> std::optional<LayerPlan> {
        return plan_pointwise(request.inputs[0], operations);
    };
}

}  // namespace

Planner plan_activation(const std::string& op) {
    return pointwise(op == "relu" ? kRelu : op == "gelu" ? kGelu : op == "tanh" ? kTanh : kSilu);
}

Planner read_relu(MapReader&) {
    return pointwise(kRelu);
}

Planner read_relu6(MapReader&) {
    return pointwise(kRelu6);
}

Planner read_leaky_relu(MapReader&) {
    return pointwise(kLeakyRelu);
}

Planner read_prelu(MapReader& keys) {
    const auto axis = keys.optional<std::int64_t>("axis", 0);
    return [axis](const PlanRequest& request) -> std::optional<LayerPlan> {
        const Shape& input = request.inputs[0];
        const std::size_t channels = axis_position(axis, input.size());
        if (channels == input.size()) {
            return request.fault("no axis " + std::to_string(axis) + " in an input of shape " +
                                 text(input));
        }
        LayerPlan plan = plan_pointwise(input, kLeakyRelu);
        plan.other_parameters = input[channels];
        return plan;
    };
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

Planner read_hard_sigmoid(MapReader&) {
    return pointwise(kHardSigmoid);
}

Planner read_hard_swish(MapReader&) {
    return pointwise(kHardSwish);
}

Planner read_elu(MapReader&) {
    return pointwise(kElu);
}

Planner read_softplus(MapReader&) {
    return pointwise(kSoftplus);
}

Planner read_mish(MapReader&) {
    return pointwise(kMish);
}

Planner read_function(MapReader&) {
    return pointwise(kFunction);
}

Planner read_rotary(MapReader&) {
    return pointwise(kRotary);
}

}  // namespace memwall::ops
