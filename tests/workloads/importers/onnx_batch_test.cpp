// SPDX-License-Identifier: Apache-2.0
// Nodes that work across the items of a batch: refused, also where the batch is left open and the
// model is read with one item.
#include <catch2/catch.hpp>

#include "tests/workloads/importers/imported_onnx.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

struct Form {
    std::string op;
    std::vector<std::string> more = {};
    OnnxAttributes attributes = {};
    std::string domain = {};
};

/// What the import of one operator on [batch, 6] says, a layer behind it.
std::string faults_of(const Form& form, const std::string& batch, std::int64_t asked = 0) {
    OnnxModel model;
    model.input("x", {batch, "6"}).output("y");
    model.integers("first", {0}).integers("second", {1}).integers("last", {-1});
    model.integers("twice", {2, 1}).integers("rows", {3, 6});
    std::vector<std::string> inputs = {"x"};
    inputs.insert(inputs.end(), form.more.begin(), form.more.end());
    model.node(form.op, inputs, {"made"}, form.attributes).node("Relu", {"made"}, {"y"});
    ImportOptions options;
    options.batch = asked;
    return faults(model, options);
}

ImportOptions batch_of(std::int64_t items) {
    ImportOptions options;
    options.batch = items;
    return options;
}

const std::string kOpen =
    ": works across the items of a batch, which the model leaves open; with --batch 1 the model is "
    "read as it is for one item";

}  // namespace

TEST_CASE("A node that works across a batch that is left open, or is of several, is refused") {
    const std::vector<Form> forms = {
        {"ReduceMean", {}, {{"axes", Ints{0}}}},
        {"ReduceMean", {}, {{"axes", Ints{0}}, {"keepdims", std::int64_t{0}}}},
        {"ReduceSum", {"first"}},
        {"ReduceMax"},
        {"ArgMax"},
        {"Slice", {"first", "second"}},
        {"Gather", {"first"}},
        {"Tile", {"twice"}},
        {"Expand", {"rows"}},
        {"Einsum", {"x"}, {{"equation", std::string("bi,bj->ij")}}},
    };
    for (const Form& form : forms) {
        const std::string node =
            "net.onnx: error: unsupported operator " + form.op + ", node 'made_node'";
        INFO(node);
        CHECK(faults_of(form, "batch") == node + kOpen);
        CHECK(faults_of(form, "batch", 4) == node + kOpen);
        // Of one item alone, which the model states or was asked for, it is what it is.
        CHECK(faults_of(form, "1").empty());
        CHECK(faults_of(form, "batch", 1).empty());
    }
}

TEST_CASE("A batch normalisation by the statistics of the batch is refused") {
    const auto trained = [](std::int64_t mode) {
        OnnxModel model;
        model.input("x", {"batch", "3", "4", "4"}).output("y");
        for (const char* each : {"scale", "shift", "mean", "variance"}) {
            model.weights(each, {3});
        }
        return faults(model.node("BatchNormalization", {"x", "scale", "shift", "mean", "variance"},
                                 {"y"}, {{"training_mode", mode}}));
    };
    CHECK(trained(0).empty());
    CHECK(trained(1).find("node 'y_node': takes the statistics of the batch (training_mode)") !=
          std::string::npos);
}

TEST_CASE("Items that are joined along an open batch are refused") {
    const Form form = {"Concat", {"x"}, {{"axis", std::int64_t{0}}}};
    CHECK(faults_of(form, "batch").find("operator Concat, node 'made_node'") != std::string::npos);
    CHECK(faults_of(form, "batch", 4).find("across the items of a batch") != std::string::npos);
}

TEST_CASE("What keeps the items of an open batch apart is read, whatever shape they take") {
    OnnxModel model;
    model.input("x", {"batch", "4", "6"}).output("y").weights("table", {1, 4, 6});
    model.integers("one", {1}).integers("rows", {-1, 6}).integers("back", {-1, 4, 6});
    model.node("Add", {"x", "table"}, {"placed"}).node("Reshape", {"placed", "rows"}, {"flat"});
    model.node("Relu", {"flat"}, {"positive"}).node("Reshape", {"positive", "back"}, {"again"});
    model.node("ReduceMean", {"again"}, {"y"}, {{"axes", Ints{1}}});
    CHECK(faults(model).empty());
}

