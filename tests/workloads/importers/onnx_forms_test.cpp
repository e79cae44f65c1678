// SPDX-License-Identifier: Apache-2.0
// Forms of operators with the sizes and counts that follow by hand.
#include <catch2/catch.hpp>

#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

Network read(const OnnxModel& model, const ImportOptions& options = {}) {
    return imported("net.onnx", model.bytes(), options).network;
}

std::string lines(const OnnxModel& model, const ImportOptions& options = {}) {
    return layer_lines(read(model, options));
}

OnnxAttribute number(std::int64_t value) {
    return value;
}

OnnxAttribute word(const char* text) {
    return std::string(text);
}

/// One operator on [1, 4, 6, 5] with weights [4, 2, 3, 3].
Network one(const std::string& op, const std::vector<std::string>& more,
            const OnnxAttributes& attributes, std::int64_t opset = 17) {
    OnnxModel model(opset);
    model.input("x", {"1", "4", "6", "5"}).output("y").weights("w", {4, 2, 3, 3});
    model.integers("one", {1}, true).integers("three", {3}, true).integers("two", {2});
    std::vector<std::string> inputs = {"x"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    return read(model.node(op, inputs, {"y"}, attributes));
}

Shape shape(const Network& network, const std::string& tensor) {
    return network.tensor(network.find_tensor(tensor)).shape;
}

/// A slice of [1, 3, 7] along its last axis.
Network sliced(std::int64_t start, std::int64_t end, std::int64_t step) {
    OnnxModel model;
    model.input("x", {"1", "3", "7"}).output("y").integers("start", {start}).integers("end", {end});
    model.integers("axis", {2}).integers("step", {step});
    model.node("Slice", {"x", "start", "end", "axis", "step"}, {"s"});
    return read(model.node("Relu", {"s"}, {"y"}));
}

/// Rows of [1, 9, 4] that these indices name.
OnnxModel& add_gathered(OnnxModel& model, const Ints& indices) {
    model.input("x", {"1", "9", "4"}).output("y").integers("rows", indices);
    return model.node("Gather", {"x", "rows"}, {"g"}, {{"axis", number(1)}})
        .node("Relu", {"g"}, {"y"});
}

std::int64_t words_read(const Network& network, const std::string& layer) {
    const IterationSpace& space = network.layer(network.find_layer(layer)).space;
    return touched_words(space.operands[0].projection, space.box());
}

}  // namespace

TEST_CASE("A transposed convolution is cut to the size that is stated or stands for itself") {
    // Stride 2 and kernel 3 make 13 by 11: auto_pad leaves 12 by 10.
    const Network same =
        one("ConvTranspose", {"w"}, {{"strides", Ints{2, 2}}, {"auto_pad", word("SAME_UPPER")}});
    CHECK(shape(same, "y_node") == Shape{2, 12, 10});
    CHECK(layer_lines(same).find("padding: [0, 0, 1, 1]") != std::string::npos);
    CHECK(layer_lines(one("ConvTranspose", {"w"},
                          {{"strides", Ints{2, 2}}, {"auto_pad", word("SAME_LOWER")}}))
              .find("padding: [1, 1, 0, 0]") != std::string::npos);
    const Network stated =
        one("ConvTranspose", {"w"}, {{"strides", Ints{2, 2}}, {"output_shape", Ints{10, 12}}});
    CHECK(shape(stated, "y_node") == Shape{2, 10, 12});
    CHECK(layer_lines(stated).find("padding: [2, 0, 1, 0], output_padding: [0, 1]") !=
          std::string::npos);
    CHECK(shape(one("ConvTranspose", {"w"}, {{"auto_pad", word("VALID")}}), "y_node") ==
          Shape{2, 8, 7});
}

