// SPDX-License-Identifier: Apache-2.0
// Functions of each element, and sums, products and quotients of elements.
#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.hpp"
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

struct Slope {
    std::string_view op;
    std::int64_t operations;
};

// MODEL: elementwise operations of the gradient of an activation, the multiplication by the
// result's gradient among them. What follows from the result (relu, sigmoid, tanh) is computed from
// the result, everything else from the input.
constexpr std::array kSlopes = {
    Slope{"relu", 1},          // select
    Slope{"relu6", 2},         // compare twice
    Slope{"leaky_relu", 2},    // select, multiply
    Slope{"sigmoid", 3},       // y (1 - y) dy
    Slope{"tanh", 3},          // (1 - y y) dy
    Slope{"hard_sigmoid", 3},  // compare twice, multiply
    Slope{"elu", 3},           // y + alpha, select, multiply
    Slope{"softplus", 5},      // sigmoid(x) dy
    Slope{"silu", 9},          // s = sigmoid(x): s (1 + x (1 - s)) dy
    Slope{"swish", 9},         //
    Slope{"gelu", 10},         // the same of 1.702 x
    Slope{"hard_swish", 5},    // compare twice, a x + b, multiply
    Slope{"mish", 12},         // tanh(softplus(x)) and its slope
    Slope{"prelu", 2},         // select, multiply
    Slope{"abs", 1},           // select
    Slope{"exp", 1},           // y dy
    Slope{"log", 1},           // dy / x
    Slope{"sqrt", 2},          // dy / (2 y)
    Slope{"reciprocal", 3},    // -y y dy
    Slope{"sin", 2},           // cos(x) dy
    Slope{"cos", 3},           // -sin(x) dy
    Slope{"erf", 4},           // c exp(-x x) dy
};

std::int64_t operations_of(std::string_view op) {
    for (const Slope& slope : kSlopes) {
        if (slope.op == op) {
            return slope.operations;
        }
    }
    fail("an activation has a slope");
}

constexpr std::int64_t kTurnBack = 3;  // as rotary
constexpr std::int64_t kProduct = 1;
constexpr std::int64_t kNegate = 1;
constexpr std::int64_t kSelect = 1;
constexpr std::int64_t kProductAndAdd = 2;
constexpr std::int64_t kDivide = 1;
constexpr std::int64_t kQuotient = 3;  // dy y / b, negated

/// The gradient of input `i` from the result's and other tensors, each seen at the result's points,
/// summed along the axes where the input is repeated.
TensorId pointwise(Backward& step, std::size_t i, const std::vector<TensorId>& others,
                   std::int64_t operations) {
    const Shape& shape = step.shape(step.input(i));
    const Shape& result = step.shape(step.result());
    BackwardLayer layer;
    layer.part = step.input_part(i);
    layer.op = "pointwise_gradient";
    layer.shape = shape;
    const Projection all = whole(result, step.batch());
    const auto seen = [&](const Shape& of) {
        Projection projection = all;
        for (std::size_t axis = 0; axis < result.size(); ++axis) {
            if (of[axis] != result[axis]) {
                projection.axes[axis + 1] = ops::single_axis();
            }
        }
        return projection;
    };
    const bool repeated = shape != result;
    IterationSpace space =
        ops::elementwise_space(result, repeated ? PointOperation::add : PointOperation::vector,
                               operations + (repeated ? 1 : 0));
    space.extents[index(Dim::N)] = step.batch();
    space.operands = {reads(step.result_gradient(), all)};
    for (const TensorId other : others) {
        space.operands.push_back(reads(other, seen(step.shape(other))));
    }
    layer.space = seen_from(std::move(space), seen(shape));
    return step.add(std::move(layer));
}

void constant(Backward& step, std::vector<TensorId> read, std::int64_t operations) {
    const std::int64_t words_of = step.layer().other_parameters;
    if (words_of == 0) {
        return;
    }
    // MODEL: the parameters of a constant operand lie along the last axes of the result.
    const Shape& shape = step.shape(step.result());
    Reduction reduction;
    reduction.part = "parameter_gradient";
    reduction.shape = shape;
    std::int64_t product = 1;
    for (std::size_t axis = shape.size(); axis-- > 0 && product < words_of;) {
        if (words_of % (product * shape[axis]) == 0) {
            product *= shape[axis];
            reduction.kept.insert(reduction.kept.begin(), axis);
        }
    }
    if (product != words_of) {
        throw InputError("a constant operand of " + std::to_string(words_of) + " values along " +
                         text(shape));
    }
    read.insert(read.begin(), step.result_gradient());
    reduction.read = std::move(read);
    reduction.operations = operations;
    step.give_parameters(reduce(step, reduction));
}

}  // namespace

