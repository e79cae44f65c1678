// SPDX-License-Identifier: Apache-2.0
// Forms in which exporters of today write models: newer operator sets, sequences first, open sizes,
// shared tensors, operators of others in between.
#include <catch2/catch.hpp>

#include "tests/workloads/importers/imported_onnx.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

/// One operator of a set on [1, 4, 9, 10].
std::string one(std::int64_t opset, const std::string& op, const std::vector<std::string>& more,
                const std::vector<std::string>& outputs, const OnnxAttributes& attributes) {
    OnnxModel model(opset);
    model.input("x", {"1", "4", "9", "10"}).integers("two", {2, 3}).integers("none", {});
    model.integers("pads", {1, 0, 2, 0}).reals("twice", {2, 2}).weights("gain", {4});
    for (const std::string& output : outputs) {
        model.output(output);
    }
    std::vector<std::string> inputs = {"x"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    model.node(op, inputs, outputs, attributes);
    return lines(model);
}

}  // namespace

TEST_CASE("Every unsupported operator is told, also those behind another one") {
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    model.node("Conv", {"x", "w"}, {"a"}).node("Fancy", {"a"}, {"b"}, {}, "made.up");
    model.node("Conv", {"b", "w"}, {"c"}).node("Fancier", {"c"}, {"d"}, {}, "made.up");
    model.node("Relu", {"d"}, {"y"});
    CHECK(faults(model) ==
          "net.onnx: error: unsupported operator made.up.Fancy, node 'b_node'\n"
          "net.onnx: error: unsupported operator made.up.Fancier, node 'd_node'");
}

TEST_CASE("What is lost behind an operator that is left out is named, layer by layer") {
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    model.node("Conv", {"x", "w"}, {"a"}).node("Fancy", {"a"}, {"b"}, {}, "made.up");
    model.node("Conv", {"b", "w"}, {"c"}).node("Relu", {"c"}, {"y"});
    const ImportedNetwork kept = imported("net.onnx", model.bytes(), skipping());
    CHECK(kept.network.layers().size() == 1);
    CHECK(notes(kept) ==
          "2 nodes that can be read are left out too, as their shapes are known neither from the "
          "model's value_info nor by inference: each is named below\n"
          "left out: unsupported operator made.up.Fancy, node 'b_node'\n"
          "left out: operator Conv, node 'c_node': the shape of its input 'b' is not known\n"
          "left out: operator Relu, node 'y_node': the shape of its input 'c' is not known\n");
}

TEST_CASE("Operators of sets 18 to 23 are read in their new forms") {
    CHECK(one(18, "ReduceMean", {"two"}, {"y"}, {}) == "  - {name: y_node, op: global_pool}\n");
    CHECK(one(20, "Gelu", {}, {"y"}, {}) == "  - {name: y_node, op: gelu}\n");
    CHECK(one(18, "Split", {}, {"y", "z"},
              {{"axis", std::int64_t{2}}, {"num_outputs", std::int64_t{2}}}) ==
          "  - {name: y_node_0, op: slice, axis: 1, end: 5}\n"
          "  - {name: y_node_1, op: slice, inputs: [x], axis: 1, begin: 5}\n");
    CHECK(one(18, "Pad", {"pads", "", "two"}, {"y"}, {}) ==
          "  - {name: y_node, op: pad, padding: [0, 1, 0, 0, 2, 0]}\n");
    CHECK(one(18, "Resize", {"", "twice"}, {"y"},
              {{"axes", Ints{2, 3}}, {"antialias", std::int64_t{0}}}) ==
          "  - {name: y_node, op: resize, size: [18, 20]}\n");
    CHECK(
        one(21, "GroupNormalization", {"gain", "gain"}, {"y"}, {{"num_groups", std::int64_t{2}}}) ==
        "  - {name: y_node, op: group_norm, groups: 2}\n");
    CHECK(one(23, "RMSNormalization", {}, {"y"}, {}) == "  - {name: y_node, op: rms_norm}\n");
}

TEST_CASE("A form of a newer set that changes the result is refused, not read as the old one") {
    OnnxModel resize(18);
    resize.input("x", {"1", "4", "8", "8"}).output("y").integers("sizes", {1, 4, 16, 20});
    resize.node("Resize", {"x", "", "", "sizes"}, {"y"},
                {{"keep_aspect_ratio_policy", std::string("not_larger")}});
    CHECK(faults(resize) ==
          "net.onnx: error: unsupported operator Resize, node 'y_node': sizes that keep the ratio "
          "of the image's sides");
}

