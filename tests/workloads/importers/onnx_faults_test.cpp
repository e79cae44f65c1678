// SPDX-License-Identifier: Apache-2.0
// Models that contradict themselves, and what is left out of those that cannot be read whole.
#include <catch2/catch.hpp>

#include <cmath>

#include "tests/workloads/importers/imported_onnx.hpp"
#include "workloads/network_export.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

/// A convolution of 8 filters of 3 by 3 on [1, 3, 8, 8]; c has shape [1, 8, 6, 6].
OnnxModel& add_convolution(OnnxModel& model, const OnnxAttributes& attributes = {}) {
    model.input("x", {"N", "3", "8", "8"}).output("y").weights("w", {8, 3, 3, 3});
    return model.node("Conv", {"x", "w"}, {"c"}, attributes).node("Relu", {"c"}, {"y"});
}

}  // namespace

TEST_CASE("A stated kernel has to be that of the weights") {
    OnnxModel sound;
    add_convolution(sound, {{"kernel_shape", Ints{3, 3}}});
    CHECK(faults(sound).empty());
    OnnxModel wrong;
    add_convolution(wrong, {{"kernel_shape", Ints{5, 5}}});
    const std::string line =
        "net.onnx: error: operator Conv, node 'c_node': kernel_shape [5, 5], but weights of [3, 3]";
    CHECK(faults(wrong) == line);
    OnnxModel transposed;
    transposed.input("x", {"1", "3", "8", "8"}).output("y").weights("w", {3, 8, 3, 3});
    transposed.node("ConvTranspose", {"x", "w"}, {"y"}, {{"kernel_shape", Ints{3, 2}}});
    CHECK(faults(transposed) ==
          "net.onnx: error: operator ConvTranspose, node 'y_node': kernel_shape [3, 2], but "
          "weights of [3, 3]");
}

TEST_CASE("A declared shape that differs in a known size is one fault with both shapes") {
    OnnxModel named;
    add_convolution(named)
        .declare("c", {"N", "8", "height", ""})
        .declare("y", {"N", "8", "6", "6"});
    CHECK(faults(named).empty());
    OnnxModel size;
    add_convolution(size).declare("y", {"N", "8", "99", "6"});
    CHECK(faults(size) ==
          "net.onnx: error: operator Relu, node 'y_node': its result 'y' is declared as [N, 8, 99, "
          "6], but has shape [1, 8, 6, 6]");
    CHECK(faults(size, skipping()) == faults(size));
    OnnxModel rank;
    add_convolution(rank).declare("c", {"8", "6", "6"});
    CHECK(faults(rank) ==
          "net.onnx: error: operator Conv, node 'c_node': its result 'c' is declared as [8, 6, 6], "
          "but has shape [1, 8, 6, 6]");
    // Another batch than the model is read with.
    OnnxModel batch;
    add_convolution(batch).declare("c", {"4", "8", "6", "6"}).declare("y", {"4", "8", "6", "6"});
    CHECK(faults(batch) ==
          "net.onnx: error: operator Conv, node 'c_node': its result 'c' is declared as [4, 8, 6, "
          "6], but has shape [1, 8, 6, 6]");
    ImportOptions four;
    four.batch = 4;
    CHECK(faults(batch, four).empty());
}

TEST_CASE("A declared shape of an initialiser has to be that of its tensor") {
    OnnxModel model;
    add_convolution(model).input("w", {"8", "3", "5", "3"});
    CHECK(faults(model) ==
          "net.onnx: error: initialiser 'w' is declared as [8, 3, 5, 3], but has shape [8, 3, 3, "
          "3]");
}

TEST_CASE("A declared output that nobody makes is a fault") {
    OnnxModel model;
    add_convolution(model).output("nowhere");
    CHECK(faults(model) == "net.onnx: error: nothing makes its output 'nowhere'");
}

TEST_CASE("No layer computes with strings") {
    OnnxModel model;
    model.input("x", {"1", "4"}, kOnnxText).output("y").node("Relu", {"x"}, {"y"});
    CHECK(faults(model) ==
          "net.onnx: error: unsupported operator Relu, node 'y_node': its input 'x' is of strings");
}

