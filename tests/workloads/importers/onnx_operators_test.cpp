// SPDX-License-Identifier: Apache-2.0
// Operators that transformers of today are exported with: masks, repeated heads, fused attention,
// sums over axes, functions of each element.
#include <catch2/catch.hpp>

#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

constexpr const char* kMicrosoft = "com.microsoft";

Network read(const OnnxModel& model, const ImportOptions& options = {}) {
    return imported("net.onnx", model.bytes(), options).network;
}

std::string lines(const OnnxModel& model) {
    return layer_lines(read(model));
}

OnnxAttribute number(std::int64_t value) {
    return value;
}

/// One operator on [1, 3, 4, 6].
std::string one(const std::string& op, const std::vector<std::string>& more = {},
                const OnnxAttributes& attributes = {}) {
    OnnxModel model;
    model.input("x", {"1", "3", "4", "6"}).input("z", {"1", "3", "1", "6"}).output("y");
    model.integers("last", {-1}).integers("times", {1, 1, 2, 1}).integers("wide", {1, 3, 4, 6});
    model.real("half", 0.5).real("three", 3).weights("mask", {1, 1, 4, 6}, kOnnxInt8);
    std::vector<std::string> inputs = {"x"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    model.node(op, inputs, {"y"}, attributes);
    return lines(model);
}

/// Keys of two heads, each read by three heads of queries, as exporters repeat them.
OnnxModel& add_repeated_keys(OnnxModel& model) {
    model.input("q", {"1", "6", "5", "8"}).input("k", {"1", "2", "5", "8"});
    model.integers("two", {2}).integers("five", {1, 2, 3, 5, 8}).integers("four", {1, 6, 5, 8});
    model.node("Unsqueeze", {"k", "two"}, {"k5"}).node("Expand", {"k5", "five"}, {"k6"});
    return model.node("Reshape", {"k6", "four"}, {"keys"});
}

}  // namespace

TEST_CASE("Heads that share keys are rows of one product: repeating the keys costs nothing") {
    OnnxModel model;
    add_repeated_keys(model).output("y");
    model.node("Transpose", {"keys"}, {"kt"}, {{"perm", Ints{0, 1, 3, 2}}});
    model.node("MatMul", {"q", "kt"}, {"y"});
    const Network network = read(model);
    CHECK(network.macs() == 6 * 5 * 5 * 8);
    const Layer& product = network.layer(network.find_layer("y_node"));
    CHECK(product.space.extents[index(Dim::H)] == 2);
    CHECK(product.space.extents[index(Dim::P)] == 15);
    for (const Layer& layer : network.layers()) {
        CHECK(layer.op != "expand");
    }
}

TEST_CASE("Whatever else reads a repeated tensor reads a copy, made once") {
    OnnxModel model;
    add_repeated_keys(model).output("a").output("b");
    model.node("Relu", {"keys"}, {"a"}).node("Add", {"keys", "q"}, {"b"});
    const Network network = read(model);
    int copies = 0;
    for (const Layer& layer : network.layers()) {
        copies += layer.op == "expand" ? 1 : 0;
    }
    CHECK(copies == 1);
    CHECK(words(network.tensor(network.find_tensor("a_node")).shape) == 6 * 5 * 8);
    CHECK(one("Tile", {"times"}).find("op: expand, shape: [3, 2, 24]") != std::string::npos);
    OnnxModel same;
    same.input("x", {"1", "3", "4", "6"}).output("y").integers("wide", {1, 3, 4, 6});
    same.node("Expand", {"x", "wide"}, {"e"}).node("Relu", {"e"}, {"y"});
    CHECK(lines(same) == one("Relu"));
}