TEST_CASE("All nodes across an open batch are told at once, and left out where that was asked") {
    OnnxModel model;
    model.input("x", {"batch", "6"}).input("z", {"batch", "6"}).output("y").output("w");
    model.integers("first", {0}).integers("second", {1});
    model.node("ReduceMean", {"x"}, {"mean"}, {{"axes", Ints{0}}}).node("Relu", {"mean"}, {"y"});
    model.node("Slice", {"z", "first", "second"}, {"part"}).node("Relu", {"part"}, {"w"});
    const std::string told = faults(model);
    CHECK(told.find("node 'mean_node'" + kOpen) != std::string::npos);
    CHECK(told.find("node 'part_node'" + kOpen) != std::string::npos);
    model.declare("mean", {"1", "6"}).declare("part", {"1", "6"});
    const auto read = imported("net.onnx", model.bytes(), skipping());
    CHECK(read.network.layers().size() == 2);
    CHECK(read.notes.size() == 2);
}

TEST_CASE("A node that works across an open batch is refused where a Transpose has moved that") {
    // x is [batch, 4, 8]: t has the batch in the middle, l at the end.
    const std::vector<Form> forms = {
        {"ReduceMean", {"t"}, {{"axes", Ints{1}}}},
        {"ReduceMean", {"t"}, {{"axes", Ints{1}}, {"keepdims", std::int64_t{0}}}},
        {"ReduceSum", {"t", "second"}},
        {"ReduceMax", {"l"}, {{"axes", Ints{2}}}},
        {"Softmax", {"t"}, {{"axis", std::int64_t{1}}}},
        {"LpNormalization", {"t"}, {{"axis", std::int64_t{1}}}},
        {"CumSum", {"x", "first"}},
        {"CumSum", {"t", "second"}},
        {"CumSum", {"x", "t"}},  // along an axis that is computed
        {"ReverseSequence", {"t", "many"}, {{"time_axis", std::int64_t{1}}}},
        {"Concat", {"t", "t"}, {{"axis", std::int64_t{1}}}},
        {"Slice", {"t", "first", "second", "second"}},
        {"Gather", {"t", "second"}, {{"axis", std::int64_t{1}}}},
        {"Pad", {"t", "border"}},
        {"Tile", {"t", "twice"}},
        {"MatMul", {"l", "t"}},
        {"MatMul", {"t", "l"}},
        {"Add", {"a", "b"}},
        {"Einsum", {"x"}, {{"equation", std::string("bij->ij")}}},
        {"GlobalAveragePool", {"l"}},
        {"MaxPool", {"l"}, {{"kernel_shape", Ints{2}}, {"pads", Ints{1, 0}}}},
        {"Conv", {"l", "wide"}, {{"pads", Ints{1, 1}}}},
        {"MeanVarianceNormalization", {"image"}},
        {"MultiHeadAttention", {"t", "t", "t"}, {{"num_heads", std::int64_t{2}}}, "com.microsoft"},
    };
    for (const Form& form : forms) {
        OnnxModel model;
        model.input("x", {"batch", "4", "8"}).output("y");
        model.integers("first", {0}).integers("second", {1});
        model.integers("many", {4, 4, 4, 4}).integers("border", {0, 1, 0, 0, 0, 0});
        model.integers("twice", {1, 2, 1}).integers("after", {3});
        model.weights("wide", {5, 8, 3});
        model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
        model.node("Transpose", {"x"}, {"l"}, {{"perm", Ints{1, 2, 0}}});
        model.node("ReduceMax", {"x", "second"}, {"a"})
            .node("Unsqueeze", {"x", "after"}, {"image"});
        model.node("Transpose", {"a"}, {"b"}, {{"perm", Ints{1, 0, 2}}});
        model.node(form.op, form.more, {"made"}, form.attributes, form.domain);
        model.node("Relu", {"made"}, {"y"});
        const std::string told = "net.onnx: error: unsupported operator " +
                                 (form.domain.empty() ? "" : form.domain + ".") + form.op +
                                 ", node 'made_node'" + kOpen;
        // A size of the batch that divides others, or is one of them, changes nothing.
        for (const std::int64_t batch : {0, 2, 4, 5, 8}) {
            INFO(form.op << " of " << form.more[0] << ", batch " << batch);
            CHECK(faults(model, batch_of(batch)) == told);
        }
        ImportOptions twice = batch_of(4);
        twice.dims["batch"] = 4;
        CHECK(faults(model, twice) == told);
    }
}

