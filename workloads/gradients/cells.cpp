// SPDX-License-Identifier: Apache-2.0
// Cells of LSTM and GRU. Gates are kept as they come out of the products, and their functions are
// computed once more where a gradient needs them.
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

// MODEL: elementwise operations, as in the forward pass (workloads/ops/recurrent.cpp).
constexpr std::int64_t kSigmoid = 4;
constexpr std::int64_t kTanh = 5;
constexpr std::int64_t kSigmoidSlope = 2;  // s (1 - s)
constexpr std::int64_t kTanhSlope = 2;     // 1 - t t
constexpr std::int64_t kProduct = 1;
constexpr std::int64_t kSum = 1;
constexpr std::int64_t kPeephole = 2;          // a product and a sum
constexpr std::int64_t kPeepholeGradient = 2;  // the same, over the batch

/// One word for each unit of a cell, from words of the same unit.
class Units {
public:
    explicit Units(Backward& step)
        : step_(step), shape_(step.shape(step.result())), all_(whole(shape_, step.batch())) {}

    /// A layer that reads the result's gradient and the words that the cell read as its inputs
    /// `inputs`, beside `made` by other layers of the same gradient.
    TensorId add(const std::string& part, const std::vector<std::size_t>& inputs,
                 const std::vector<TensorId>& made, std::int64_t operations) {
        BackwardLayer layer;
        layer.part = part;
        layer.op = "cell_gradient";
        layer.shape = shape_;
        layer.space = ops::elementwise_space(shape_, PointOperation::vector, operations);
        layer.space.operands = {reads(step_.result_gradient(), all_)};
        for (const std::size_t input : inputs) {
            layer.space.operands.push_back(
                reads(step_.input(input), step_.operand(input).projection));
        }
        for (const TensorId each : made) {
            layer.space.operands.push_back(reads(each, all_));
        }
        layer.space.operands.push_back(makes(all_));
        return step_.add(std::move(layer));
    }

    /// Hands over the gradient of the words that the cell read as its input `i`.
    void give(std::size_t i, TensorId gradient) {
        if (step_.wants(i)) {
            step_.give_input_part(i, gradient, {0, step_.operand(i).projection.axes[2].offset});
        }
    }

    /// Of the peepholes of `gates` gradients: their products with the cell, summed over the batch.
    void give_peepholes(const std::vector<TensorId>& gates, TensorId cell) {
        Reduction reduction;
        reduction.part = "parameter_gradient";
        reduction.shape = shape_;
        reduction.kept = {1};
        reduction.read = gates;
        reduction.read.push_back(cell);
        reduction.operations = kPeepholeGradient;
        reduction.copies = static_cast<std::int64_t>(gates.size());
        step_.give_parameters(reduce(step_, reduction));
    }

private:
    Backward& step_;
    Shape shape_;
    Projection all_;
};

}  // namespace

/// c = i g, or i g + f c' after another step. Inputs: the gates i, g, and then f, and c'.
void lstm_cell(Backward& step) {
    Units units(step);
    const bool follows = step.layer().inputs.size() > 2;
    const std::int64_t sees = follows && step.parameter_count() > 0 ? kPeephole : 0;
    const std::int64_t both = kSigmoid + sees + kTanh + 2 * kProduct;
    const std::vector<std::size_t> product =
        sees > 0 ? std::vector<std::size_t>{0, 1, 3} : std::vector<std::size_t>{0, 1};
    const TensorId input = units.add("input_gate_gradient", product, {}, both + kSigmoidSlope);
    units.give(0, input);
    units.give(1, units.add("cell_gate_gradient", product, {}, both + kTanhSlope));
    if (!follows) {
        return;
    }
    const TensorId forget = units.add("forget_gate_gradient", {2, 3}, {},
                                      kSigmoid + sees + kSigmoidSlope + 2 * kProduct);
    units.give(2, forget);
    if (step.wants(3)) {
        const std::int64_t carried = kSigmoid + sees + kProduct;
        units.give(3, sees > 0 ? units.add("cell_gradient", {2, 3}, {input, forget},
                                           carried + 2 * kPeephole)
                               : units.add("cell_gradient", {2}, {}, carried));
    }
    if (sees > 0) {
        units.give_peepholes({input, forget}, step.input(3));
    }
}

/// h = o tanh(c). Inputs: the gate o and c.
void lstm_hidden(Backward& step) {
    Units units(step);
    const std::int64_t sees = step.parameter_count() > 0 ? kPeephole : 0;
    const std::int64_t both = kSigmoid + sees + kTanh + 2 * kProduct;
    const TensorId output = units.add("output_gate_gradient", {0, 1}, {}, both + kSigmoidSlope);
    units.give(0, output);
    const std::vector<TensorId> seen =
        sees > 0 ? std::vector<TensorId>{output} : std::vector<TensorId>{};
    units.give(1, units.add("cell_gradient", {0, 1}, seen, both + kTanhSlope + sees));
    if (sees > 0) {
        units.give_peepholes({output}, step.input(1));
    }
}

/// h = (1 - z) n + z h' with n = tanh(n_x + r n_h). Inputs: z, r, n of the inputs, and after
/// another step z, r, n of the state, and h'.
void gru_hidden(Backward& step) {
    Units units(step);
    if (step.layer().inputs.size() == 3) {  // h = (1 - z) n, whatever r is
        const std::int64_t both = kSigmoid + kTanh + 2 * kProduct;
        units.give(0, units.add("update_gate_gradient", {0, 2}, {}, both + kSigmoidSlope));
        units.give(2, units.add("candidate_gradient", {0, 2}, {}, both + kTanhSlope + kSum));
        return;
    }
    constexpr std::int64_t kGate = kSum + kSigmoid;                       // of two sums
    constexpr std::int64_t kCandidate = kGate + kProduct + kSum + kTanh;  // r, and n of it
    const std::vector<std::size_t> all = {0, 3, 1, 4, 2, 5};
    std::vector<std::size_t> with_state = all;
    with_state.push_back(6);
    const TensorId update = units.add("update_gate_gradient", with_state, {},
                                      kGate + kCandidate + kSum + kSigmoidSlope + 2 * kProduct);
    const TensorId candidate = units.add("candidate_gradient", all, {},
                                         kGate + kCandidate + kSum + kTanhSlope + 2 * kProduct);
    const TensorId reset = units.add("reset_gate_gradient", {1, 4, 5}, {candidate},
                                     kGate + kSigmoidSlope + 2 * kProduct);
    units.give(0, update);
    units.give(3, update);
    units.give(1, reset);
    units.give(4, reset);
    units.give(2, candidate);
    units.give(5, units.add("state_candidate_gradient", {1, 4}, {candidate}, kGate + kProduct));
    if (step.wants(6)) {
        units.give(6, units.add("state_gradient", {0, 3}, {}, kGate + kProduct));
    }
}

}  // namespace memwall::gradients