TEST_CASE("A slice with steps reads each place that is meant, backwards as well") {
    // Places 0, 2, 4 of the first six: parts of the input, read where they lie.
    CHECK(layer_lines(sliced(0, 6, 2)) ==
          "  - {name: s_node_part, op: slice, axis: 1, end: 6}\n"
          "  - {name: s_node_part_reshaped, op: reshape, shape: [3, 3, 2, 1]}\n"
          "  - {name: s_node, op: slice, axis: 2, end: 1}\n"
          "  - {name: y_node, op: relu}\n");
    CHECK(words_read(sliced(0, 6, 2), "y_node") == 3 * 3);
    CHECK(words_read(sliced(1, 7, 2), "y_node") == 3 * 3);      // 1, 3, 5
    CHECK(words_read(sliced(0, 7, 2), "y_node") == 3 * 4);      // 0, 2, 4 and 6, which are joined
    CHECK(words_read(sliced(-1, -99, -3), "y_node") == 3 * 3);  // 6, 3, 0
    CHECK(words_read(sliced(6, 1, -1), "y_node") == 3 * 5);     // 6 to 2
    CHECK(words_read(sliced(2, 1 << 30, 100), "y_node") == 3);
    OnnxModel none;
    none.input("x", {"1", "3", "7"}).output("y").integers("a", {0}).integers("b", {6});
    none.node("Slice", {"x", "a", "b", "a", "a"}, {"y"});
    CHECK(import_faults("net.onnx", none.bytes()) ==
          "net.onnx: error: operator Slice, node 'y_node': a step of 0");
}

TEST_CASE("Rows are gathered wherever they lie") {
    OnnxModel scattered;
    add_gathered(scattered, {7, 0, 1, 2, 7});
    CHECK(lines(scattered) ==
          "  - {name: g_node_part, op: slice, begin: 7, end: 8}\n"
          "  - {name: g_node_part_2, op: slice, inputs: [x], end: 3}\n"
          "  - {name: g_node_part_3, op: slice, inputs: [x], begin: 7, end: 8}\n"
          "  - {name: g_node, op: concat, inputs: [g_node_part, g_node_part_2, g_node_part_3]}\n"
          "  - {name: y_node, op: relu}\n");
    CHECK(shape(read(scattered), "y_node") == Shape{5, 4});
    OnnxModel even;
    add_gathered(even, {6, 4, 2, 0});
    CHECK(words_read(read(even), "y_node") == 4 * 4);
    OnnxModel computed;
    computed.input("x", {"1", "9", "4"}).input("row", {"1"}, kOnnxInt64).output("y");
    computed.node("Gather", {"x", "row"}, {"g"}, {{"axis", number(1)}});
    computed.node("Relu", {"g"}, {"y"}).declare("g", {"1", "1", "4"});
    CHECK(words_read(read(computed), "y_node") == 4);
    OnnxModel outside;
    add_gathered(outside, {0, 9});
    CHECK(import_faults("net.onnx", outside.bytes()) ==
          "net.onnx: error: operator Gather, node 'g_node': an index of 9 among 9");
}

TEST_CASE("Weights of three axes are those of as many heads") {
    OnnxModel own;
    own.input("x", {"1", "3", "5", "8"}).output("y").weights("w", {3, 8, 7});
    own.node("MatMul", {"x", "w"}, {"y"}).declare("y", {"1", "3", "5", "7"});
    const Network heads = read(own);
    CHECK(heads.macs() == 3 * 5 * 8 * 7);
    CHECK(heads.weights() == 3 * 8 * 7);
    OnnxModel all;
    all.input("x", {"1", "1", "5", "8"}).output("y").weights("w", {3, 8, 7});
    all.node("MatMul", {"x", "w"}, {"y"}).declare("y", {"1", "3", "5", "7"});
    CHECK(read(all).macs() == 3 * 5 * 8 * 7);
    CHECK(read(all).weights() == 3 * 8 * 7);
    OnnxModel equation;
    equation.input("x", {"1", "5", "3", "8"}).output("y").weights("w", {3, 8, 7});
    equation.node("Einsum", {"x", "w"}, {"y"}, {{"equation", word("bsnh,nhd->bsnd")}});
    CHECK(read(equation).macs() == 3 * 5 * 8 * 7);
}

