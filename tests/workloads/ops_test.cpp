// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/op.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/workloads/network_text.hpp"

namespace memwall {
namespace {

using test::faults_of_layers;
using test::network_of_layers;
using test::shipped;

const Layer& last(const Network& network) {
    return network.layers().back();
}

Shape shape_of(const Network& network, const std::string& tensor) {
    return network.tensor(network.find_tensor(tensor)).shape;
}

/// The words of an operand that the whole layer touches.
std::int64_t touched(const Layer& layer, std::size_t operand) {
    return touched_words(layer.space.operands.at(operand).projection, layer.space.box());
}

std::int64_t extent(const Layer& layer, Dim dim) {
    return layer.space.extent(dim);
}

}  // namespace

TEST_CASE("Every op of the list is found by its name and by no other") {
    std::set<std::string> names;
    for (const Op& op : builtin_ops()) {
        CHECK(names.insert(op.name).second);
        REQUIRE(find_op(op.name) == &op);
        CHECK(op.least_inputs <= op.most_inputs);
    }
    CHECK(find_op("convolution") == nullptr);
    CHECK(op_names().size() == names.size());
}

TEST_CASE("Every op stands in the table of the format's description") {
    std::ifstream file(std::string(MEMWALL_SOURCE_DIR) + "/configs/networks/README.md");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    for (const std::string& op : op_names()) {
        INFO(op);
        CHECK(text.find("`" + op + "`") != std::string::npos);
    }
}

TEST_CASE("tiny_conv has 2,304 MACs, 144 weights, 144 inputs and 64 outputs") {
    const Network network = shipped("tiny_conv");
    const Layer& conv = last(network);
    CHECK(network.macs() == 2304);
    CHECK(network.weights() == 144);
    CHECK(touched(conv, 0) == 144);
    CHECK(touched(conv, 1) == 144);
    CHECK(touched(conv, 2) == 64);
    CHECK(conv.space.reduction_dims() == std::vector<Dim>{Dim::C, Dim::R, Dim::S});

    // The worked tile: K2 C2 P2 Q4 R3 S3 has 36 weights, 48 inputs and 16 outputs.
    Box tile = conv.space.box();
    tile[Dim::K] = tile[Dim::C] = tile[Dim::P] = {0, 2};
    CHECK(touched_words(conv.space.operands[1].projection, tile) == 36);
    CHECK(touched_words(conv.space.operands[0].projection, tile) == 48);
    CHECK(touched_words(conv.space.operands[2].projection, tile) == 16);
    CHECK(tile.points() == 288);
}

TEST_CASE("The other tiny networks have the counts that their files state") {
    const auto counts = [](const std::string& name) {
        const Network network = shipped(name);
        return std::vector<std::int64_t>{network.macs(), network.weights(),
                                         touched(network.layers()[0], 0),
                                         words(network.tensor(network.outputs()[0]).shape)};
    };
    CHECK(counts("tiny_pointwise") == std::vector<std::int64_t>{2048, 128, 128, 256});
    CHECK(counts("tiny_linear") == std::vector<std::int64_t>{2048, 2048, 64, 32});
    CHECK(counts("tiny_strided") == std::vector<std::int64_t>{4608, 288, 196, 128});
    CHECK(counts("tiny_depthwise") == std::vector<std::int64_t>{2592, 72, 288, 288});
    CHECK(counts("tiny_pool") == std::vector<std::int64_t>{0, 0, 144, 36});
    CHECK(counts("tiny_two") == std::vector<std::int64_t>{10368 + 4608, 576, 256, 64});
    CHECK(counts("tiny_residual") == std::vector<std::int64_t>{2 * 20736, 1152, 288, 288});
}

TEST_CASE("Sizes, strides, paddings and dilations may differ by axis") {
    const Network network = network_of_layers(
        "[2, 20, 11]",
        "- {name: c, op: conv, out_channels: 3, kernel: [5, 3], stride: [3, 1], dilation: [2, 1],"
        " padding: [4, 0, 1, 2]}\n");
    // Rows: (20 + 4 + 1 - 9) / 3 + 1 = 6. Columns: 11 + 0 + 2 - 3 + 1 = 11.
    CHECK(shape_of(network, "c") == Shape{3, 6, 11});
    CHECK(network.macs() == 3 * 2 * 6 * 11 * 5 * 3);
    CHECK(network.parameters() == network.weights() + 3);
    const Axis& rows = last(network).space.operands[0].projection.axes[2];
    CHECK(rows.offset == -4);
    CHECK(rows.terms == std::vector<AxisTerm>{{Dim::P, 3}, {Dim::R, 2}});
}

TEST_CASE("Groups split both channels and belong to every operand") {
    const Network network = network_of_layers(
        "[6, 4, 4]", "- {name: c, op: conv, out_channels: 9, kernel: 1, groups: 3, bias: false}\n");
    const Layer& conv = last(network);
    CHECK(extent(conv, Dim::G) == 3);
    CHECK(extent(conv, Dim::K) == 3);
    CHECK(extent(conv, Dim::C) == 2);
    CHECK(network.macs() == 9 * 2 * 16);
    CHECK(network.weights() == 18);
    for (const Operand& operand : conv.space.operands) {
        CHECK(relevant(operand.projection, Dim::G));
    }
    Box second = conv.space.box();
    second[Dim::G] = {1, 2};
    CHECK(image(conv.space.operands[0].projection, second)[1] == Range{2, 4});
    CHECK(image(conv.space.operands[2].projection, second)[1] == Range{3, 6});
}

TEST_CASE("linear multiplies a vector, or every position of a sequence") {
    const Network vector = network_of_layers("[10]", "- {name: l, op: linear, out_features: 7}\n");
    CHECK(vector.macs() == 70);
    CHECK(vector.parameters() == 77);
    const Network sequence =
        network_of_layers("[5, 10]", "- {name: l, op: linear, out_features: 7}\n");
    CHECK(shape_of(sequence, "l") == Shape{5, 7});
    CHECK(sequence.macs() == 350);
    CHECK(sequence.weights() == 70);
    CHECK(extent(last(sequence), Dim::P) == 5);
}

TEST_CASE(
    "matmul multiplies two activations, for each head, the second one transposed on request") {
    const std::string two =
        "memwall: 1\nnetwork: net\ninputs: {a: [4, 5, 8], b: [4, 6, 8]}\nlayers:\n"
        "- {name: m, op: matmul, inputs: [a, b], transpose: true}\n";
    const Network network = test::network_of(two);
    CHECK(shape_of(network, "m") == Shape{4, 5, 6});
    CHECK(network.macs() == 4 * 5 * 6 * 8);
    CHECK(network.weights() == 0);
    CHECK(last(network).space.reduction_dims() == std::vector<Dim>{Dim::C});
    CHECK(touched(last(network), 1) == 4 * 6 * 8);
    CHECK(test::faults_of("memwall: 1\nnetwork: net\ninputs: {a: [5, 8], b: [6, 8]}\nlayers:\n"
                          "- {name: m, op: matmul, inputs: [a, b]}\n") ==
          "net.yaml:5:3: error: layer 'm': shapes do not meet: [5, 8] times [6, 8]");
}

TEST_CASE("Pooling takes one operation for each value in a window") {
    const Network maximum = network_of_layers(
        "[3, 8, 8]", "- {name: p, op: max_pool, kernel: 3, stride: 2, padding: 1}\n");
    CHECK(shape_of(maximum, "p") == Shape{3, 4, 4});
    CHECK(maximum.vector_operations() == 3 * 16 * 9);
    CHECK(last(maximum).space.operation == PointOperation::max);
    CHECK(last(maximum).space.reduction_dims() == std::vector<Dim>{Dim::R, Dim::S});

    const Network global = network_of_layers("[3, 8, 6]", "- {name: p, op: global_pool}\n");
    CHECK(shape_of(global, "p") == Shape{3, 1, 1});
    CHECK(global.vector_operations() == 3 * 48);
    CHECK(last(global).space.operation == PointOperation::add);
    CHECK(last(network_of_layers("[3, 8, 6]", "- {name: p, op: global_pool, kind: max}\n"))
              .space.operation == PointOperation::max);
}

TEST_CASE("Elementwise layers repeat axes of size 1") {
    const Network network = test::network_of(
        "memwall: 1\nnetwork: net\ninputs: {x: [8, 4, 4], s: [8, 1, 1]}\nlayers:\n"
        "- {name: m, op: mul, inputs: [s, x]}\n"
        "- {name: a, op: add, inputs: [m, x, s]}\n");
    CHECK(shape_of(network, "m") == Shape{8, 4, 4});
    const Layer& mul = network.layers()[0];
    CHECK(mul.vector_operations() == 128);
    CHECK(mul.space.operation == PointOperation::multiply);
    CHECK(touched(mul, 0) == 8);
    CHECK(touched(mul, 1) == 128);
    CHECK(network.layers()[1].vector_operations() == 2 * 128);
}

TEST_CASE("A normalisation needs the whole of its axis") {
    const Network network = network_of_layers("[5, 16]",
                                              "- {name: l, op: layer_norm}\n"
                                              "- {name: r, op: rms_norm}\n"
                                              "- {name: s, op: softmax, axis: 0}\n"
                                              "- {name: g, op: gelu}\n");
    CHECK(network.layers()[0].space.whole_dims == std::vector<Dim>{Dim::K});
    CHECK(network.layers()[0].other_parameters == 32);
    CHECK(network.layers()[1].other_parameters == 16);
    CHECK(network.layers()[2].space.whole_dims == std::vector<Dim>{Dim::P});
    CHECK(network.layers()[2].other_parameters == 0);
    CHECK(network.layers()[3].space.whole_dims.empty());
    CHECK(network.weights() == 0);
    CHECK(network.parameters() == 48);
}

TEST_CASE("Shapes that an op cannot take are told with what it needs") {
    const auto fault = [](const std::string& shape, const std::string& layer) {
        return faults_of_layers(shape, "- {name: n, " + layer + "}\n");
    };
    const std::string at = "net.yaml:5:3: error: layer 'n': ";
    CHECK(fault("[400]", "op: conv, out_channels: 1, kernel: 1") ==
          at + "a window needs an input of shape [channels, length], [channels, rows, columns] or "
               "[channels, depth, rows, columns], found [400]");
    CHECK(fault("[6, 4, 4]", "op: conv, out_channels: 8, kernel: 1, groups: 3") ==
          at + "3 groups do not divide 6 input and 8 output channels");
    CHECK(fault("[6, 4, 4]", "op: conv, out_channels: 8, kernel: [7, 3], padding: 1") ==
          at + "the window [7, 3] is larger than the padded input [6, 6]");
    CHECK(fault("[6, 4, 4]", "op: linear, out_features: 8") ==
          at + "linear needs an input of shape [features] or [positions, features], found "
               "[6, 4, 4]; put a flatten before it");
    CHECK(fault("[6]", "op: max_pool, kernel: 2") ==
          at + "a window needs an input of shape [channels, length], [channels, rows, columns] or "
               "[channels, depth, rows, columns], found [6]");
    CHECK(fault("[6, 4, 4]", "op: max_pool, kernel: 2, padding: 2") ==
          at +
              "the padding is as large as the window: some results would have nothing but padding");
    CHECK(fault("[6, 4]", "op: softmax, axis: 2") == at + "no axis 2 in an input of shape [6, 4]");
    CHECK(fault("[6, 4]", "op: reshape, shape: [5, 5]") ==
          at + "shapes do not meet: [6, 4] has 24 words, [5, 5] has 25");
    CHECK(fault("[1000, 1000]", "op: linear, out_features: 2000000000") ==
          "net.yaml:5:3: error: layer 'n' is too large to be counted");
}

TEST_CASE("Inputs that do not meet are told with both shapes") {
    const auto fault = [](const std::string& shapes, const std::string& op) {
        return test::faults_of("memwall: 1\nnetwork: net\ninputs: " + shapes + "\nlayers:\n- {" +
                               "name: n, inputs: [a, b], op: " + op + "}\n");
    };
    const std::string at = "net.yaml:5:3: error: layer 'n': ";
    CHECK(fault("{a: [4, 8, 8], b: [4, 4, 4]}", "add") ==
          at + "shapes do not meet: [4, 8, 8] and [4, 4, 4]");
    CHECK(fault("{a: [8, 8], b: [4, 8, 8]}", "mul") ==
          at + "shapes do not meet: [8, 8] and [4, 8, 8]");
    CHECK(fault("{a: [4, 8, 8], b: [2, 8, 7]}", "concat") ==
          at + "shapes do not meet along axis 0: [4, 8, 8] and [2, 8, 7]");
    CHECK(fault("{a: [8], b: [8]}", "concat, axis: 1") ==
          at + "no axis 1 in an input of shape [8]");
}

TEST_CASE("A constant operand is an operation a word, and parameters but for a single value") {
    const Network network = test::network_of_layers(
        "[4, 6, 6]",
        "- {name: scale, op: mul, constant: [1]}\n- {name: shift, op: add, constant: [4, 1, 1]}\n"
        "- {name: both, op: add, inputs: [shift, scale], constant: [1]}\n");
    CHECK(network.layers()[2].vector_operations() == 288);
    CHECK(network.layers()[0].vector_operations() == 144);
    CHECK(network.layers()[0].other_parameters == 0);
    CHECK(network.layers()[1].other_parameters == 4);
    CHECK(network.parameters() == 4);
}

}  // namespace memwall
