// SPDX-License-Identifier: Apache-2.0
// Training steps: their counts, what is saved and what is held, worked out by hand on small
// networks and as properties of shipped and generated ones.
#include "workloads/training.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "tests/support/generated_forms.hpp"
#include "tests/workloads/network_text.hpp"
#include "tests/workloads/training_steps.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::has;
using test::layer;
using test::network_of_layers;
using test::shape;
using test::step_of;
using test::touched;

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

}  // namespace

TEST_CASE(
    "A step multiplies three times as often as its forward pass, less the gradients of inputs") {
    for (const char* name :
         {"lenet",      "alexnet",     "alexnet_onetower", "vgg16",           "resnet18",
          "resnet50",   "resnet50_v1", "mobilenet_v2",     "efficientnet_b0", "unet",
          "yolov4",     "vit_b16",     "bert_large",       "gpt_j_6b",        "llama2_7b",
          "llama2_70b", "llama3_8b",   "granite_3b",       "granite_8b",      "granite_3_8b",
          "kws_lstm",   "dlrm"}) {
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
        const Network network = with_batch(made.network, draw(1, 3));
        if (network.parameters() == 0) {
            CHECK_THROWS_WITH(training_step(network, Optimizer::momentum),
                              Catch::Contains("learns nothing"));
            continue;
        }
        const Network step = training_step(network, Optimizer::momentum);
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

TEST_CASE(
    "Gradients of a table with fewer rows than draws are added up, then each row changes once") {
    // 3 items of 5 numbers, 15 draws of 4 rows, a share of 4 for each.
    const Network small = step_of("[5]", "- {name: e, op: embedding, rows: 4, features: 8}\n", 3);
    const Layer& sum = layer(small, "e.weight_gradient");
    CHECK(touched(sum, TensorRole::inputs) == 2 * 3 * 5 * 8);
    CHECK(touched(sum, TensorRole::outputs) == 2 * 4 * 8);
    CHECK(sum.space.points() == 4 * 4 * 8);
    CHECK(layer(small, "e.update").space.points() == 4 * 8);
    // As many draws as rows: at most one of each.
    const Network equal = step_of("[5]", "- {name: e, op: embedding, rows: 15, features: 8}\n", 3);
    CHECK_FALSE(has(equal, "e.weight_gradient"));
    CHECK(layer(equal, "e.update").space.points() == 15 * 8);
    // 2 items of 3 bags of 7 numbers: 42 draws of 10 rows, 6 results. Five pairs of rows share the
    // results two by two, each for three draws: 4.2 a row, rounded up to 6.
    const Network bags =
        step_of("[3, 7]", "- {name: e, op: embedding, rows: 10, features: 8, pool: true}\n", 2);
    const Layer& pooled = layer(bags, "e.weight_gradient");
    CHECK(touched(pooled, TensorRole::inputs) == 2 * 6 * 8);
    CHECK(touched(pooled, TensorRole::outputs) == 2 * 10 * 8);
    CHECK(pooled.space.points() == 10 * 2 * 3 * 8);
    CHECK(layer(bags, "e.update").space.points() == 10 * 8);
}

TEST_CASE("Layers that share a table change no more rows together than it has") {
    const Network step = step_of("[5]",
                                 "- {name: a, op: embedding, rows: 8, features: 4}\n"
                                 "- {name: b, op: embedding, rows: 8, features: 4, inputs: [x], "
                                 "weights: a}\n"
                                 "- {name: sum, op: add, inputs: [a, b]}\n");
    CHECK(layer(step, "a.update").space.points() == 8 * 4);
    CHECK_FALSE(has(step, "b.update"));
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

TEST_CASE("An unknown optimizer is refused with the nearest one") {
    CHECK(parse_optimizer("momentum") == Optimizer::momentum);
    CHECK_THROWS_WITH(parse_optimizer("adan"),
                      "error: unknown optimizer 'adan'; did you mean 'adam'?");
}

}  // namespace memwall