TEST_CASE("A recurrent node reads steps first, the layout that ONNX has by default") {
    OnnxModel model;
    model.input("x", {"20", "1", "16"}).output("y").weights("w", {1, 32, 16});
    model.weights("r", {1, 32, 8}).integers("axis", {1}).weights("v", {8, 3});
    model.node("LSTM", {"x", "w", "r"}, {"all"}, {{"hidden_size", std::int64_t{8}}});
    model.node("Squeeze", {"all", "axis"}, {"flat"}).node("MatMul", {"flat", "v"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: all_node, op: lstm, hidden: 8, bias: false}\n"
          "  - {name: y_node, op: linear, out_features: 3, bias: false}\n");
    CHECK(imported("net.onnx", model.bytes()).network.macs() ==
          20 * 32 * 16 + 19 * 32 * 8 + 20 * 8 * 3);
    OnnxModel open;
    open.input("x", {"20", "batch", "16"}).output("y").weights("w", {2, 24, 16});
    open.weights("r", {2, 24, 8});
    open.node("GRU", {"x", "w", "r"}, {"s", "h"},
              {{"hidden_size", std::int64_t{8}}, {"direction", std::string("bidirectional")}});
    open.node("Relu", {"h"}, {"y"});
    CHECK(lines(open) ==
          "  - {name: s_node_on, op: gru, hidden: 8, bias: false, result: last}\n"
          "  - {name: s_node_back, op: gru, inputs: [x], hidden: 8, bias: false, result: "
          "last}\n"
          "  - {name: s_node_both, op: concat, inputs: [s_node_on, s_node_back], axis: 1}\n"
          "  - {name: y_node, op: relu}\n");
}

TEST_CASE("Two products and a look-up of one tensor share its weights") {
    OnnxModel model;
    model.input("ids", {"1", "5"}, kOnnxInt64).output("y").weights("e", {100, 16});
    model.weights("w", {16, 16});
    model.node("Gather", {"e", "ids"}, {"x"}).node("MatMul", {"x", "w"}, {"a"});
    model.node("MatMul", {"a", "w"}, {"b"}).node("Transpose", {"e"}, {"back"});
    model.node("MatMul", {"b", "back"}, {"y"});
    const Network network = imported("net.onnx", model.bytes()).network;
    CHECK(network.weights() == 100 * 16 + 16 * 16);
    CHECK(network.macs() == 5 * (2 * 16 * 16 + 16 * 100));
    CHECK(layer_lines(network) ==
          "  - {name: x_node, op: embedding, rows: 100, features: 16}\n"
          "  - {name: a_node, op: linear, out_features: 16, bias: false}\n"
          "  - {name: b_node, op: linear, out_features: 16, bias: false, weights: a_node}\n"
          "  - {name: y_node, op: linear, out_features: 100, bias: false, weights: x_node}\n");
}

TEST_CASE("All open sizes are told at once, and each has a name to give it by") {
    OnnxModel model;
    model.input("x", {"1", "4", "height", "width"}).input("z", {"batch", "", "height", "8"});
    model.output("y").output("v").node("Relu", {"x"}, {"y"}).node("Relu", {"z"}, {"v"});
    CHECK(faults(model) ==
          "net.onnx: error: input 'x': axis 2 'height' has no size; give it one with --set-dim "
          "height=SIZE\n"
          "net.onnx: error: input 'x': axis 3 'width' has no size; give it one with --set-dim "
          "width=SIZE\n"
          "net.onnx: error: input 'z': axis 1 has no size; give it one with --set-dim z.1=SIZE");
    ImportOptions options;
    options.dims = {{"height", 6}, {"width", 7}, {"z.1", 3}};
    CHECK(faults(model, options).empty());
    options.dims = {{"heigth", 6}, {"width", 7}, {"z.1", 3}, {"height", 6}};
    CHECK(faults(model, options) ==
          "net.onnx: error: --set-dim heigth=6: the model leaves no size of that name open; did "
          "you mean 'height'?");
}

}  // namespace memwall