TEST_CASE("A node across a batch that the model states is refused where its size divides others") {
    for (const std::string batch : {"2", "4", "8"}) {
        const auto told = [&](const std::string& op, const OnnxAttributes& attributes) {
            OnnxModel model;
            model.input("x", {batch, "4", "8"}).output("y").integers("axis", {1});
            model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
            const std::vector<std::string> inputs = op == "CumSum"
                                                        ? std::vector<std::string>{"t", "axis"}
                                                        : std::vector<std::string>{"t"};
            return faults(model.node(op, inputs, {"y"}, attributes));
        };
        INFO("batch " << batch);
        for (const std::string& fault :
             {told("ReduceMean", {{"axes", Ints{1}}}), told("CumSum", {}),
              told("Softmax", {{"axis", std::int64_t{1}}})}) {
            CHECK(
                fault.find(", node 'y_node': works across the items of a batch; with --batch 1") !=
                std::string::npos);
        }
    }
}

TEST_CASE("Steps that look like a batch are none where a node behind a Transpose mixes them") {
    OnnxModel model;
    model.input("x", {"4", "1", "8"}).output("y");
    model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{2, 0, 1}}});
    model.node("ReduceMean", {"t"}, {"y"}, {{"axes", Ints{1}}});
    const auto read = imported("net.onnx", model.bytes());
    CHECK(notes(read) ==
          "the first axis of input 'x' has the steps of one item: nodes work across it\n"
          "1 transposition costs nothing: the layers around read or write in the other order\n");
    CHECK(read.network.layers().back().space.points() == 4 * 8);
}

TEST_CASE("What is read of an open batch is the same for every size that it is given") {
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).output("y").output("z").weights("w", {8, 6});
    model.integers("thrice", {3, 1, 1, 1});
    model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
    model.node("MatMul", {"t", "w"}, {"p"})
        .node("Softmax", {"p"}, {"s"}, {{"axis", std::int64_t{0}}});
    model.node("ReduceMean", {"s"}, {"y"}, {{"axes", Ints{0}}});
    model.node("Expand", {"x", "thrice"}, {"e"}).node("Relu", {"e"}, {"z"});
    const std::string open = lines(model);
    CHECK(open.find("op: mean") != std::string::npos);
    for (const std::int64_t batch : {1, 2, 3, 4, 8}) {
        INFO("batch " << batch);
        CHECK(lines(model, batch_of(batch)) == open);
    }
}

TEST_CASE("A Reshape to the batch that was asked for is read with that") {
    // As a program writes it that has recorded a batch of 4.
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).output("y").weights("w", {32, 6});
    model.integers("rows", {4, -1});
    model.node("Reshape", {"x", "rows"}, {"r"}).node("Softmax", {"r"}, {"s"});
    model.node("MatMul", {"s", "w"}, {"y"});
    CHECK(lines(model, batch_of(4)) ==
          "  - {name: x_flat, op: flatten}\n"
          "  - {name: s_node, op: softmax}\n"
          "  - {name: y_node, op: linear, out_features: 6, bias: false}\n");
    CHECK(!faults(model).empty());
    OnnxModel joined;
    joined.input("x", {"batch", "8", "6"}).output("y");
    joined.integers("all", {-1, 6}).integers("apart", {4, -1, 6});
    joined.node("Reshape", {"x", "all"}, {"r"}).node("Relu", {"r"}, {"p"});
    joined.node("Reshape", {"p", "apart"}, {"b"});
    joined.node("ReduceMean", {"b"}, {"y"}, {{"axes", Ints{1}}});
    CHECK(lines(joined, batch_of(4)) ==
          "  - {name: p_node, op: relu}\n"
          "  - {name: y_node, op: mean, axes: [0]}\n");
    CHECK(faults(joined).find(kOpen) != std::string::npos);
}

TEST_CASE("Steps in front that a Reshape writes down are read, also with a batch of their number") {
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).output("y").weights("w", {8, 6});
    model.integers("rows", {-1, 8}).integers("steps", {4, -1, 6});
    model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
    model.node("Reshape", {"t", "rows"}, {"r"}).node("MatMul", {"r", "w"}, {"p"});
    model.node("Reshape", {"p", "steps"}, {"s"});
    model.node("ReduceMean", {"s"}, {"y"}, {{"axes", Ints{0}}});
    for (const std::int64_t batch : {2, 4, 5}) {
        CHECK(lines(model, batch_of(batch)) == lines(model));
    }
}