TEST_CASE("Images are resized to any size") {
    const auto resized = [](const std::vector<double>& scales, const char* mode) {
        OnnxModel model;
        model.input("x", {"1", "4", "6", "5"}).output("y").reals("scales", scales);
        model.node("Resize", {"x", "", "scales"}, {"y"}, {{"mode", word(mode)}});
        return read(model);
    };
    CHECK(layer_lines(resized({1, 1, 1.5, 0.5}, "nearest")) ==
          "  - {name: y_node, op: resize, size: [9, 2]}\n");
    CHECK(words_read(resized({1, 1, 0.5, 0.5}, "nearest"), "y_node") == 4 * 3 * 2);
    CHECK(words_read(resized({1, 1, 0.5, 0.5}, "linear"), "y_node") == 4 * 6 * 4);
    CHECK(words_read(resized({1, 1, 1.5, 1.5}, "linear"), "y_node") == 4 * 6 * 5);
    CHECK(resized({1, 1, 2, 2}, "cubic").vector_operations() == 4 * 12 * 10 * 16 * 2);
    OnnxModel smooth(18);
    smooth.input("x", {"1", "4", "6", "5"}).output("y").reals("half", {1, 1, 0.5, 0.5});
    smooth.node("Resize", {"x", "", "half"}, {"y"},
                {{"mode", word("linear")}, {"antialias", number(1)}});
    CHECK(import_faults("net.onnx", smooth.bytes()) ==
          "net.onnx: error: unsupported operator Resize, node 'y_node': antialias: means over all "
          "of a smaller image's parts");
}

TEST_CASE("Plain cells are read, and states before the first step are inputs of any cells") {
    OnnxModel plain;
    plain.input("x", {"20", "1", "16"}).output("y").weights("w", {1, 8, 16});
    plain.weights("r", {1, 8, 8}).weights("b", {1, 16});
    plain.node("RNN", {"x", "w", "r", "b"}, {"y"}, {{"hidden_size", number(8)}});
    CHECK(lines(plain) == "  - {name: y_node, op: rnn, hidden: 8}\n");
    CHECK(read(plain).macs() == 20 * 8 * 16 + 19 * 8 * 8);
    OnnxModel stream;
    stream.input("x", {"1", "1", "16"}).input("h", {"2", "1", "8"}).input("c", {"2", "1", "8"});
    stream.output("y").output("hn").output("cn").weights("w", {2, 32, 16}).weights("r", {2, 32, 8});
    stream.node("LSTM", {"x", "w", "r", "", "", "h", "c"}, {"y", "hn", "cn"},
                {{"hidden_size", number(8)}, {"direction", word("bidirectional")}});
    CHECK(read(stream).macs() == 2 * (32 * 16 + 32 * 8));
    // A state of zeros is none: one step has no recurrent product.
    OnnxModel zeros;
    zeros.input("x", {"1", "1", "16"}).output("y").weights("w", {1, 24, 16});
    zeros.weights("r", {1, 24, 8}).integers("shape", {1, 1, 8});
    zeros.node("ConstantOfShape", {"shape"}, {"h"});
    zeros.node("GRU", {"x", "w", "r", "", "", "h"}, {"y"}, {{"hidden_size", number(8)}});
    CHECK(read(zeros).macs() == 24 * 16);
    OnnxModel trained;
    trained.input("x", {"1", "1", "16"}).output("y").weights("w", {1, 24, 16});
    trained.weights("r", {1, 24, 8}).reals("start", {1, 2, 3, 4, 5, 6, 7, 8});
    trained.integers("shape", {1, 1, 8}).node("Reshape", {"start", "shape"}, {"h"});
    trained.node("GRU", {"x", "w", "r", "", "", "h"}, {"y"}, {{"hidden_size", number(8)}});
    CHECK(read(trained).macs() == 24 * 16 + 24 * 8);
}

TEST_CASE("Doubles are read as fp32, and a note says so") {
    OnnxModel model;
    model.input("x", {"1", "8"}, 11).output("y").weights("w", {8, 4}, 11);
    model.node("MatMul", {"x", "w"}, {"y"});
    const auto read = imported("net.onnx", model.bytes());
    CHECK(read.network.layers()[0].precision.weights == Precision::fp32);
    REQUIRE(read.notes.size() == 1);
    CHECK(read.notes[0] == "2 tensors of fp64 are taken for fp32");
}