TEST_CASE("A mask is chosen by, and lies beside the vector unit where it is a constant") {
    OnnxModel model;
    model.input("x", {"1", "3", "4", "6"}).output("y").weights("mask", {1, 1, 4, 6}, kOnnxInt8);
    model.real("least", -1e9).node("Where", {"mask", "x", "least"}, {"y"});
    CHECK(lines(model) == "  - {name: y_node, op: where, constant: [1, 4, 6]}\n");
    OnnxModel computed;
    computed.input("x", {"1", "3", "4", "6"}).input("m", {"1", "1", "4", "6"}).output("y");
    computed.real("zero", 0).node("Greater", {"m", "zero"}, {"c"});
    computed.node("Where", {"c", "x", "zero"}, {"y"});
    CHECK(lines(computed) ==
          "  - {name: c_node, op: compare, inputs: [m], constant: [1]}\n"
          "  - {name: y_node, op: where, inputs: [c_node, x]}\n");
    CHECK(one("Trilu") == "  - {name: y_node, op: where, constant: [1, 4, 6]}\n");
}

TEST_CASE("Functions of each element keep their names, powers are taken apart") {
    for (const char* op : {"Abs", "Cos", "Erf", "Exp", "Log", "Reciprocal", "Sin", "Sqrt"}) {
        INFO(op);
        std::string name = op;
        name[0] = static_cast<char>(name[0] - 'A' + 'a');
        CHECK(one(op) == "  - {name: y_node, op: " + name + "}\n");
    }
    CHECK(one("Pow", {"half"}) == one("Sqrt"));
    CHECK(one("Pow", {"three"}) ==
          "  - {name: y_node_log, op: log}\n"
          "  - {name: y_node_mul, op: mul, constant: [1]}\n"
          "  - {name: y_node_exp, op: exp}\n");
    CHECK(one("Max", {"z"}) == "  - {name: y_node, op: maximum, inputs: [x, z]}\n");
    CHECK(one("Mean", {"z", "x"}) ==
          "  - {name: y_node, op: add, inputs: [x, z, x]}\n"
          "  - {name: y_node_mean, op: mul, constant: [1]}\n");
}

TEST_CASE("Axes are summed and searched, norms are functions before and behind a sum") {
    CHECK(one("ReduceSum", {"last"}) == "  - {name: y_node, op: reduce_sum, axes: [2]}\n");
    CHECK(one("ReduceMax", {}, {{"axes", Ints{2}}, {"keepdims", number(0)}}) ==
          "  - {name: y_node, op: reduce_max, axes: [1]}\n");
    CHECK(one("ReduceL2", {}, {{"axes", Ints{-1}}}) ==
          "  - {name: y_node_each, op: mul, inputs: [x, x]}\n"
          "  - {name: y_node, op: reduce_sum, axes: [2]}\n"
          "  - {name: y_node_root, op: sqrt}\n");
    CHECK(one("ArgMax", {}, {{"axis", number(-1)}}) ==
          "  - {name: y_node, op: reduce_max, axes: [2]}\n");
}

TEST_CASE("An equation is a product, whichever way its axes are named") {
    OnnxModel scores;
    scores.input("q", {"1", "5", "4", "8"}).input("k", {"1", "7", "4", "8"}).output("y");
    scores.node("Einsum", {"q", "k"}, {"y"}, {{"equation", std::string("bqhd,bkhd->bhqk")}});
    const Network network = read(scores);
    CHECK(network.macs() == 4 * 5 * 7 * 8);
    CHECK(network.tensor(network.find_tensor("y_node")).shape == Shape{4, 5, 7});
    OnnxModel split;
    split.input("x", {"1", "5", "32"}).output("y").weights("w", {32, 4, 8});
    split.node("Einsum", {"x", "w"}, {"y"}, {{"equation", std::string("bsh,hnd->bsnd")}});
    CHECK(lines(split) == "  - {name: y_node, op: linear, out_features: 32, bias: false}\n");
    OnnxModel wrong;
    wrong.input("x", {"1", "5", "32"}).output("y").weights("w", {32, 4});
    wrong.node("Einsum", {"x", "w"}, {"y"}, {{"equation", std::string("bsh,hn->bs")}});
    CHECK(import_faults("net.onnx", wrong.bytes()) ==
          "net.onnx: error: unsupported operator Einsum, node 'y_node': an equation that is no "
          "matrix product");
}