TEST_CASE("Elements of a type that no layer computes with are refused by its name") {
    const auto read_as = [](int type) {
        OnnxModel model;
        model.input("x", {"1", "4"}, type).output("y").node("Relu", {"x"}, {"y"});
        return faults(model);
    };
    const std::string input =
        "net.onnx: error: unsupported operator Relu, node 'y_node': its input 'x' is of ";
    CHECK(read_as(0) == input + "no element type");
    CHECK(read_as(14) == input + "complex64 numbers");
    CHECK(read_as(15) == input + "complex128 numbers");
    CHECK(read_as(23) == input + "float4e2m1 numbers");
    CHECK(read_as(24) == input + "float8e8m0 numbers");
    CHECK(read_as(99) == input + "element type 99, which this program does not know");
    for (const int type : {1, 2, 3, 6, 7, 9, 10, 11, 13, 16, 17, 20, 22}) {
        CHECK(read_as(type).empty());
    }
    OnnxModel weights;
    weights.input("x", {"1", "4"}).output("y").weights("w", {4, 4}, 23);
    weights.node("MatMul", {"x", "w"}, {"y"});
    CHECK(faults(weights) ==
          "net.onnx: error: unsupported operator MatMul, node 'y_node': its input 'w' is of "
          "float4e2m1 numbers");
    OnnxModel constants;
    constants.input("x", {"1", "4"})
        .output("y")
        .output("c")
        .weights("a", {4}, 14)
        .weights("b", {4}, 14);
    constants.node("Mul", {"a", "b"}, {"c"}).node("Cast", {"x"}, {"y"}, {{"to", std::int64_t{8}}});
    CHECK(faults(constants) ==
          "net.onnx: error: unsupported operator Mul, node 'c_node': its input 'a' is of complex64 "
          "numbers\n"
          "net.onnx: error: unsupported operator Cast, node 'y_node': a cast to strings");
}

TEST_CASE("A batch of 0 is not taken for one that was left open") {
    OnnxModel model;
    model.input("x", {"0", "3"}).output("y").node("Relu", {"x"}, {"y"});
    CHECK(faults(model) ==
          "net.onnx: error: input 'x': axis 0 has a size of 0; give it one with --set-dim "
          "x.0=SIZE");
    ImportOptions two;
    two.batch = 2;
    CHECK(faults(model, two).empty());
}

TEST_CASE("A scale that makes no size is told as it stands") {
    const auto scaled = [](double scale) {
        OnnxModel model;
        model.input("x", {"1", "3", "8", "8"}).output("y").reals("scales", {1, 1, 2, scale});
        return faults(model.node("Resize", {"x", "", "scales"}, {"y"}));
    };
    const std::string node = "net.onnx: error: unsupported operator Resize, node 'y_node': ";
    CHECK(scaled(std::nan("")) == node + "a scale of nan along axis 3");
    CHECK(scaled(std::ldexp(1, 40)) == node + "a scale of 1099511627776 along axis 3");
    CHECK(scaled(0.03125) == node + "a scale of 0.03125 along axis 3");
    CHECK(scaled(0.5).empty());
}

TEST_CASE("A division by 0 in the arithmetic of shapes is a fault") {
    OnnxModel model;
    model.input("x", {"2", "6"}).output("y").integers("zero", {0}).integers("one", {1});
    model.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "one"}, {"six"});
    model.node("Div", {"six", "zero"}, {"d"}).node("Reshape", {"x", "d"}, {"y"});
    CHECK(faults(model) == "net.onnx: error: operator Div, node 'd_node': a division of 6 by 0");
}

TEST_CASE("Arithmetic on shapes keeps the axes of its numbers") {
    OnnxModel model;
    model.input("x", {"1", "6"}).output("y").integers("axes", {1, 0}).integers("pair", {2, 3});
    model.integers("scalar", {2}, true).integers("open", {-1}).integers("at", {0});
    model.node("Unsqueeze", {"scalar", "axes"}, {"two"}).declare("two", {"1", "1"});
    model.node("Mul", {"pair", "two"}, {"row"}).declare("row", {"1", "2"});
    model.node("Squeeze", {"row", "at"}, {"sizes"}).declare("sizes", {"2"});
    model.node("Concat", {"open", "sizes"}, {"shape"}, {{"axis", std::int64_t{0}}});
    model.input("z", {"1", "24"}).node("Reshape", {"z", "shape"}, {"v"});
    model.declare("v", {"1", "4", "6"}).node("Add", {"v", "x"}, {"y"});
    CHECK(faults(model).empty());
}

