// SPDX-License-Identifier: Apache-2.0
// Attention as PyTorch's exporter spells it out: masks made of constants, queries, keys and values
// of one product, sequences with the steps in front.
#include <catch2/catch.hpp>

#include "tests/workloads/importers/imported_onnx.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("A causal mask that constants make is one constant beside the scores") {
    OnnxModel model;
    model.input("q", {"batch", "4", "seq", "16"}).input("k", {"batch", "4", "16", "seq"});
    model.output("y").real("one", 1).real("zero", 0).real("never", -1e30);
    model.integers("places", {2}).integers("end", {3});
    model.node("MatMul", {"q", "k"}, {"scores"}).node("Shape", {"q"}, {"shape"});
    model.node("Slice", {"shape", "places", "end"}, {"seq"});
    model.node("Concat", {"seq", "seq"}, {"square"}, {{"axis", std::int64_t{0}}});
    model.node("Expand", {"one", "square"}, {"ones"});
    model.node("Trilu", {"ones"}, {"lower"}, {{"upper", std::int64_t{0}}});
    model.node("Equal", {"lower", "zero"}, {"hidden"});
    model.node("Where", {"hidden", "never", "zero"}, {"mask"});
    model.node("Add", {"scores", "mask"}, {"seen"}).node("Softmax", {"seen"}, {"y"});
    ImportOptions options;
    // More positions than a constant keeps numbers of are read the same way.
    for (const std::int64_t steps : {8, 100}) {
        options.dims = {{"seq", steps}};
        const std::string size = std::to_string(steps);
        CHECK(lines(model, options) ==
              "  - {name: scores_node, op: matmul, inputs: [q, k]}\n"
              "  - {name: seen_node, op: add, constant: [1, " +
                  size + ", " + size +
                  "]}\n"
                  "  - {name: y_node, op: softmax}\n");
    }
}

TEST_CASE("A part of a mask that the model keeps is chosen by, without layers of its own") {
    OnnxModel model;
    model.input("scores", {"batch", "4", "8", "8"}).output("y").weights("kept", {1, 1, 64, 64}, 9);
    model.real("zero", 0).real("never", -1e30).integers("none", {0, 0}).integers("steps", {8, 8});
    model.integers("axes", {2, 3});
    model.node("Slice", {"kept", "none", "steps", "axes"}, {"part"});
    model.node("Cast", {"part"}, {"number"}, {{"to", std::int64_t{1}}});
    model.node("Equal", {"number", "zero"}, {"hidden"});
    model.node("Where", {"hidden", "never", "scores"}, {"y"});
    CHECK(lines(model) == "  - {name: y_node, op: where, constant: [1, 8, 8]}\n");
}

TEST_CASE(
    "Whatever reads constants alone makes a constant, of the shape that it makes of tensors") {
    OnnxModel model;
    model.input("x", {"1", "6", "5"}).output("y").weights("a", {6, 4}).weights("b", {4, 5});
    model.weights("c", {6, 1});
    model.node("MatMul", {"a", "b"}, {"ab"}).node("Softmax", {"ab"}, {"soft"});
    model.node("Neg", {"soft"}, {"less"}).node("Not", {"c"}, {"not"});
    model.node("And", {"less", "not"}, {"all"});
    model.node("ReduceMax", {"all"}, {"most"}, {{"axes", Ints{0}}});
    model.node("Mul", {"x", "all"}, {"first"}).node("Add", {"first", "most"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: first_node, op: mul, constant: [6, 5]}\n"
          "  - {name: y_node, op: add, constant: [1, 5]}\n");
    OnnxModel wrong;
    wrong.input("x", {"1", "6"}).output("y").weights("a", {5}).weights("b", {4});
    wrong.node("Equal", {"a", "b"}, {"c"}).node("Where", {"c", "x", "x"}, {"y"});
    CHECK(faults(wrong) ==
          "net.onnx: error: operator Equal, node 'c_node': shapes do not meet: [5] and [4]");
}