TEST_CASE("Attention as one operator is read in the forms of its domains") {
    OnnxModel separate;
    for (const char* each : {"q", "k", "v"}) {
        separate.input(each, {"1", "5", "32"});
    }
    separate.output("y").weights("b", {96});
    separate.node("MultiHeadAttention", {"q", "k", "v", "b"}, {"y"}, {{"num_heads", number(4)}},
                  kMicrosoft);
    const Network heads = read(separate);
    CHECK(heads.macs() == 2 * 5 * 5 * 32);
    CHECK(heads.parameters() == 96);

    OnnxModel standard(23);
    standard.input("q", {"1", "6", "5", "8"}).input("k", {"1", "2", "5", "8"});
    standard.input("v", {"1", "2", "5", "8"}).output("y");
    standard.node("Attention", {"q", "k", "v"}, {"y"}, {{"is_causal", number(1)}});
    CHECK(read(standard).macs() == 2 * 6 * (5 * 6 / 2) * 8);

    OnnxModel quantised;
    quantised.input("x", {"1", "5", "32"}, kOnnxUint8).output("y").real("s", 1);
    quantised.weights("w", {32, 96}, kOnnxInt8).weights("b", {96});
    quantised.node("QAttention", {"x", "w", "b", "s", "s"}, {"y"}, {{"num_heads", number(4)}},
                   kMicrosoft);
    CHECK(read(quantised).macs() == 5 * 32 * 96 + 2 * 5 * 5 * 32);
}

TEST_CASE("Grouped attention turns its heads, reads the past from the cache and may be packed") {
    OnnxModel model;
    model.input("qkv", {"1", "1", "80"}).output("y");
    for (const char* past : {"past_k", "past_v"}) {
        model.input(past, {"1", "2", "100", "8"});
    }
    model.node("GroupQueryAttention", {"qkv", "", "", "past_k", "past_v"}, {"y"},
               {{"num_heads", number(6)}, {"kv_num_heads", number(2)}, {"do_rotary", number(1)}},
               kMicrosoft);
    const Network network = read(model);
    CHECK(network.macs() == 2 * 6 * 101 * 8);
    std::int64_t state = 0;
    for (const Tensor& tensor : network.tensors()) {
        state += tensor.kind == TensorKind::state ? words(tensor.shape) : 0;
    }
    CHECK(state == 2 * 2 * 101 * 8);
    CHECK(layer_lines(network).find("op: rotary") != std::string::npos);
}

TEST_CASE("Words, positions and segments are looked up and normalised, weights have few bits") {
    OnnxModel model;
    model.input("ids", {"1", "7"}, kOnnxInt32).input("segments", {"1", "7"}, kOnnxInt32);
    model.output("y").weights("words", {100, 16}).weights("places", {32, 16});
    model.weights("kinds", {2, 16}).weights("g", {16}).weights("o", {16});
    model.node("EmbedLayerNormalization", {"ids", "segments", "words", "places", "kinds", "g", "o"},
               {"e"}, {}, kMicrosoft);
    model.weights("packed", {24, 1, 8}, kOnnxUint8).weights("scales", {24});
    model.node("MatMulNBits", {"e", "packed", "scales"}, {"y"},
               {{"K", number(16)}, {"N", number(24)}, {"bits", number(4)}}, kMicrosoft);
    const Network network = read(model);
    CHECK(network.macs() == 7 * 16 * 24);
    const Layer& product = network.layer(network.find_layer("y_node"));
    CHECK(product.precision.weights == Precision::int4);
    CHECK(network.parameters() == 100 * 16 + 7 * 16 + 2 * 16 + 2 * 16 + 16 * 24);
}

TEST_CASE("Softsign is a word over one more than its size") {
    OnnxModel model;
    model.input("x", {"1", "3", "4"}).output("y").node("Softsign", {"x"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: y_node_size, op: abs}\n"
          "  - {name: y_node_more, op: add, constant: [1]}\n"
          "  - {name: y_node, op: div, inputs: [x, y_node_more]}\n");
}

}  // namespace memwall
