// SPDX-License-Identifier: Apache-2.0
// Training steps: the layers that gradients need, their counts, what is saved and what is held,
// worked out by hand on small networks and as properties of shipped and generated ones.
#include "workloads/training.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "tests/support/generated_forms.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::network_of_layers;

Network step_of(const std::string& input, const std::string& layers, std::int64_t batch = 1,
                Optimizer optimizer = Optimizer::adam, const std::string& precision = "bf16") {
    const Network network =
        with_precision(network_of_layers(input, layers),
                       std::get<PrecisionPolicy>(parse_precision_policy(precision)));
    return training_step(with_batch(network, batch), optimizer);
}

const Layer& layer(const Network& network, const std::string& name) {
    const LayerId id = network.find_layer(name);
    INFO(name);
    REQUIRE(id.valid());
    return network.layer(id);
}

bool has(const Network& network, const std::string& name) {
    return network.find_layer(name).valid();
}

Shape shape(const Network& network, const std::string& tensor) {
    return network.tensor(network.find_tensor(tensor)).shape;
}

std::int64_t macs_of_pass(const Network& step, LayerPass pass) {
    return pass_counts(step)[static_cast<std::size_t>(pass)].macs;
}

/// MACs of layers before which nothing is learnt: nobody needs the gradients of their inputs.
std::int64_t macs_at_inputs(const Network& step) {
    std::int64_t macs = 0;
    std::set<TensorId> learnt;  // tensors that depend on a parameter
    for (const Layer& each : step.layers()) {
        const bool after = std::any_of(each.inputs.begin(), each.inputs.end(),
                                       [&](TensorId id) { return learnt.contains(id); });
        if (each.pass == LayerPass::forward) {
            macs += after ? 0 : each.macs();
            if (after || each.weights.valid() || each.other_parameters > 0) {
                learnt.insert(each.outputs[0]);
            }
        }
    }
    return macs;
}

/// Bytes that the operands of a layer touch, by role, state that is written back not counted twice.
std::int64_t touched(const Layer& layer, TensorRole role) {
    std::int64_t bytes = 0;
    for (const Operand& operand : layer.space.operands) {
        if (operand.role == role) {
            bytes += stored_bytes(touched_words(operand.projection, layer.space.box()),
                                  operand.precision)
                         .count();
        }
    }
    return bytes;
}

