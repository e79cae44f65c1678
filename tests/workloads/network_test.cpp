// SPDX-License-Identifier: Apache-2.0
#include "workloads/network.hpp"

#include <catch2/catch.hpp>

#include "tests/workloads/network_text.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall {
namespace {

using test::network_of_layers;
using test::shipped;

const Layer& layer(const Network& network, const std::string& name) {
    return network.layer(network.find_layer(name));
}

const Tensor& tensor(const Network& network, const std::string& name) {
    return network.tensor(network.find_tensor(name));
}

std::string epilogue_of(const Network& network, const std::string& name) {
    const LayerId id = layer(network, name).epilogue_of;
    return id.valid() ? network.layer(id).name : "";
}

std::string names(const Network& network, const std::vector<LayerId>& ids) {
    std::string all;
    for (const LayerId id : ids) {
        all += network.layer(id).name + " ";
    }
    return all;
}

const std::string kConv = "op: conv, out_channels: 4, kernel: 3, padding: 1, bias: false";

}  // namespace

TEST_CASE("ResNet-50 has 4,089,184,256 MACs and 25,502,912 weights") {
    const Network network = shipped("resnet50");
    CHECK(network.macs() == 4'089'184'256);
    CHECK(network.weights() == 25'502'912);
    CHECK(network.parameters() == 25'557'032);  // as torchvision counts them
    CHECK(network.weight_bytes() == Bytes(25'502'912));
    CHECK(network.tensor(network.outputs().at(0)).shape == Shape{1000});
    std::int64_t with_macs = 0;
    std::int64_t convolutions = 0;
    for (const Layer& each : network.layers()) {
        with_macs += each.macs() > 0 ? 1 : 0;
        convolutions += each.op == "conv" ? 1 : 0;
        if (each.op == "batch_norm") {
            CHECK(each.folded_into.valid());
        }
        if (each.op == "relu" || each.op == "add") {
            CHECK(each.epilogue_of.valid());
        }
    }
    CHECK(with_macs == 54);
    CHECK(convolutions == 53);
    CHECK(tensor(network, "stage4_6_relu").shape == Shape{1024, 14, 14});
    // The stride of a stage is on the 3 x 3.
    CHECK(tensor(network, "stage3_1_conv1").shape == Shape{128, 56, 56});
    CHECK(tensor(network, "stage3_1_conv2").shape == Shape{128, 28, 28});
}

TEST_CASE("LeNet-5 has 416,520 MACs and 61,706 parameters") {
    const Network network = shipped("lenet");
    CHECK(network.macs() == 117'600 + 240'000 + 48'000 + 10'080 + 840);
    CHECK(network.weights() == 61'470);
    CHECK(network.parameters() == 61'706);
}

TEST_CASE("Layers come in topological order whatever the order of the file") {
    const Network network = network_of_layers("[4, 6, 6]",
                                              "- {name: c, op: relu, inputs: b}\n"
                                              "- {name: a, op: relu, inputs: x}\n"
                                              "- {name: b, op: gelu, inputs: [a]}\n"
                                              "- {name: d, op: add, inputs: [a, c]}\n");
    CHECK(names(network, {LayerId(0), LayerId(1), LayerId(2), LayerId(3)}) == "a b c d ");
    CHECK(names(network, network.predecessors(network.find_layer("d"))) == "a c ");
    CHECK(names(network, network.successors(network.find_layer("a"))) == "b d ");
    CHECK(names(network, tensor(network, "a").consumers) == "b d ");
    CHECK(tensor(network, "c").producer == network.find_layer("c"));
    CHECK_FALSE(network.find_layer("x").valid());
    CHECK(network.find_tensor("x") == network.inputs().at(0));
    CHECK(network.outputs() == std::vector<TensorId>{network.find_tensor("d")});
}

TEST_CASE("A batch_norm behind a convolution of one axis is of its channels, and folds") {
    const std::string conv = "- {name: c, op: conv, out_channels: 5, kernel: 4, stride: 2}\n";
    const Network sound = network_of_layers(
        "[16, 18]", conv + "- {name: r, op: max_pool, kernel: 2}\n- {name: n, op: batch_norm}\n");
    CHECK(sound.layer(sound.find_layer("n")).other_parameters == 2 * 5);
    const Network folded = network_of_layers("[16, 18]", conv + "- {name: n, op: batch_norm}\n");
    CHECK(folded.layer(folded.find_layer("n")).folded_into == folded.find_layer("c"));
    const Network tokens = network_of_layers(
        "[16, 18]", "- {name: l, op: linear, out_features: 5}\n- {name: n, op: batch_norm}\n");
    CHECK(tokens.layer(tokens.find_layer("n")).other_parameters == 2 * 5);
    CHECK(tokens.layer(tokens.find_layer("n")).folded_into == tokens.find_layer("l"));
}

TEST_CASE("A batch_norm along positions goes into no weights: they are the same at each") {
    const Network network = network_of_layers("[4, 6, 6]",
                                              "- {name: c, op: conv, out_channels: 5, kernel: 3}\n"
                                              "- {name: n, op: batch_norm, axis: 1}\n");
    const Layer& norm = network.layer(network.find_layer("n"));
    CHECK(!norm.folded_into.valid());
    CHECK(!norm.no_work);
    CHECK(norm.other_parameters == 2 * 4);
}

TEST_CASE("A batch_norm folds into the layer before it only where nobody else reads that layer") {
    const Network alone =
        network_of_layers("[4, 6, 6]", "- {name: c, " + kConv + "}\n- {name: n, op: batch_norm}\n");
    CHECK(layer(alone, "n").folded_into == alone.find_layer("c"));
    CHECK(layer(alone, "n").no_work);
    CHECK(layer(alone, "n").vector_operations() == 0);
    CHECK_FALSE(layer(alone, "n").space.has_operands());
    CHECK(alone.storage(alone.find_tensor("n")) == alone.find_tensor("c"));
    CHECK(alone.parameters() == 144 + 8);

    const Network shared =
        network_of_layers("[4, 6, 6]", "- {name: c, " + kConv +
                                           "}\n- {name: n, op: batch_norm}\n"
                                           "- {name: a, op: add, inputs: [c, n]}\n");
    CHECK_FALSE(layer(shared, "n").folded_into.valid());
    CHECK(layer(shared, "n").vector_operations() == 2 * 144);
    CHECK(epilogue_of(shared, "n").empty());

    const Network first = network_of_layers("[4, 6, 6]", "- {name: n, op: batch_norm}\n");
    CHECK_FALSE(layer(first, "n").no_work);
}

TEST_CASE("A pointwise layer may end the last layer that it waits for, if nobody else reads it") {
    const Network network = network_of_layers(
        "[4, 6, 6]", "- {name: c1, " + kConv + "}\n- {name: n1, op: batch_norm}\n" +
                         "- {name: r1, op: relu}\n- {name: c2, " + kConv + "}\n" +
                         "- {name: n2, op: batch_norm}\n- {name: a, op: add, inputs: [n2, r1]}\n" +
                         "- {name: r2, op: relu}\n- {name: s, op: softmax}\n" +
                         "- {name: r3, op: relu, inputs: s}\n" +
                         "- {name: a2, op: add, inputs: [r3, s]}\n");
    CHECK(epilogue_of(network, "r1") == "c1");
    CHECK(epilogue_of(network, "a") == "c2");  // c1 is done by then
    CHECK(epilogue_of(network, "r2") == "a");
    CHECK(epilogue_of(network, "s").empty());   // needs the whole of an axis
    CHECK(epilogue_of(network, "r3").empty());  // s is read twice
    CHECK(epilogue_of(network, "a2") == "r3");
}

TEST_CASE("A broadcast input cannot be ended by the layer that reads it") {
    const Network network = network_of_layers(
        "[4, 6, 6]", "- {name: p, op: global_pool}\n- {name: m, op: mul, inputs: [x, p]}\n");
    CHECK(epilogue_of(network, "m").empty());
}

TEST_CASE("A reshape shares the words of its input") {
    const Network network = network_of_layers("[4, 6, 6]",
                                              "- {name: r, op: relu}\n- {name: f, op: flatten}\n"
                                              "- {name: v, op: reshape, shape: [12, 12]}\n");
    CHECK(tensor(network, "v").shape == Shape{12, 12});
    CHECK(network.storage(network.find_tensor("v")) == network.find_tensor("r"));
    CHECK(tensor(network, "f").alias->axis == -1);
    CHECK(layer(network, "f").no_work);
    CHECK(network.vector_operations() == 144);
}

TEST_CASE("A concat is free where its inputs can be made in their places") {
    const Network network = network_of_layers(
        "[4, 6, 6]", "- {name: a, " + kConv + ", inputs: x}\n- {name: an, op: batch_norm}\n" +
                         "- {name: b, op: max_pool, kernel: 1, inputs: x}\n" +
                         "- {name: j, op: concat, inputs: [an, b]}\n" +
                         "- {name: c, op: relu, inputs: x}\n" +
                         "- {name: k, op: concat, inputs: [c, j]}\n");
    CHECK(layer(network, "j").no_work);
    CHECK(layer(network, "k").no_work);
    CHECK(tensor(network, "k").shape == Shape{12, 6, 6});
    CHECK(tensor(network, "b").alias->of == network.find_tensor("j"));
    CHECK(tensor(network, "b").alias->offset == 4);
    CHECK(tensor(network, "a").alias->of == network.find_tensor("j"));  // through the folded norm
    CHECK(tensor(network, "a").alias->axis == 0);
    CHECK(tensor(network, "j").alias->offset == 4);
    for (const std::string name : {"a", "an", "b", "c", "j"}) {
        CHECK(network.storage(network.find_tensor(name)) == network.find_tensor("k"));
    }
}

TEST_CASE("A concat of words that live elsewhere is a copy, each input once") {
    const Network network = network_of_layers("[4, 6, 6]",
                                              "- {name: a, op: relu}\n"
                                              "- {name: j, op: concat, inputs: [a, x]}\n"
                                              "- {name: k, op: concat, inputs: [a, a], axis: 1}\n"
                                              "- {name: s, op: concat, inputs: [j, j]}\n");
    for (const std::string name : {"j", "k", "s"}) {
        CHECK_FALSE(layer(network, name).no_work);
        CHECK_FALSE(tensor(network, name).alias.has_value());
    }
    const IterationSpace& space = layer(network, "k").space;
    CHECK(space.vector_operations() == 288);
    REQUIRE(space.operands.size() == 3);
    CHECK(touched_words(space.operands[0].projection, space.box()) == 144);
    CHECK(touched_words(space.operands[1].projection, space.box()) == 144);
    Box second = space.box();
    second[Dim::P] = {6, 12};  // rows of the second input
    CHECK(touched_words(space.operands[0].projection, second) == 0);
    CHECK(touched_words(space.operands[1].projection, second) == 144);
}

TEST_CASE("The most that is live counts what later layers need, and epilogues once") {
    // conv2: image, relu1 (over conv1's place) and its own result. add and relu2 work in place.
    CHECK(shipped("tiny_residual").peak_activation_bytes() == Bytes(3 * 288));
    CHECK(shipped("tiny_conv").peak_activation_bytes() == Bytes(144 + 64));
    // 256 + 288 at the first convolution, 288 + 64 at the second.
    CHECK(shipped("tiny_two").peak_activation_bytes() == Bytes(544));
    // stage2_1_shortcut: the pooled image, the block's result and its own, 56 x 56 each.
    CHECK(shipped("resnet50").peak_activation_bytes() == Bytes((64 + 256 + 256) * 56 * 56));
    CHECK(Network().peak_activation_bytes() == Bytes(0));
}

TEST_CASE("A tensor is stored as the widest of its readers wants it") {
    const Network network = test::network_of(
        "memwall: 1\nnetwork: net\nprecision: int4\ninputs:\n  x: {shape: [4, 6, 6], precision: "
        "int8}\nlayers:\n- {name: a, " +
        kConv + "}\n- {name: b, " + kConv + ", precision: w2a8}\n- {name: c, " + kConv +
        ", inputs: a}\n- {name: f, op: flatten}\n- {name: l, op: linear, out_features: 2, "
        "precision: fp16, output_precision: fp32}\n");
    CHECK(tensor(network, "x").precision == Precision::int8);  // stated
    CHECK(tensor(network, "a").precision == Precision::int8);  // b reads 8 bits
    CHECK(tensor(network, "b").precision == Precision::int8);  // nobody reads it
    CHECK(tensor(network, "b.weights").precision == Precision::int2);
    CHECK(tensor(network, "c").precision == Precision::fp16);  // through the flatten
    CHECK(tensor(network, "f").precision == Precision::fp16);
    CHECK(tensor(network, "l").precision == Precision::fp32);  // stated
    const IterationSpace& space = layer(network, "c").space;
    CHECK(space.operands[0].precision == Precision::int8);
    CHECK(space.operands[1].precision == Precision::int4);
    CHECK(space.outputs().precision == Precision::fp16);
    CHECK(space.accumulator == Precision::int32);
    CHECK(layer(network, "l").space.accumulator == Precision::fp32);
}

TEST_CASE("A concat of tensors in different formats is a copy") {
    const Network network = network_of_layers(
        "[4, 6, 6]", "- {name: a, op: relu, inputs: x}\n- {name: b, op: gelu, inputs: x}\n" +
                         ("- {name: j, op: concat, inputs: [a, b]}\n- {name: c, " + kConv) +
                         ", inputs: a, precision: fp16}\n");
    CHECK(tensor(network, "a").precision == Precision::fp16);
    CHECK(tensor(network, "b").precision == Precision::int8);
    CHECK_FALSE(layer(network, "j").no_work);
}

TEST_CASE("Parts that do not fit together are our mistake") {
    NetworkParts parts = shipped("tiny_conv").parts();
    CHECK(Network(parts).macs() == 2304);
    NetworkParts rank = parts;
    rank.layers[0].space.operands[0].projection.axes.pop_back();
    CHECK_THROWS_AS(Network(rank), InternalError);
    NetworkParts missing = parts;
    missing.layers[0].space.operands[1].tensor = TensorId();
    CHECK_THROWS_AS(Network(missing), InternalError);
    NetworkParts cyclic = parts;
    cyclic.layers[0].inputs = cyclic.layers[0].outputs;
    CHECK_THROWS_AS(Network(cyclic), InternalError);
    NetworkParts twice = parts;
    twice.layers.push_back(twice.layers[0]);
    CHECK_THROWS_AS(Network(twice), InternalError);
}

}  // namespace memwall