TEST_CASE("Sequences with the steps in front have their batch behind") {
    OnnxModel model;
    model.input("x", {"5", "3", "16"}).output("y").weights("w", {1, 32, 16});
    model.weights("r", {1, 32, 8}).integers("axis", {1}).weights("v", {8, 2});
    model.node("LSTM", {"x", "w", "r"}, {"all"}, {{"hidden_size", number(8)}});
    model.node("Squeeze", {"all", "axis"}, {"flat"}).node("Tanh", {"flat"}, {"t"});
    model.node("MatMul", {"t", "v"}, {"y"}).declare("y", {"5", "3", "2"});
    const ImportedNetwork three = imported("net.onnx", model.bytes());
    CHECK(three.network.macs() == 5 * 32 * 16 + 4 * 32 * 8 + 5 * 8 * 2);
    CHECK(shape(three.network, "y_node") == Shape{5, 2});
    CHECK(notes(three) ==
          "the model has a batch of 3: the network is of one item, run it with --batch 3\n");
}

TEST_CASE("An initialiser that several nodes read is counted once") {
    OnnxModel convolutions;
    convolutions.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 3, 3});
    convolutions.weights("b", {4}).weights("other", {4});
    const OnnxAttributes padded = {{"pads", Ints{1, 1, 1, 1}}};
    convolutions.node("Conv", {"x", "w", "b"}, {"a"}, padded);
    convolutions.node("Conv", {"a", "w", "b"}, {"c"}, padded);
    convolutions.node("Conv", {"c", "w", "other"}, {"y"}, padded);
    const Network shared = read(convolutions);
    CHECK(shared.macs() == 3 * 36 * 4 * 36);
    CHECK(shared.weights() == 4 * 36);
    CHECK(shared.parameters() == 4 * 36 + 2 * 4);
    OnnxModel cells;
    cells.input("x", {"6", "1", "8"}).output("y").weights("w", {1, 32, 8}).weights("r", {1, 32, 8});
    cells.weights("b", {1, 64}).integers("axis", {1});
    cells.node("LSTM", {"x", "w", "r", "b"}, {"s"}, {{"hidden_size", number(8)}});
    cells.node("Squeeze", {"s", "axis"}, {"z"});
    cells.node("LSTM", {"z", "w", "r", "b"}, {"y"}, {{"hidden_size", number(8)}});
    CHECK(read(cells).macs() == 2 * (6 * 32 * 8 + 5 * 32 * 8));
    CHECK(read(cells).weights() == 32 * 8 + 32 * 8);
    CHECK(read(cells).parameters() == 32 * 8 + 32 * 8 + 32);
}

TEST_CASE("Norms over windows, planes and axes are powers, sums and roots") {
    CHECK(layer_lines(one("LpPool", {}, {{"kernel_shape", Ints{2, 1}}})) ==
          "  - {name: y_node_each, op: mul, inputs: [x, x]}\n"
          "  - {name: y_node, op: average_pool, kernel: [2, 1]}\n"
          "  - {name: y_node_root, op: sqrt}\n");
    CHECK(layer_lines(one("GlobalLpPool", {}, {{"p", number(1)}})) ==
          "  - {name: y_node_each, op: abs}\n"
          "  - {name: y_node, op: global_pool}\n");
    CHECK(layer_lines(one("LpNormalization", {}, {{"p", number(1)}})) ==
          "  - {name: y_node_each, op: abs}\n"
          "  - {name: y_node_sum, op: reduce_sum, axes: [2]}\n"
          "  - {name: y_node, op: div, inputs: [x, y_node_sum]}\n");
    CHECK(layer_lines(one("Hardmax", {}, {})) ==
          "  - {name: y_node_largest, op: reduce_max, axes: [2]}\n"
          "  - {name: y_node, op: compare, inputs: [x, y_node_largest]}\n");
    CHECK(layer_lines(one("MeanVarianceNormalization", {}, {})) ==
          "  - {name: y_node, op: instance_norm}\n");
    CHECK(layer_lines(one("ReduceProd", {}, {{"axes", Ints{1}}})) ==
          "  - {name: y_node, op: reduce_sum, axes: [0]}\n");
    CHECK(layer_lines(one("ReduceLogSum", {}, {{"axes", Ints{1}}})) ==
          "  - {name: y_node, op: reduce_sum, axes: [0]}\n"
          "  - {name: y_node_root, op: log}\n");
}