TEST_CASE("Attention that is written with the steps in front is read from an open batch") {
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).output("y");
    model.weights("w", {8, 24}).weights("v", {8, 8});
    model.integers("cut", {4, -1, 3, 8}).integers("heads", {4, -1, 4}).integers("rows", {-1, 8});
    model.integers("steps", {4, -1, 8});
    model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
    model.node("MatMul", {"t", "w"}, {"p"}).node("Reshape", {"p", "cut"}, {"r"});
    model.node("Transpose", {"r"}, {"m"}, {{"perm", Ints{2, 0, 1, 3}}});
    for (const std::string each : {"q", "k", "u"}) {
        model.integers("of_" + each, {each == "q" ? 0 : each == "k" ? 1 : 2}, true);
        model.node("Gather", {"m", "of_" + each}, {each});
        model.node("Reshape", {each, "heads"}, {each + "_cut"});
        const Ints order = each == "k" ? Ints{1, 2, 0} : Ints{1, 0, 2};
        model.node("Transpose", {each + "_cut"}, {each + "_heads"}, {{"perm", order}});
    }
    model.node("MatMul", {"q_heads", "k_heads"}, {"scores"});
    model.node("Softmax", {"scores"}, {"weights"}, {{"axis", std::int64_t{-1}}});
    model.node("MatMul", {"weights", "u_heads"}, {"context"});
    model.node("Transpose", {"context"}, {"c"}, {{"perm", Ints{1, 0, 2}}});
    model.node("Reshape", {"c", "rows"}, {"flat"}).node("MatMul", {"flat", "v"}, {"o"});
    model.node("Reshape", {"o", "steps"}, {"back"}).node("Add", {"t", "back"}, {"sum"});
    model.node("ReduceMean", {"sum"}, {"y"}, {{"axes", Ints{0}}});
    ImportOptions one;
    one.batch = 1;
    CHECK(faults(model).empty());
    CHECK(lines(model) == lines(model, one));
    CHECK(imported("net.onnx", model.bytes()).network.macs() ==
          4 * 8 * 24 + 2 * (2 * 4 * 4 * 4) + 4 * 8 * 8);
}

TEST_CASE(
    "A running sum across the items of a batch of several is refused, along steps it is not") {
    const auto of_axis = [](std::int64_t axis) {
        OnnxModel model;
        model.input("x", {"5", "4", "8"}).output("y").integers("axis", {axis});
        model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
        return faults(model.node("CumSum", {"t", "axis"}, {"y"}));
    };
    CHECK(of_axis(1).find("works across the items of a batch") != std::string::npos);
    CHECK(of_axis(0).empty());
}

TEST_CASE("What repeats each item of an open batch keeps them apart") {
    OnnxModel model;
    model.input("x", {"batch", "8"}).output("y").integers("thrice", {3, 1, 1});
    model.node("Expand", {"x", "thrice"}, {"e"}).node("Relu", {"e"}, {"y"});
    CHECK(faults(model).empty());
}

TEST_CASE(
    "Sizes that are multiples of the items which an open batch is tried with are told apart") {
    OnnxModel model;
    model.input("x", {"batch", "4", "1009"}).output("y").weights("w", {1009, 1013});
    model.node("MatMul", {"x", "w"}, {"p"}).node("Softmax", {"p"}, {"y"});
    CHECK(faults(model).empty());
}

TEST_CASE("A window of one place keeps the items of an open batch apart") {
    OnnxModel model;
    model.input("x", {"batch", "8"}).output("y").weights("w", {5, 8, 1}).integers("front", {0});
    model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0}}});
    model.node("Unsqueeze", {"t", "front"}, {"row"}).node("Conv", {"row", "w"}, {"y"});
    CHECK(faults(model).empty());
}

TEST_CASE("An input of one item beside an open batch keeps nothing from being found") {
    OnnxModel model;
    model.input("x", {"batch", "6"}).input("z", {"1", "6"}).output("y").output("w");
    model.node("Relu", {"z"}, {"w"});
    model.node("ReduceMean", {"x"}, {"mean"}, {{"axes", Ints{0}}}).node("Relu", {"mean"}, {"y"});
    CHECK(faults(model).find("node 'mean_node'" + kOpen) != std::string::npos);
}