TEST_CASE("Queries, keys and values of one product are parts of it where its words lie") {
    // [batch, steps, 3 * 4 * 16], moved so that the three are in front, then taken one by one.
    const auto make = [](OnnxModel& model, const std::string& batch, bool split) {
        model.input("x", {batch, "17", "64"}).output("y").weights("w", {64, 192});
        model.integers("apart", {0, 17, 3, 4, 16}).integers("front", {0});
        model.node("MatMul", {"x", "w"}, {"qkv"}).node("Reshape", {"qkv", "apart"}, {"parts"});
        model.node("Transpose", {"parts"}, {"moved"}, {{"perm", Ints{2, 0, 3, 1, 4}}});
        const std::vector<std::string> names = {"q", "k", "v"};
        if (split) {
            model.node("Split", {"moved"}, {"q1", "k1", "v1"}, {{"axis", std::int64_t{0}}});
        }
        for (std::size_t n = 0; n < names.size(); ++n) {
            const std::string index = "at_" + names[n];
            model.integers(index, {static_cast<std::int64_t>(n)}, true);
            split ? model.node("Squeeze", {names[n] + "1", "front"}, {names[n]})
                  : model.node("Gather", {"moved", index}, {names[n]}, {{"axis", std::int64_t{0}}});
        }
        model.node("Transpose", {"k"}, {"back"}, {{"perm", Ints{0, 1, 3, 2}}});
        model.node("MatMul", {"q", "back"}, {"a"}).node("MatMul", {"a", "v"}, {"y"});
    };
    for (const std::string batch : {"batch", "1", "2"}) {
        for (const bool split : {false, true}) {
            OnnxModel model;
            make(model, batch, split);
            const std::string text = lines(model);
            INFO(batch << text);
            CHECK(text.find("qkv_node_reshaped, op: reshape, shape: [17, 3, 4, 16]}\n") !=
                  std::string::npos);
            CHECK(text.find("op: slice, axis: 1, end: 1}\n") != std::string::npos);
            CHECK(text.find("inputs: [qkv_node_reshaped], axis: 1, begin: 2}\n") !=
                  std::string::npos);
            const Network network = imported("net.onnx", model.bytes()).network;
            CHECK(network.macs() == 17 * 64 * 192 + 2 * 4 * 17 * 17 * 16);
        }
    }
}

TEST_CASE("Queries, keys and values of windows are parts of a product as well") {
    // Four windows of 16 places in each image: one item of the product has five axes.
    OnnxModel model;
    model.input("x", {"batch", "8", "8", "32"}).output("y").weights("w", {32, 96});
    model.integers("cut", {-1, 2, 4, 2, 4, 32}).integers("windows", {-1, 16, 32});
    model.integers("apart", {-1, 16, 3, 4, 8}).integers("at", {1}, true);
    model.node("Reshape", {"x", "cut"}, {"a"});
    model.node("Transpose", {"a"}, {"b"}, {{"perm", Ints{0, 1, 3, 2, 4, 5}}});
    model.node("Reshape", {"b", "windows"}, {"c"}).node("MatMul", {"c", "w"}, {"qkv"});
    model.node("Reshape", {"qkv", "apart"}, {"d"});
    model.node("Transpose", {"d"}, {"e"}, {{"perm", Ints{2, 0, 3, 1, 4}}});
    model.node("Gather", {"e", "at"}, {"k"}, {{"axis", std::int64_t{0}}});
    model.node("Softmax", {"k"}, {"y"});
    const std::string text =
        "  - {name: x_reshaped, op: reshape, shape: [2, 4, 2, 128]}\n"
        "  - {name: x_transposed, op: transpose, order: [0, 2, 1, 3]}\n"
        "  - {name: x_transposed_reshaped, op: reshape, shape: [64, 32]}\n"
        "  - {name: qkv_node, op: linear, out_features: 96, bias: false}\n"
        "  - {name: qkv_node_reshaped, op: reshape, shape: [64, 3, 32]}\n"
        "  - {name: k_node, op: slice, axis: 1, begin: 1, end: 2}\n"
        "  - {name: k_node_reshaped, op: reshape, shape: [4, 16, 4, 8]}\n"
        "  - {name: k_node_transposed, op: transpose, order: [0, 2, 1, 3]}\n"
        "  - {name: y_node, op: softmax}\n";
    CHECK(lines(model) == text);
    ImportOptions two;
    two.batch = 2;
    CHECK(lines(model, two) == text);
    // The windows are a copy; heads are read where they lie.
    CHECK(notes(imported("net.onnx", model.bytes()))
              .find("1 transposition costs nothing: the layers around read or write in the other "
                    "order; "
                    "1 transposition is a copy") != std::string::npos);
}