TEST_CASE("Running sums, angles, codes and questions are operations of each element") {
    CHECK(one("CumSum", {"one"}, {}).vector_operations() == 4 * 6 * 5);
    CHECK(layer_lines(one("Atan", {}, {})) == "  - {name: y_node, op: sin}\n");
    CHECK(layer_lines(one("IsNaN", {}, {})) == "  - {name: y_node, op: compare, constant: [1]}\n");
    CHECK(layer_lines(one("Mod", {"three"}, {{"fmod", number(1)}})) ==
          "  - {name: y_node, op: div, constant: [1]}\n");
    OnnxModel code;
    code.input("x", {"1", "6"}, kOnnxInt64).output("y").integers("depth", {10}, true);
    code.reals("values", {0, 1}).node("OneHot", {"x", "depth", "values"}, {"y"});
    code.declare("y", {"1", "6", "10"});
    CHECK(read(code).vector_operations() == 60);
}

TEST_CASE("Constants that are computed on the way need only their shape") {
    OnnxModel model;
    model.input("x", {"1", "1", "5", "5"}).output("y").weights("table", {1, 1, 64, 64});
    model.integers("none", {0, 0}).integers("five", {5, 5}).integers("axes", {2, 3});
    model.integers("zero", {0}, true).integers("one", {1}, true).integers("many", {100'000}, true);
    model.node("Slice", {"table", "none", "five", "axes"}, {"mask"});
    model.declare("mask", {"1", "1", "5", "5"}).node("Add", {"x", "mask"}, {"a"});
    model.node("Range", {"zero", "many", "one"}, {"places"}).declare("places", {"100000"});
    model.node("Gather", {"places", "five"}, {"two"}).declare("two", {"2"});
    model.node("Concat", {"two", "two"}, {"four"}, {{"axis", number(0)}}).declare("four", {"4"});
    model.input("z", {"1", "4"}).node("Add", {"z", "four"}, {"s"}).output("s");
    model.node("Relu", {"a"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: a_node, op: add, inputs: [x], constant: [1, 5, 5]}\n"
          "  - {name: s_node, op: add, inputs: [z], constant: [4]}\n"
          "  - {name: y_node, op: relu, inputs: [a_node]}\n");
}

TEST_CASE("Constants among joined activations are paddings of one of them") {
    OnnxModel model;
    model.input("x", {"1", "3", "4"}).input("z", {"1", "2", "4"}).output("y");
    model.weights("first", {1, 1, 4}).weights("last", {1, 5, 4});
    model.node("Concat", {"first", "x", "z", "last"}, {"y"}, {{"axis", number(1)}});
    CHECK(lines(model) ==
          "  - {name: y_node, op: pad, inputs: [x], padding: [1, 0, 0, 0]}\n"
          "  - {name: y_node_2, op: pad, inputs: [z], padding: [0, 0, 5, 0]}\n"
          "  - {name: y_node_3, op: concat, inputs: [y_node, y_node_2]}\n");
}

TEST_CASE("A convolution with a sum fused into it, and joined quantised tensors, are taken apart") {
    OnnxModel fused;
    fused.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1}).weights("b", {4});
    fused.node("FusedConv", {"x", "w", "b", "x"}, {"y"}, {{"activation", word("Relu")}},
               "com.microsoft");
    CHECK(lines(fused) ==
          "  - {name: y_node, op: conv, out_channels: 4, kernel: 1}\n"
          "  - {name: y_node_sum, op: add, inputs: [y_node, x]}\n"
          "  - {name: y_node_relu, op: relu}\n");
    OnnxModel joined;
    joined.input("a", {"1", "4"}, kOnnxUint8).input("b", {"1", "6"}, kOnnxUint8).output("y");
    joined.real("s", 1).weights("z", {}, kOnnxUint8);
    joined.node("QLinearConcat", {"s", "z", "a", "s", "z", "b", "s", "z"}, {"y"},
                {{"axis", number(1)}}, "com.microsoft");
    CHECK(lines(joined) == "  - {name: y_node, op: concat, inputs: [a, b]}\n");
}

}  // namespace memwall