TEST_CASE("An input without a batch beside an open one is read for every size of that") {
    // Numbers of positions look up rows, a mask and a factor are the same for all items.
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).input("positions", {"1", "4"}, kOnnxInt64);
    model.input("mask", {"4", "8"}).input("factor", {}).output("y").weights("table", {16, 8});
    model.node("Gather", {"table", "positions"}, {"rows"}).node("Add", {"x", "rows"}, {"placed"});
    model.node("Mul", {"placed", "mask"}, {"masked"}).node("Mul", {"masked", "factor"}, {"y"});
    const std::string open = lines(model);
    CHECK(open.find("op: embedding") != std::string::npos);
    for (const std::int64_t batch : {1, 2, 4, 8}) {
        INFO("batch " << batch);
        CHECK(lines(model, batch_of(batch)) == open);
    }
    const auto read = imported("net.onnx", model.bytes(), batch_of(3));
    CHECK(read.notes.size() == 3);
    CHECK(read.notes[1] ==
          "input 'mask' has no batch, so it is the same for all items: in the network each item "
          "has its own");
}

TEST_CASE("A node across an open batch is found behind an input without a batch") {
    OnnxModel model;
    model.input("x", {"batch", "6"}).input("z", {"6"}).output("y");
    model.node("Add", {"x", "z"}, {"sum"});
    model.node("ReduceMean", {"sum"}, {"mean"}, {{"axes", Ints{0}}}).node("Relu", {"mean"}, {"y"});
    CHECK(faults(model) ==
          "net.onnx: error: unsupported operator ReduceMean, node 'mean_node'" + kOpen);
}

TEST_CASE("An input without a batch is refused where the batch has to be known, with the reason") {
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).input("z", {"1", "32"}).output("y");
    model.integers("rows", {3, -1});
    model.node("Reshape", {"x", "rows"}, {"r"}).node("Add", {"r", "z"}, {"y"});
    CHECK(faults(model, batch_of(3)) ==
          "net.onnx: error: input 'z' has no batch: [1, 32] beside 3 items; such an input is read "
          "where the batch is left open, but what makes 'r' needs its size; with --batch 1 the "
          "model is read as it is for one item");
}

TEST_CASE("A number in a shape that is taken for the batch that was asked for is told") {
    OnnxModel model;
    model.input("x", {"batch", "4", "8"}).output("y").weights("w", {32, 6});
    model.integers("rows", {4, -1});
    model.node("Reshape", {"x", "rows"}, {"r"}).node("MatMul", {"r", "w"}, {"y"});
    CHECK(imported("net.onnx", model.bytes(), batch_of(4)).notes ==
          std::vector<std::string>{"the 4 in the shape of node 'r_node' is taken for the batch"});
}

TEST_CASE("A model whose batch lies elsewhere says how all of it can be read") {
    // Queries, keys and values as [3, steps, batch, features].
    OnnxModel model;
    model.input("x", {"2", "5", "8"}).output("y").weights("w", {8, 24}).integers("one", {1}, true);
    model.integers("cut", {5, 2, 3, 8});
    model.node("Transpose", {"x"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
    model.node("MatMul", {"t", "w"}, {"p"}).node("Reshape", {"p", "cut"}, {"r"});
    model.node("Transpose", {"r"}, {"m"}, {{"perm", Ints{2, 0, 1, 3}}});
    model.node("Gather", {"m", "one"}, {"q"}).node("Relu", {"q"}, {"y"});
    CHECK(faults(model).find("with --batch 1 the model is read as it is for one item") !=
          std::string::npos);
    ImportOptions whole;
    whole.batch = 1;
    CHECK(imported("net.onnx", model.bytes(), whole).network.macs() == 2 * 5 * 8 * 24);
}

TEST_CASE("Items that are joined to one by a size that was given are told") {
    OnnxModel stated;
    stated.input("x", {"4", "3", "8", "8"}).output("y").node("Relu", {"x"}, {"y"});
    ImportOptions two;
    two.batch = 2;
    CHECK(
        notes(imported("net.onnx", stated.bytes(), two)) ==
        "input 'x' has 4 along the axis of the batch, read as 2 items of 2: --batch 4 reads it as "
        "4 items\n");
    OnnxModel open;
    open.input("x", {"N", "3", "8", "8"}).output("y").node("Relu", {"x"}, {"y"});
    ImportOptions three;
    three.dims = {{"N", 3}};
    CHECK(notes(imported("net.onnx", open.bytes(), three)) ==
          "input 'x' has 3 along the axis of the batch, read as 1 item of 3: --batch 3 reads it as "
          "3 items\n");
    three.dims.clear();
    three.batch = 3;
    CHECK(notes(imported("net.onnx", open.bytes(), three)).empty());
}

}  // namespace memwall