std::string fault_of(const std::string& input, const std::string& layers) {
    try {
        step_of(input, layers);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

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

TEST_CASE(
    "A step multiplies three times as often as its forward pass, less the gradients of inputs") {
    for (const char* name :
         {"lenet",      "alexnet",     "alexnet_onetower", "vgg16",           "resnet18",
          "resnet50",   "resnet50_v1", "mobilenet_v2",     "efficientnet_b0", "unet",
          "yolov4",     "vit_b16",     "bert_large",       "gpt_j_6b",        "llama2_7b",
          "llama2_70b", "llama3_8b",   "granite_3b",       "granite_8b",      "kws_lstm",
          "dlrm"}) {
        INFO(name);
        const Network step = training_step(test::shipped(name), Optimizer::adam);
        const std::int64_t forward = macs_of_pass(step, LayerPass::forward);
        CHECK(macs_of_pass(step, LayerPass::backward) == 2 * forward - macs_at_inputs(step));
        CHECK(macs_of_pass(step, LayerPass::update) == 0);
    }
}

TEST_CASE("The MACs of generated networks' steps are three forward passes too") {
    Draw draw(5);
    for (int example = 0; example < 120; ++example) {
        const test::Generated made = example % 4 == 0   ? test::generated_conv(draw)
                                     : example % 4 == 1 ? test::generated_network(draw, 4)
                                     : example % 4 == 2 ? test::generated_sliding(draw)
                                                        : test::generated_attention(draw, false);
        INFO(made.yaml);
        const Network step =
            training_step(with_batch(made.network, draw(1, 3)), Optimizer::momentum);
        CHECK(macs_of_pass(step, LayerPass::backward) ==
              2 * macs_of_pass(step, LayerPass::forward) - macs_at_inputs(step));
    }
}

TEST_CASE("What the backward pass reads of the forward pass is saved until then") {
    // Two convolutions with ReLUs, a pooling and a classifier, one item, bf16: the input 3 x 8 x 8
    // (first weight gradient), relu1 4 x 8 x 8 (slope, pooling, its gradient), pool 4 x 4 x 4
    // (comparison, second weight gradient), relu2 4 x 4 x 4 (slope, classifier), all else is not.
    const Network cnn = step_of("[3, 8, 8]",
                                "- {name: c1, op: conv, out_channels: 4, kernel: 3, padding: 1}\n"
                                "- {name: relu1, op: relu}\n"
                                "- {name: pool, op: max_pool, kernel: 2, stride: 2}\n"
                                "- {name: c2, op: conv, out_channels: 4, kernel: 3, padding: 1}\n"
                                "- {name: relu2, op: relu}\n"
                                "- {name: flat, op: flatten}\n"
                                "- {name: fc, op: linear, out_features: 10}\n");
    CHECK(training_memory(cnn).saved.count() == 2 * (3 * 64 + 4 * 64 + 4 * 16 + 4 * 16));
    // A feed-forward block of 5 positions: the norm's input (x itself needs no gradient, but the
    // gain does), the norm's result (up), up's result (gelu's slope), gelu's result (down).
    const Network block = step_of("[5, 8]",
                                  "- {name: norm, op: layer_norm}\n"
                                  "- {name: up, op: linear, out_features: 32}\n"
                                  "- {name: act, op: gelu}\n"
                                  "- {name: down, op: linear, out_features: 8}\n"
                                  "- {name: sum, op: add, inputs: [down, x]}\n",
                                  2);
    CHECK(training_memory(block).saved.count() == 2 * 2 * 5 * (8 + 8 + 32 + 32));
}

TEST_CASE("The peak of a step is that of its schedule") {
    // a = x W1 (4 -> 8), r = relu(a), y = r W2 (8 -> 2), one item, fp32, no biases. In order:
    // a+relu | y | loss | dr | dW2 | da | dW1 | updates. x 16 B lives until dW1, r 32 B until da.
    const Network step = step_of("[4]",
                                 "- {name: a, op: linear, out_features: 8, bias: false}\n"
                                 "- {name: r, op: relu}\n"
                                 "- {name: y, op: linear, out_features: 2, bias: false}\n",
                                 1, Optimizer::sgd, "fp32");
    const TrainingMemory memory = training_memory(step);
    CHECK(memory.parameters.count() == 4 * (32 + 16));
    CHECK(memory.masters.count() == 0);
    CHECK(memory.optimizer.count() == 0);
    CHECK(memory.gradients.count() == 4 * (32 + 16));
    CHECK(memory.saved.count() == 4 * (4 + 8));
    // At dW1: x 16, da 32 (in r's or dr's place), dW2 64, dW1 128.
    CHECK(memory.peak_live.count() == 16 + 32 + 64 + 128);
    CHECK(memory.total().count() == 4 * 48 + 240);
}

TEST_CASE("Adam reads and writes mean, variance and master weights once a step") {
    const Network step =
        step_of("[6]", "- {name: fc, op: linear, out_features: 4}\n", 1, Optimizer::adam);
    const Layer& update = layer(step, "fc.update");
    CHECK(touched(update, TensorRole::inputs) == 2 * 24);     // gradients, bf16
    CHECK(touched(update, TensorRole::state) == 3 * 4 * 24);  // master, mean, variance, fp32
    CHECK(touched(update, TensorRole::outputs) == 2 * 24);    // weights, bf16
    CHECK(update.vector_operations() == 12 * 24);
    CHECK(std::count_if(update.space.operands.begin(), update.space.operands.end(),
                        [](const Operand& operand) { return operand.updated; }) == 3);
    const TrainingMemory memory = training_memory(step);
    CHECK(memory.parameters.count() == 2 * 28);
    CHECK(memory.masters.count() == 4 * 28);
    CHECK(memory.optimizer.count() == 8 * 28);
    CHECK(memory.gradients.count() == 2 * 28);  // 16 bytes a parameter in all
}

TEST_CASE("In fp32 the weights are their own master copy") {
    for (const auto& [optimizer, words] :
         {std::pair(Optimizer::sgd, 0), std::pair(Optimizer::momentum, 1),
          std::pair(Optimizer::adam, 2)}) {
        INFO(name(optimizer));
        CHECK(state_words(optimizer) == words);
        const Network step =
            step_of("[6]", "- {name: fc, op: linear, out_features: 4}\n", 1, optimizer, "fp32");
        const Layer& update = layer(step, "fc.update");
        CHECK(touched(update, TensorRole::weights) == 4 * 24);
        CHECK(touched(update, TensorRole::state) == 4 * 24 * words);
        CHECK(touched(update, TensorRole::outputs) == 4 * 24);
        CHECK(training_memory(step).parameters.count() == 4 * 28);
        CHECK(training_memory(step).optimizer.count() == 4 * 28 * words);
    }
}

TEST_CASE("Gradients are added where a tensor fans out and where weights are shared") {
    const Network step = step_of("[4]",
                                 "- {name: a, op: linear, out_features: 4}\n"
                                 "- {name: b, op: linear, out_features: 4, weights: a}\n"
                                 "- {name: c, op: linear, inputs: a, out_features: 4}\n"
                                 "- {name: d, op: add, inputs: [b, c]}\n");
    const Layer& fan = layer(step, "a.gradient_sum");
    CHECK(fan.vector_operations() == 4);
    CHECK(fan.inputs.size() == 2);
    const Layer& shared = layer(step, "a.weight_gradient_sum");
    CHECK(shared.vector_operations() == 16);
    CHECK(shared.inputs == std::vector<TensorId>{step.find_tensor("b.weight_gradient"),
                                                 step.find_tensor("a.weight_gradient")});
    CHECK(has(step, "a.update"));
    CHECK_FALSE(has(step, "b.update"));
}

TEST_CASE("Only the drawn rows of an embedding are brought up to date, a tied one wholly") {
    const std::string layers =
        "- {name: e, op: embedding, rows: 100, features: 8}\n"
        "- {name: out, op: linear, out_features: 100, bias: false";
    const Network apart = step_of("[5]", layers + "}\n");
    const Layer& rows = layer(apart, "e.update");
    CHECK(rows.space.points() == 5 * 8);
    CHECK(touched(rows, TensorRole::state) == 3 * 4 * 5 * 8);
    CHECK(touched(rows, TensorRole::outputs) == 2 * 5 * 8);
    const Network tied = step_of("[5]", layers + ", weights: e}\n");
    CHECK(has(tied, "e.row_gradients"));
    CHECK(layer(tied, "e.update").space.points() == 100 * 8);
    CHECK_FALSE(has(tied, "out.update"));
}

TEST_CASE("What tells apart whole images learns from the one position that it reads") {
    const Network forward = test::shipped("vit_b16");
    const Network step = training_step(forward, Optimizer::adam);
    CHECK(macs_of_pass(step, LayerPass::forward) == forward.macs());
}

TEST_CASE("A language model learns from every position") {
    const Network forward = test::shipped("llama2_7b");
    const Network step = training_step(forward, Optimizer::adam);
    CHECK(shape(forward, "output") == Shape{1, 32000});
    CHECK(shape(step, "output") == Shape{512, 32000});
    CHECK(step.state_bytes().count() == 0);
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
    const std::string uneven = fault_of("[9, 6]",
                                        "- {name: fc, op: linear, out_features: 6}\n"
                                        "- {name: mix, op: moe, experts: 8, top_k: 2, "
                                        "features: 5, gated: false}\n");
    CHECK(uneven.find("experts that do not share the tokens evenly (2 x 9 tokens, 8 experts)") !=
          std::string::npos);
}

TEST_CASE("Layers of a kind that has no gradient are told by name, all at once") {
    NetworkParts parts = network_of_layers("[3, 8]",
                                           "- {name: fc, op: linear, out_features: 8}\n"
                                           "- {name: one, op: relu}\n"
                                           "- {name: two, op: relu}\n")
                             .parts();
    parts.layers[1].op = "mystery";
    parts.layers[2].op = "mystery";
    const Network network(std::move(parts));
    CHECK_THROWS_WITH(training_step(network, Optimizer::sgd),
                      "net.yaml:6:3: error: layer 'one' cannot be trained: op 'mystery' has no "
                      "gradient\nnet.yaml:7:3: error: layer 'two' cannot be trained: op 'mystery' "
                      "has no gradient");
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

TEST_CASE("An unknown optimizer is refused with the nearest one") {
    CHECK(parse_optimizer("momentum") == Optimizer::momentum);
    CHECK_THROWS_WITH(parse_optimizer("adan"),
                      "error: unknown optimizer 'adan'; did you mean 'adam'?");
}

}  // namespace memwall