TEST_CASE("Attention of one sequence with its steps in front is read across them") {
    // MultiheadAttention of [steps, 1, features]: its queries beside themselves.
    const auto make = [](OnnxModel& model, const std::string& items, bool attends) {
        model.input("x", {"10", items, "64"}).output("y").weights("w", {64, 64});
        model.integers("heads", {10, 4, 16});
        model.node("MatMul", {"x", "w"}, {"p"});
        if (!attends) {
            model.node("Relu", {"p"}, {"y"});
            return;
        }
        model.node("Reshape", {"p", "heads"}, {"r"});
        model.node("Transpose", {"r"}, {"q"}, {{"perm", Ints{1, 0, 2}}});
        model.node("Transpose", {"r"}, {"k"}, {{"perm", Ints{1, 2, 0}}});
        model.node("MatMul", {"q", "k"}, {"a"}).node("Softmax", {"a"}, {"y"});
    };
    OnnxModel model;
    make(model, "1", true);
    const ImportedNetwork read = imported("net.onnx", model.bytes());
    CHECK(read.network.macs() == 10 * 64 * 64 + 4 * 10 * 10 * 16);
    CHECK(notes(read).find("the first axis of input 'x' has the steps of one item: nodes work "
                           "across it\n") != std::string::npos);
    OnnxModel open;
    make(open, "items", true);
    ImportOptions one;
    one.dims = {{"items", 1}};
    CHECK(lines(open, one) == layer_lines(read.network));
    // Where nothing works across the first axis it is the batch.
    OnnxModel batch;
    make(batch, "1", false);
    CHECK(imported("net.onnx", batch.bytes()).network.macs() == 64 * 64);
}

namespace {

/// One attention of a decoder with past_key_values: its new keys behind those of `past`, given back
/// as `present`.
void add_decoder(OnnxModel& model, const std::string& key, const std::string& present) {
    model.input("x", {"batch", "seq", "32"}).input(key, {"batch", "2", "before", "16"});
    model.output("y").output(present).weights("wq", {32, 32}).weights("wk", {32, 32});
    model.integers("heads", {0, 0, 2, 16}).integers("joined", {0, 0, 32});
    for (const std::string name : {"q", "k"}) {
        model.node("MatMul", {"x", "w" + name}, {name + "0"});
        model.node("Reshape", {name + "0", "heads"}, {name + "1"});
        model.node("Transpose", {name + "1"}, {name + "2"}, {{"perm", Ints{0, 2, 1, 3}}});
    }
    model.node("Concat", {key, "k2"}, {present}, {{"axis", std::int64_t{2}}});
    model.node("Transpose", {present}, {"kt"}, {{"perm", Ints{0, 1, 3, 2}}});
    model.node("MatMul", {"q2", "kt"}, {"s"}).node("Softmax", {"s"}, {"p"});
    model.node("MatMul", {"p", present}, {"o"});
    model.node("Transpose", {"o"}, {"o1"}, {{"perm", Ints{0, 2, 1, 3}}});
    model.node("Reshape", {"o1", "joined"}, {"y"});
}

}  // namespace

TEST_CASE("Keys of earlier positions that a decoder gets and gives back are a cache") {
    OnnxModel model;
    add_decoder(model, "past_key", "present");
    ImportOptions options;
    options.dims = {{"seq", 1}, {"before", 100}};
    const ImportedNetwork step = imported("net.onnx", model.bytes(), options);
    const Tensor& cache = step.network.tensor(step.network.find_tensor("present_node"));
    CHECK(cache.kind == TensorKind::state);
    CHECK(cache.shape == Shape{2, 101, 16});
    CHECK(step.network.inputs().size() == 1);
    CHECK(step.network.state_bytes() == Bytes(2 * 101 * 16 * 4));
    CHECK(step.network.macs() == 2 * 32 * 32 + 2 * 2 * 101 * 16);
    CHECK(notes(step).find("1 input with keys or values of earlier positions is a cache") !=
          std::string::npos);
    // Nothing is there before a prompt.
    options.dims = {{"seq", 7}, {"before", 0}};
    const Network prompt = imported("net.onnx", model.bytes(), options).network;
    CHECK(prompt.tensor(prompt.find_tensor("present_node")).shape == Shape{2, 7, 16});
    CHECK(prompt.inputs().size() == 1);
    CHECK(prompt.macs() == 2 * 7 * 32 * 32 + 2 * 2 * 7 * 7 * 16);
}

TEST_CASE("By other names it takes an output that is read again to be a cache, and no size of 0") {
    ImportOptions options;
    options.dims = {{"seq", 2}, {"before", 3}};
    OnnxModel other;
    add_decoder(other, "k_in", "k_out");
    CHECK(lines(other, options).find("op: cache, context: 3") != std::string::npos);
    OnnxModel skip;
    skip.input("a", {"1", "3", "4"}).input("b", {"1", "2", "4"}).output("y");
    skip.node("Relu", {"b"}, {"c"}).node("Concat", {"a", "c"}, {"y"}, {{"axis", std::int64_t{1}}});
    CHECK(lines(skip).find("op: concat") != std::string::npos);
    OnnxModel empty;
    empty.input("x", {"1", "n"}).output("y").node("Relu", {"x"}, {"y"});
    options.dims = {{"n", 0}};
    CHECK(faults(empty, options) ==
          "net.onnx: error: input 'x': a tensor of shape [1, 0] has no words");
}

}  // namespace memwall
