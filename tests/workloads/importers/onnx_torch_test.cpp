// SPDX-License-Identifier: Apache-2.0
// Attention as PyTorch's exporter spells it out: masks made of constants, queries, keys and values
// of one product, sequences with the steps in front.
#include <catch2/catch.hpp>

#include "tests/support/onnx_models.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

std::string lines(const OnnxModel& model, const ImportOptions& options = {}) {
    return layer_lines(imported("net.onnx", model.bytes(), options).network);
}

std::string faults(const OnnxModel& model, const ImportOptions& options = {}) {
    return import_faults("net.onnx", model.bytes(), options);
}

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

}  // namespace memwall