void of_result(Backward& step) {
    if (step.wants(0)) {
        step.give_input(0, pointwise(step, 0, {step.result()}, operations_of(step.layer().op)));
    }
}

void of_input(Backward& step) {
    if (step.wants(0)) {
        step.give_input(0, pointwise(step, 0, {step.input(0)}, operations_of(step.layer().op)));
    }
}

void prelu(Backward& step) {
    of_input(step);
    const Shape& shape = step.shape(step.result());
    Reduction reduction;
    reduction.part = "parameter_gradient";
    reduction.shape = shape;
    for (std::size_t axis = 0; axis < shape.size() && reduction.kept.empty(); ++axis) {
        if (shape[axis] == step.layer().other_parameters) {
            reduction.kept = {axis};
        }
    }
    reduction.read = {step.result_gradient(), step.input(0)};
    reduction.operations = kProductAndAdd;
    step.give_parameters(reduce(step, reduction));
}

void rotary(Backward& step) {
    if (step.wants(0)) {
        step.give_input(0, pointwise(step, 0, {}, kTurnBack));
    }
}

void sum(Backward& step) {
    for (std::size_t i = 0; i < step.layer().inputs.size(); ++i) {
        if (step.wants(i)) {
            const bool same = step.shape(step.input(i)) == step.shape(step.result());
            step.give_input(i, same ? step.result_gradient() : pointwise(step, i, {}, 0));
        }
    }
    constant(step, {}, 1);
}

void difference(Backward& step) {
    for (std::size_t i = 0; i < step.layer().inputs.size(); ++i) {
        if (step.wants(i)) {
            const bool same = step.shape(step.input(i)) == step.shape(step.result());
            step.give_input(i, i == 0 && same ? step.result_gradient()
                                              : pointwise(step, i, {}, i == 0 ? 0 : kNegate));
        }
    }
    constant(step, {}, 1);
}

void multiplied(Backward& step) {
    const std::size_t count = step.layer().inputs.size();
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<TensorId> others;
        for (std::size_t other = 0; other < count; ++other) {
            if (other != i) {
                others.push_back(step.input(other));
            }
        }
        if (step.wants(i)) {
            const auto products = static_cast<std::int64_t>(others.size()) * kProduct;
            step.give_input(i, pointwise(step, i, others, std::max<std::int64_t>(1, products)));
        }
    }
    constant(step, step.layer().inputs, kProductAndAdd);
}

void quotient(Backward& step) {
    const bool two = step.layer().inputs.size() > 1;
    if (step.wants(0)) {
        step.give_input(
            0,
            pointwise(step, 0, two ? std::vector<TensorId>{step.input(1)} : std::vector<TensorId>{},
                      kDivide));
    }
    if (two && step.wants(1)) {
        step.give_input(1, pointwise(step, 1, {step.result(), step.input(1)}, kQuotient));
    }
    constant(step, {step.result()}, kProductAndAdd + kDivide);
}

// The input that is the result has its gradient, the others none.
void extreme(Backward& step) {
    constexpr std::int64_t kCompareAndSelect = 2;
    for (std::size_t i = 0; i < step.layer().inputs.size(); ++i) {
        if (step.wants(i)) {
            step.give_input(i,
                            pointwise(step, i, {step.input(i), step.result()}, kCompareAndSelect));
        }
    }
    constant(step, {step.result()}, kCompareAndSelect);
}

// What was chosen has the gradient. Where a constant decides, nothing more is read.
void chosen(Backward& step) {
    const bool by_input = step.layer().inputs.size() == 3;
    for (std::size_t i = by_input ? 1 : 0; i < step.layer().inputs.size(); ++i) {
        if (step.wants(i)) {
            const auto read =
                by_input ? std::vector<TensorId>{step.input(0)} : std::vector<TensorId>{};
            step.give_input(i, pointwise(step, i, read, kSelect));
        }
    }
}

void expand(Backward& step) {
    if (step.wants(0)) {
        step.give_input(0, pointwise(step, 0, {}, 0));
    }
}

// MODEL: steps have a slope of zero: nothing before round and compare learns through them, and no
// zeros are multiplied (as JAX's symbolic zeros; PyTorch's derivatives.yaml has zeros too). A
// straight-through estimator is asked for by leaving the layer out.
void nowhere(Backward& /*step*/) {}

}  // namespace memwall::gradients