TEST_CASE("What a layer cannot be is told with its node, and left out where that is asked for") {
    // The padding is as large as the window.
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    model.node("AveragePool", {"x"}, {"p"},
               {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{2, 2, 2, 2}}});
    model.node("Conv", {"p", "w"}, {"y"});
    const std::string why =
        "unsupported operator AveragePool, node 'p_node': the padding is as large as the window: "
        "some results would have nothing but padding";
    CHECK(faults(model) == "net.onnx: error: " + why);
    const ImportedNetwork kept = imported("net.onnx", model.bytes(), skipping());
    CHECK(layer_lines(kept.network) ==
          "  - {name: y_node, op: conv, out_channels: 4, kernel: 1, bias: false}\n");
    CHECK(kept.network.tensor(kept.network.find_tensor("p")).shape == Shape{4, 9, 9});
    CHECK(notes(kept) == "left out: " + why + "\n");
}

TEST_CASE("A model at which ONNX's own inference crashes is read all the same") {
    // It takes the result of Det, of two axes, for an image.
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    model.node("Relu", {"x"}, {"r"}).node("Det", {"r"}, {"d"}).node("Conv", {"d", "w"}, {"y"});
    const ImportedNetwork kept = imported("net.onnx", model.bytes(), skipping());
    CHECK(layer_lines(kept.network) == "  - {name: r_node, op: relu}\n");
}

TEST_CASE("Where nothing is left, what was left out is told") {
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").node("NonZero", {"x"}, {"a"});
    model.node("Fancy", {"a"}, {"y"}, {}, "made.up");
    CHECK(faults(model, skipping()) ==
          "net.onnx: error: nothing is left of it without what is left out:\n"
          "net.onnx: error: unsupported operator NonZero, node 'a_node'\n"
          "net.onnx: error: unsupported operator made.up.Fancy, node 'y_node'");
}

TEST_CASE("Of an operator that cannot be read whole no part is kept") {
    // The product could be read, the sum of an activation in it not.
    OnnxModel model;
    model.input("x", {"1", "4"}).input("z", {"1", "6"}).output("y").weights("w", {4, 6});
    model.node("Gemm", {"x", "w", "z"}, {"g"}).node("Relu", {"g"}, {"y"});
    CHECK(layer_lines(imported("net.onnx", model.bytes(), skipping()).network) ==
          "  - {name: y_node, op: relu}\n");
}

TEST_CASE("A model of many long cells is refused by one line before its cells are unrolled") {
    OnnxModel model;
    model.input("x", {"9000", "1", "4"}).output("y");
    model.weights("w", {1, 16, 4}).weights("r", {1, 16, 4}).integers("axes", {1});
    std::string read = "x";
    for (int cell = 1; cell <= 40; ++cell) {
        const std::string name = "c" + std::to_string(cell);
        const std::string next = cell == 40 ? "y" : "s" + std::to_string(cell);
        model.node("LSTM", {read, "w", "r"}, {name}, {{"hidden_size", std::int64_t{4}}});
        model.node("Squeeze", {name, "axes"}, {next});
        read = next;
    }
    const std::string line =
        "net.onnx: error: more than 200,000 layers at operator LSTM, node 'c5_node', each step of "
        "a cell and each part of an attention counted";
    CHECK(faults(model) == line);
    CHECK(faults(model, skipping()) == line);
}

TEST_CASE("A name that is no UTF-8 becomes one that a network file can have") {
    OnnxModel model;
    model.input("x\xff", {"1", "4"}).output("y\xc3").node("Relu", {"x\xff"}, {"y\xc3"});
    const std::string text = network_text(imported("net.onnx", model.bytes()).network);
    CHECK(text.find("x_: ") != std::string::npos);
    CHECK(text.find("name: y__node") != std::string::npos);
}

}  // namespace memwall
