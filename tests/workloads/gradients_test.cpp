// SPDX-License-Identifier: Apache-2.0
// The gradients of each kind of layer: which layers compute them, how often they multiply and what
// they read, worked out by hand.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "tests/workloads/training_steps.hpp"

namespace memwall {
namespace {

using test::has;
using test::layer;
using test::shape;
using test::step_of;
using test::touched;

}  // namespace

TEST_CASE("A linear layer's gradients are two products of its size and a sum over positions") {
    // y = W x + b at 5 positions of 3 items: dx = W' dy, dW = dy x', db = the sum of dy.
    const Network step = step_of("[5, 6]",
                                 "- {name: first, op: linear, out_features: 7}\n"
                                 "- {name: fc, op: linear, out_features: 4}\n",
                                 3);
    const std::int64_t forward = 3 * 5 * 4 * 7;
    CHECK(layer(step, "fc").macs() == forward);
    CHECK(layer(step, "fc.input_gradient").macs() == forward);
    CHECK(layer(step, "fc.weight_gradient").macs() == forward);
    CHECK(layer(step, "fc.bias_gradient").vector_operations() == 3 * 5 * 4);
    CHECK_FALSE(has(step, "first.input_gradient"));
    CHECK(shape(step, "fc.input_gradient") == Shape{5, 7});
    CHECK(shape(step, "fc.weight_gradient") == Shape{4, 7});
    CHECK(shape(step, "fc.bias_gradient") == Shape{4});
    // Both products read two tensors and write the third, each once: bf16.
    const Layer& weight = layer(step, "fc.weight_gradient");
    CHECK(touched(weight, TensorRole::inputs) == 2 * 3 * 5 * (7 + 4));
    CHECK(touched(weight, TensorRole::outputs) == 2 * 4 * 7);
    const Layer& input = layer(step, "fc.input_gradient");
    CHECK(touched(input, TensorRole::inputs) == 2 * 3 * 5 * 4);
    CHECK(touched(input, TensorRole::weights) == 2 * 4 * 7);
    CHECK(touched(input, TensorRole::outputs) == 2 * 3 * 5 * 7);
    // The softmax of the loss and its difference from the label.
    CHECK(layer(step, "fc.loss").vector_operations() == 3 * 5 * 4 * 6);
}

TEST_CASE("A strided, padded 3x3 convolution multiplies as often in each of its two gradients") {
    const Network step = step_of("[2, 9, 9]",
                                 "- {name: a, op: conv, out_channels: 4, kernel: 1}\n"
                                 "- {name: c, op: conv, out_channels: 6, kernel: 3, stride: 2, "
                                 "padding: 1}\n",
                                 2);
    const std::int64_t forward = 2 * 6 * 4 * 5 * 5 * 3 * 3;
    CHECK(layer(step, "c").macs() == forward);
    const Layer& input = layer(step, "c.input_gradient");
    CHECK(input.macs() == forward);
    CHECK(shape(step, "c.input_gradient") == Shape{4, 9, 9});
    // A transposed convolution: two phases along each axis, two elements of the kernel for each.
    CHECK(input.space.extent(Dim::U) == 2);
    CHECK(input.space.extent(Dim::V) == 2);
    CHECK(input.space.extent(Dim::R) * input.space.extent(Dim::S) == 4);
    const Layer& weight = layer(step, "c.weight_gradient");
    CHECK(weight.macs() == forward);
    // A correlation: summed over batch, rows and columns of the result, the longest in C.
    CHECK(weight.space.points() == forward);
    CHECK(weight.space.extent(Dim::C) * weight.space.extent(Dim::R) * weight.space.extent(Dim::S) ==
          2 * 5 * 5);
    CHECK(weight.space.extent(Dim::C) == 5);
    CHECK(shape(step, "c.weight_gradient") == Shape{6, 4, 3, 3});
    CHECK(touched(weight, TensorRole::outputs) == 2 * 6 * 4 * 9);
}

TEST_CASE("Batch normalisation takes the statistics of the batch, and is not folded") {
    const Network step = step_of("[3, 4, 4]",
                                 "- {name: c, op: conv, out_channels: 8, kernel: 1, bias: false}\n"
                                 "- {name: bn, op: batch_norm}\n"
                                 "- {name: r, op: relu}\n",
                                 2);
    const std::int64_t values = 2 * 8 * 4 * 4;
    const Layer& statistics = layer(step, "bn.statistics");
    CHECK(statistics.vector_operations() == 2 * 2 * values);
    CHECK(shape(step, "bn.statistics") == Shape{2, 8});
    CHECK_FALSE(layer(step, "bn").no_work);
    CHECK(layer(step, "bn").vector_operations() == 2 * values);
    // Two sums over the batch of dy and dy x', and dx from both and the statistics.
    CHECK(shape(step, "bn.parameter_gradient") == Shape{2, 8});
    CHECK(layer(step, "bn.parameter_gradient").vector_operations() == 2 * 2 * values);
    const Layer& input = layer(step, "bn.input_gradient");
    CHECK(input.vector_operations() == 7 * values);
    CHECK(touched(input, TensorRole::inputs) == 2 * 2 * values + 2 * 8 * 4 + 2 * 8 * 2);
    CHECK(layer(step, "bn.parameter_update").space.points() == 16);
}

TEST_CASE("Softmax's gradient reads its result, row by row") {
    const Network step = step_of("[5, 6]",
                                 "- {name: fc, op: linear, out_features: 7}\n"
                                 "- {name: s, op: softmax}\n"
                                 "- {name: out, op: linear, out_features: 2}\n");
    const Layer& gradient = layer(step, "s.input_gradient");
    CHECK(gradient.vector_operations() == 4 * 5 * 7);
    CHECK(gradient.space.normalises(Dim::K));
    CHECK(gradient.inputs ==
          std::vector<TensorId>{step.find_tensor("out.input_gradient"), step.find_tensor("s")});
}

TEST_CASE("Attention's gradients: both operands of both products, with their mask") {
    const Network step = step_of("[4, 6]",
                                 "- {name: q, op: linear, out_features: 6, heads: 2}\n"
                                 "- {name: k, op: linear, inputs: x, out_features: 6, heads: 2}\n"
                                 "- {name: v, op: linear, inputs: x, out_features: 6, heads: 2}\n"
                                 "- {name: a, op: attention, inputs: [q, k, v], causal: true}\n"
                                 "- {name: o, op: linear, out_features: 6, merge_heads: true}\n");
    const std::int64_t pairs = 2 * 3 * (1 + 2 + 3 + 4);  // heads x features x seen pairs
    for (const char* name :
         {"a.scores", "a.context", "a.scores.input_gradient_1", "a.scores.input_gradient_2",
          "a.context.input_gradient_1", "a.context.input_gradient_2"}) {
        INFO(name);
        CHECK(layer(step, name).macs() == pairs);
    }
    CHECK(layer(step, "a.softmax.input_gradient").vector_operations() == 4 * 2 * 10);
    CHECK(shape(step, "a.scores.input_gradient_1") == Shape{2, 4, 3});
    CHECK(shape(step, "o.weight_gradient") == shape(step, "o.weights"));
    CHECK(shape(step, "q.weight_gradient") == shape(step, "q.weights"));
}

TEST_CASE("The gradients of an LSTM go back through its steps, and those of its weights add up") {
    // Two steps of 4 units on 3 features, 2 items. Behind each step: h = o tanh(c), c = f c' + i g.
    const Network step = step_of("[2, 3]",
                                 "- {name: first, op: linear, out_features: 3}\n"
                                 "- {name: cell, op: lstm, hidden: 4, result: last}\n",
                                 2);
    const std::int64_t units = 2 * 4;
    CHECK(layer(step, "cell.cell2.cell_gradient").vector_operations() == units * (4 + 1));
    CHECK(layer(step, "cell.cell2.forget_gate_gradient").vector_operations() ==
          units * (4 + 2 + 2));
    CHECK(layer(step, "cell.cell2.input_gate_gradient").vector_operations() ==
          units * (4 + 5 + 2 + 2));
    CHECK_FALSE(has(step, "cell.cell1.forget_gate_gradient"));  // there is no cell before it
    // c1 is read by its own h and by c2.
    CHECK(layer(step, "cell.cell1.gradient_sum").inputs.size() == 2);
    // The four gates of a step lie beside each other, as do the steps: nothing is copied.
    CHECK(shape(step, "cell.gates2.gradient_parts") == Shape{1, 16});
    CHECK(layer(step, "cell.gates2.gradient_parts").no_work);
    // No state before the first step: one recurrent product, all inputs at once.
    CHECK(layer(step, "cell.recurrent2.weight_gradient").macs() == 2 * 16 * 4);
    CHECK(layer(step, "cell.inputs.weight_gradient").macs() == 2 * 2 * 16 * 3);
    CHECK(shape(step, "cell.inputs.gradient_parts") == Shape{2, 16});
    const Network longer = step_of("[4, 3]", "- {name: cell, op: lstm, hidden: 4}\n", 2);
    for (const char* sum :
         {"cell.recurrent3.weight_gradient_sum", "cell.recurrent2.weight_gradient_sum"}) {
        CHECK(layer(longer, sum).vector_operations() == 16 * 4);
    }
    CHECK(layer(longer, "cell.recurrent2.update").space.points() == 16 * 4);
    CHECK_FALSE(has(longer, "cell.recurrent3.update"));
}

TEST_CASE("Peepholes and the biases of a GRU's state learn from every step") {
    const Network peeped =
        step_of("[3, 2]", "- {name: cell, op: lstm, hidden: 4, peepholes: true}\n", 2);
    // i and f see the cell before them (steps 2 and 3), o its own cell (all three).
    CHECK(shape(peeped, "cell.cell3.parameter_gradient") == Shape{2, 4});
    CHECK(layer(peeped, "cell.cell3.parameter_gradient").vector_operations() == 2 * 2 * 2 * 4);
    CHECK(layer(peeped, "cell.cell2.parameter_gradient_sum").vector_operations() == 2 * 4);
    CHECK_FALSE(has(peeped, "cell.cell1.parameter_gradient"));
    CHECK(layer(peeped, "cell.cell1.parameter_update").space.points() == 2 * 4);
    CHECK(shape(peeped, "cell.hidden1.parameter_gradient") == Shape{4});
    CHECK(layer(peeped, "cell.hidden1.parameter_update").space.points() == 4);
    const Network gru = step_of("[3, 2]", "- {name: cell, op: gru, hidden: 4}\n", 2);
    // n = tanh(n_x + r n_h): the gradient of n_h is that of n_x times r.
    CHECK(layer(gru, "cell.hidden3.state_candidate_gradient").vector_operations() ==
          2 * 4 * (1 + 4 + 1));
    CHECK(shape(gru, "cell.recurrent3.gradient_parts") == Shape{1, 12});
    CHECK(layer(gru, "cell.recurrent2.parameter_gradient_sum").vector_operations() == 12);
    CHECK(layer(gru, "cell.recurrent2.parameter_update").space.points() == 12);
}

TEST_CASE(
    "Parts of a tensor that lie beside each other have one gradient, what nobody read zeros") {
    const std::string split =
        "- {name: both, op: linear, out_features: 8}\n"
        "- {name: left, op: slice, inputs: both, axis: 1, begin: 0, end: 4}\n"
        "- {name: right, op: slice, inputs: both, axis: 1, begin: ";
    const std::string end = ", end: 8}\n- {name: sum, op: add, inputs: [left, right]}\n";
    const Network whole = step_of("[5, 6]", split + "4" + end);
    CHECK(layer(whole, "both.gradient_parts").op == "concat");
    CHECK_FALSE(has(whole, "both.gradient_sum"));
    const Network part = step_of("[5, 6]",
                                 "- {name: both, op: linear, out_features: 8}\n"
                                 "- {name: left, op: slice, axis: 1, begin: 0, end: 4}\n");
    CHECK(layer(part, "both.gradient_parts").op == "pad");
    CHECK(touched(layer(part, "both.gradient_parts"), TensorRole::outputs) == 2 * 5 * 8);
    CHECK(touched(layer(part, "both.gradient_parts"), TensorRole::inputs) == 2 * 5 * 4);
    const Network twice =
        step_of("[5, 6]",
                "- {name: both, op: linear, out_features: 8}\n"
                "- {name: left, op: slice, inputs: both, axis: 1, begin: 0, end: 6}\n"
                "- {name: right, op: slice, inputs: both, axis: 1, begin: 2, end: 8}\n"
                "- {name: sum, op: add, inputs: [left, right]}\n");
    CHECK(layer(twice, "both.gradient_sum").inputs.size() == 2);
}

TEST_CASE("A mixture of experts multiplies twice more for its gradients, each matrix once") {
    const Network step = step_of("[16, 6]",
                                 "- {name: fc, op: linear, out_features: 6, bias: false}\n"
                                 "- {name: mix, op: moe, experts: 8, top_k: 2, features: 5}\n");
    std::map<std::string, std::int64_t> macs;
    for (const Layer& each : step.layers()) {
        macs[each.name] = each.macs();
    }
    for (const char* part : {"gate", "up", "down"}) {
        const std::string name = std::string("mix.") + part;
        INFO(name);
        CHECK(macs[name] == 2 * 16 * 5 * 6);
        CHECK(macs[name + ".input_gradient"] == macs[name]);
        CHECK(macs[name + ".weight_gradient"] == macs[name]);
        const Layer& weights = layer(step, name + ".weight_gradient");
        const Tensor& gradient = step.tensor(weights.outputs[0]);
        CHECK(words(gradient.shape) == 8 * 5 * 6);
        CHECK(touched_words(weights.space.outputs().projection, weights.space.box()) == 8 * 5 * 6);
    }
    CHECK(macs["mix.router.weight_gradient"] == macs["mix.router"]);
}

TEST_CASE("Experts that cannot share the tokens evenly multiply no more than a share of zeros") {
    const auto weight_gradient = [](int tokens, int experts, int picks) {
        const Network step =
            step_of("[" + std::to_string(tokens) + ", 6]",
                    "- {name: fc, op: linear, out_features: 6, bias: false}\n"
                    "- {name: mix, op: moe, experts: " +
                        std::to_string(experts) + ", top_k: " + std::to_string(picks) +
                        ", features: 5, gated: false}\n");
        return layer(step, "mix.up.weight_gradient").macs();
    };
    CHECK(weight_gradient(512, 64, 6) == 6 * 512 * 5 * 6);  // of three picks 16 tokens each
    CHECK(weight_gradient(10, 8, 2) == 2 * 12 * 5 * 6);     // four shares of three
    CHECK(weight_gradient(9, 8, 2) == 2 * 9 * 5 * 6);       // three shares, one expert idle
    CHECK(weight_gradient(3, 8, 2) == 2 * 3 * 5 * 6);
}

TEST_CASE("A window with stride and dilation multiplies as often in each of its two gradients") {
    // Without a common factor each place has a phase: 2 p + 3 r at 9 places from 3 results.
    const std::string first = "- {name: a, op: conv, out_channels: 4, kernel: 1}\n";
    const Network apart =
        step_of("[2, 11]", first +
                               "- {name: c, op: conv, out_channels: 6, kernel: 3, "
                               "stride: 2, dilation: 3}\n");
    const std::int64_t forward = 6 * 4 * 3 * 3;
    CHECK(layer(apart, "c").macs() == forward);
    CHECK(layer(apart, "c.input_gradient").macs() == forward);
    CHECK(layer(apart, "c.weight_gradient").macs() == forward);
    CHECK_FALSE(has(apart, "c.met_gradient"));
    // With one, 2 (p + r) - 1 meets places 1, 3, 5, 7, 9 alone: zeros lie between.
    const Network common = step_of("[2, 11]", first +
                                                  "- {name: c, op: conv, out_channels: 6, kernel: "
                                                  "3, stride: 2, dilation: 2, padding: 1}\n");
    CHECK(layer(common, "c.met_gradient").macs() == layer(common, "c").macs());
    CHECK(shape(common, "c.met_gradient") == Shape{4, 5});
    CHECK(shape(common, "c.input_gradient") == Shape{4, 11});
    CHECK(layer(common, "c.input_gradient").macs() == 0);
    CHECK(layer(common, "c.input_gradient").vector_operations() == 4 * 11);
    CHECK(touched(layer(common, "c.input_gradient"), TensorRole::inputs) == 2 * 4 * 5);
    CHECK(touched(layer(common, "c.input_gradient"), TensorRole::outputs) == 2 * 4 * 11);
    // A pooling looks at ceil(kernel / stride) windows for each place that one may hold.
    const Network pooled = step_of("[2, 12]", first +
                                                  "- {name: p, op: max_pool, kernel: 3, stride: 2, "
                                                  "dilation: 4}\n");
    CHECK(shape(pooled, "p.met_gradient") == Shape{4, 6});
    CHECK(layer(pooled, "p.met_gradient").vector_operations() == 4 * 6 * 3 * 2);
}

TEST_CASE("Nothing is learnt through steps, whose slope is zero") {
    const std::string first = "- {name: a, op: linear, out_features: 8}\n";
    const std::string second = "- {name: b, op: linear, out_features: 8, inputs: x}\n";
    const Network rounded = step_of("[3, 8]", first + "- {name: r, op: round}\n" + second +
                                                  "- {name: gated, op: mul, inputs: [r, b]}\n"
                                                  "- {name: out, op: linear, out_features: 4}\n");
    // b is multiplied by what is rounded, and learns; a does not.
    CHECK(has(rounded, "gated.input_gradient_2"));
    CHECK_FALSE(has(rounded, "gated.input_gradient_1"));
    CHECK_FALSE(has(rounded, "r.input_gradient"));
    CHECK_FALSE(has(rounded, "a.weight_gradient"));
    CHECK_FALSE(has(rounded, "a.update"));
    CHECK(has(rounded, "b.update"));
    const Network compared =
        step_of("[3, 8]", first + second +
                              "- {name: c, op: compare, inputs: [a, b]}\n"
                              "- {name: chosen, op: where, inputs: [c, a, b]}\n"
                              "- {name: out, op: linear, out_features: 4}\n");
    CHECK(has(compared, "chosen.input_gradient_2"));
    CHECK(has(compared, "chosen.input_gradient_3"));
    CHECK_FALSE(has(compared, "c.input_gradient_1"));
    CHECK(has(compared, "a.update"));
}

TEST_CASE("The largest along some axes gives its gradient to the values that are equal to it") {
    for (const char* op : {"reduce_max", "reduce_min"}) {
        const Network step = step_of("[3, 8]",
                                     "- {name: fc, op: linear, out_features: 8}\n"
                                     "- {name: m, op: " +
                                         std::string(op) +
                                         ", axes: [1]}\n"
                                         "- {name: out, op: linear, out_features: 2}\n",
                                     2);
        const Layer& gradient = layer(step, "m.input_gradient");
        CHECK(shape(step, "m.input_gradient") == Shape{3, 8});
        CHECK(gradient.vector_operations() == 2 * 2 * 3 * 8);
        // dy, y, both of a word a row, and x.
        CHECK(touched(gradient, TensorRole::inputs) == 2 * 2 * (3 + 3 + 3 * 8));
        CHECK(gradient.inputs == std::vector<TensorId>{step.find_tensor("out.input_gradient"),
                                                       step.find_tensor("m"),
                                                       step.find_tensor("fc")});
    }
}

}  // namespace memwall
