// SPDX-License-Identifier: Apache-2.0
// ONNX models made with the ONNX library, read as networks.
#include <catch2/catch.hpp>

#include "tests/workloads/importers/imported_onnx.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

ImportedNetwork read(const OnnxModel& model, const ImportOptions& options = {}) {
    return imported("net.onnx", model.bytes(), options);
}

/// One operator on an image [1, 4, 9, 10].
std::string one(const std::string& op, const std::vector<std::string>& more,
                const OnnxAttributes& attributes, const Ints& weights = {4, 4, 3, 3},
                std::int64_t opset = 17) {
    OnnxModel model(opset);
    model.input("x", {"1", "4", "9", "10"}).output("y").weights("w", weights).weights("b", {4});
    std::vector<std::string> inputs = {"x"};
    inputs.insert(inputs.end(), more.begin(), more.end());
    model.node(op, inputs, {"y"}, attributes);
    const std::string text = lines(model);
    return text.substr(text.find("op: "), text.find('}') - text.find("op: "));
}

}  // namespace

TEST_CASE("A residual network reads as one written by hand") {
    OnnxModel model;
    model.input("image", {"N", "3", "32", "32"}).output("scores");
    model.weights("w1", {8, 3, 3, 3}).weights("w2", {8, 8, 3, 3}).weights("w3", {10, 8});
    model.weights("b1", {8}).weights("b3", {10});
    for (const char* name : {"g", "s", "m", "v"}) {
        model.weights(name, {8});
    }
    model.node("Conv", {"image", "w1", "b1"}, {"c1"}, {{"pads", Ints{1, 1, 1, 1}}});
    model.node("Relu", {"c1"}, {"r1"});
    model.node("Conv", {"r1", "w2"}, {"c2"}, {{"pads", Ints{1, 1, 1, 1}}});
    model.node("BatchNormalization", {"c2", "g", "s", "m", "v"}, {"n2"});
    model.node("Add", {"n2", "r1"}, {"a2"});
    model.node("Dropout", {"a2"}, {"d2"});
    model.node("GlobalAveragePool", {"d2"}, {"p"});
    model.node("Flatten", {"p"}, {"f"});
    model.node("Gemm", {"f", "w3", "b3"}, {"scores"}, {{"transB", std::int64_t{1}}});
    const ImportedNetwork imported = read(model);
    CHECK(layer_lines(imported.network) ==
          "  - {name: c1_node, op: conv, out_channels: 8, kernel: 3, padding: 1}\n"
          "  - {name: r1_node, op: relu}\n"
          "  - {name: c2_node, op: conv, out_channels: 8, kernel: 3, padding: 1, bias: false}\n"
          "  - {name: n2_node, op: batch_norm}\n"
          "  - {name: a2_node, op: add, inputs: [n2_node, r1_node]}\n"
          "  - {name: p_node, op: global_pool}\n"
          "  - {name: p_node_flat, op: flatten}\n"
          "  - {name: scores_node, op: linear, out_features: 10}\n");
    CHECK(imported.network.weights() == 8 * 27 + 8 * 72 + 80);
    CHECK(imported.network.parameters() == imported.network.weights() + 8 + 10 + 16);
    CHECK(imported.network.layers()[0].precision.weights == Precision::fp32);
    CHECK(imported.format == "onnx");
}

TEST_CASE("A convolution is read in every form of its attributes") {
    CHECK(one("Conv", {"w"}, {}) == "op: conv, out_channels: 4, kernel: 3, bias: false");
    CHECK(one("Conv", {"w", "b"}, {{"strides", Ints{2, 1}}, {"pads", Ints{0, 1, 2, 1}}}) ==
          "op: conv, out_channels: 4, kernel: 3, stride: [2, 1], padding: [0, 1, 2, 1]");
    CHECK(one("Conv", {"w", "b"}, {{"dilations", Ints{2, 2}}, {"group", std::int64_t{4}}},
              {8, 1, 3, 3}) == "op: conv, out_channels: 8, kernel: 3, dilation: 2, groups: 4");
    CHECK(one("Conv", {"w", "b"},
              {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}}) ==
          "op: conv, out_channels: 4, kernel: 3, stride: 2, padding: [1, 0, 1, 1]");
    CHECK(one("Conv", {"w", "b"},
              {{"auto_pad", std::string("SAME_LOWER")}, {"strides", Ints{2, 2}}}) ==
          "op: conv, out_channels: 4, kernel: 3, stride: 2, padding: [1, 1, 1, 0]");
    CHECK(one("Conv", {"w", "b"}, {{"auto_pad", std::string("VALID")}}) ==
          "op: conv, out_channels: 4, kernel: 3");
    CHECK(one("ConvTranspose", {"w", "b"},
              {{"strides", Ints{2, 2}}, {"output_padding", Ints{1, 1}}}) ==
          "op: conv_transpose, out_channels: 4, kernel: 3, stride: 2, output_padding: 1");
}

TEST_CASE("Pools are read with rounding up and without") {
    const OnnxAttributes plain = {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}};
    CHECK(one("MaxPool", {}, plain) == "op: max_pool, kernel: 3, stride: 2");
    OnnxAttributes up = plain;
    up.emplace_back("ceil_mode", std::int64_t{1});
    CHECK(one("AveragePool", {}, up) ==
          "op: average_pool, kernel: 3, stride: 2, padding: [0, 0, 0, 1]");
    CHECK(one("GlobalMaxPool", {}, {}) == "op: global_pool, kind: max");
}

TEST_CASE("A transformer block is put together again from its elementary operators") {
    OnnxModel model(13);
    model.input("x", {"1", "16", "32"}).output("y");
    model.real("two", 2).real("e", 1e-5).real("half", 0.5).real("one", 1).real("root", 1.41421);
    model.weights("gain", {32}).weights("offset", {32}).weights("up", {32, 64});
    model.weights("ub", {64}).weights("down", {64, 32}).weights("db", {32});
    model.node("ReduceMean", {"x"}, {"mean"}, {{"axes", Ints{-1}}});
    model.node("Sub", {"x", "mean"}, {"d"}).node("Pow", {"d", "two"}, {"sq"});
    model.node("ReduceMean", {"sq"}, {"var"}, {{"axes", Ints{-1}}});
    model.node("Add", {"var", "e"}, {"ve"}).node("Sqrt", {"ve"}, {"sd"});
    model.node("Div", {"d", "sd"}, {"z"}).node("Mul", {"z", "gain"}, {"zg"});
    model.node("Add", {"zg", "offset"}, {"norm"});
    model.node("MatMul", {"norm", "up"}, {"u0"}).node("Add", {"ub", "u0"}, {"u"});
    model.node("Div", {"u", "root"}, {"ur"}).node("Erf", {"ur"}, {"er"});
    model.node("Add", {"er", "one"}, {"e1"}).node("Mul", {"u", "e1"}, {"ue"});
    model.node("Mul", {"ue", "half"}, {"g"});
    model.node("MatMul", {"g", "down"}, {"d0"}).node("Add", {"d0", "db"}, {"d1"});
    model.node("Add", {"x", "d1"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: norm_node, op: layer_norm}\n"
          "  - {name: u0_node, op: linear, out_features: 64}\n"
          "  - {name: g_node, op: gelu}\n"
          "  - {name: d0_node, op: linear, out_features: 32}\n"
          "  - {name: y_node, op: add, inputs: [x, d0_node]}\n");
}

TEST_CASE("Attention is read with its heads, shapes computed on the way folded away") {
    OnnxModel model;
    model.input("q", {"batch", "seq", "32"}).output("y");
    model.integers("zero", {0}, true).integers("one", {1}, true).integers("heads", {4});
    model.integers("open", {-1}).integers("hidden", {32}).real("scale", 0.35);
    for (const char* part : {"wq", "wk", "wv"}) {
        model.weights(part, {32, 32});
    }
    model.node("Shape", {"q"}, {"shape"});
    model.node("Gather", {"shape", "zero"}, {"n"}).node("Gather", {"shape", "one"}, {"s"});
    model.integers("axis0", {0});
    model.node("Unsqueeze", {"n", "axis0"}, {"n1"}).node("Unsqueeze", {"s", "axis0"}, {"s1"});
    model.node("Concat", {"n1", "s1", "heads", "open"}, {"split"}, {{"axis", std::int64_t{0}}});
    model.node("Concat", {"n1", "s1", "hidden"}, {"merge"}, {{"axis", std::int64_t{0}}});
    for (const std::string part : {"q", "k", "v"}) {
        model.node("MatMul", {"q", "w" + part}, {part + "0"});
        model.node("Reshape", {part + "0", "split"}, {part + "1"});
        model.node("Transpose", {part + "1"}, {part + "2"},
                   {{"perm", part == "k" ? Ints{0, 2, 3, 1} : Ints{0, 2, 1, 3}}});
    }
    model.node("MatMul", {"q2", "k2"}, {"scores"}).node("Mul", {"scores", "scale"}, {"scaled"});
    model.node("Softmax", {"scaled"}, {"p"}).node("MatMul", {"p", "v2"}, {"c"});
    model.node("Transpose", {"c"}, {"ct"}, {{"perm", Ints{0, 2, 1, 3}}});
    model.node("Reshape", {"ct", "merge"}, {"cm"}).node("MatMul", {"cm", "wq"}, {"y"});
    ImportOptions options;
    CHECK(faults(model) ==
          "net.onnx: error: input 'q': axis 1 'seq' has no size; give it one with --set-dim "
          "seq=SIZE");
    options.dims["seq"] = 10;
    const ImportedNetwork imported = read(model, options);
    CHECK(imported.network.macs() == 4 * 10 * 32 * 32 + 2 * 10 * 10 * 32);
    // K is transposed by its product.
    CHECK(notes(imported) ==
          "4 transpositions cost nothing: the layers around read or write in the other order\n");
    const auto shape_of = [&](const char* name) {
        return imported.network.tensor(imported.network.find_tensor(name)).shape;
    };
    CHECK(shape_of("scores_node") == Shape{4, 10, 10});
    CHECK(shape_of("y_node") == Shape{10, 32});
    options.batch = 3;  // of one item all the same
    CHECK(read(model, options).network.macs() == imported.network.macs());
}

TEST_CASE("Fused operators are taken apart") {
    OnnxModel model;
    model.input("x", {"1", "6", "16"}).output("y").weights("w", {16, 48}).weights("b", {48});
    model.weights("g", {16}).weights("o", {16}).weights("m", {16, 16});
    model.node("Attention", {"x", "w", "b"}, {"a"}, {{"num_heads", std::int64_t{2}}},
               "com.microsoft");
    model.node("SkipLayerNormalization", {"a", "x", "g", "o"}, {"n"}, {}, "com.microsoft");
    model.node("FusedMatMul", {"n", "m"}, {"f"}, {{"transB", std::int64_t{1}}}, "com.microsoft");
    model.node("FastGelu", {"f"}, {"y"}, {}, "com.microsoft");
    const Network network = read(model).network;
    CHECK(network.macs() == 6 * 16 * 48 + 2 * 6 * 6 * 16 + 6 * 16 * 16);
    CHECK(network.weights() == 16 * 48 + 16 * 16);
    OnnxModel conv;
    conv.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1}).weights("b", {4});
    conv.node("FusedConv", {"x", "w", "b"}, {"y"}, {{"activation", std::string("Relu")}},
              "com.microsoft");
    CHECK(lines(conv) ==
          "  - {name: y_node, op: conv, out_channels: 4, kernel: 1}\n"
          "  - {name: y_node_relu, op: relu}\n");
}

TEST_CASE("Quantised models keep their formats, whichever way they are written") {
    OnnxModel qdq;
    qdq.input("x", {"1", "4", "6", "6"}).output("y").real("s", 0.1);
    qdq.weights("z", {}, kOnnxUint8).weights("w", {4, 4, 1, 1}, kOnnxInt8);
    qdq.node("QuantizeLinear", {"x", "s", "z"}, {"xq"});
    qdq.node("DequantizeLinear", {"xq", "s", "z"}, {"xd"});
    qdq.node("DequantizeLinear", {"w", "s"}, {"wd"});
    qdq.node("Conv", {"xd", "wd"}, {"c"}).node("Relu", {"c"}, {"y"});
    const Network network = read(qdq).network;
    CHECK(text(network.layers()[0].precision) == "w8a8o32");
    CHECK(network.layers().size() == 2);
    CHECK(network.tensor(network.find_tensor("x")).precision == Precision::fp32);

    OnnxModel qlinear;
    qlinear.input("x", {"1", "4", "6", "6"}, kOnnxUint8).output("y").real("s", 0.1);
    qlinear.weights("z", {}, kOnnxUint8).weights("w", {4, 4, 1, 1}, kOnnxInt8);
    qlinear.weights("b", {4}, kOnnxInt32);
    qlinear.node("QLinearConv", {"x", "s", "z", "w", "s", "z", "s", "z", "b"}, {"y"});
    CHECK(lines(qlinear) == "  - {name: y_node, op: conv, out_channels: 4, kernel: 1}\n");
    CHECK(text(read(qlinear).network.layers()[0].precision) == "w8a8o32");

    OnnxModel integer;
    integer.input("x", {"5", "8"}, kOnnxUint8).output("y").weights("w", {8, 3}, kOnnxInt8);
    integer.node("MatMulInteger", {"x", "w"}, {"y"});
    CHECK(lines(integer) == "  - {name: y_node, op: linear, out_features: 3, bias: false}\n");

    OnnxModel half;
    half.input("x", {"5", "8"}, kOnnxHalf).output("y").weights("w", {8, 3}, kOnnxHalf);
    half.node("MatMul", {"x", "w"}, {"y"});
    CHECK(text(read(half).network.layers()[0].precision) == "wfp16afp16ofp32");
}

TEST_CASE("Parts, joins, paddings and sizes are read where they lie") {
    OnnxModel model;
    model.input("x", {"1", "6", "8", "8"}).output("y").integers("sizes", {2, 4});
    model.integers("pads", {0, 0, 1, 0, 0, 0, 0, 2});
    model.reals("scales", {1, 1, 2, 2});
    model.node("Split", {"x", "sizes"}, {"a", "b"}, {{"axis", std::int64_t{1}}});
    model.node("Concat", {"b", "a"}, {"c"}, {{"axis", std::int64_t{1}}});
    model.node("Pad", {"c", "pads"}, {"p"});
    model.node("Resize", {"p", "", "scales"}, {"r"}, {{"mode", std::string("nearest")}});
    model.node("Clip", {"r"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: a_node_0, op: slice, end: 2}\n"
          "  - {name: a_node_1, op: slice, inputs: [x], begin: 2}\n"
          "  - {name: c_node, op: concat, inputs: [a_node_1, a_node_0]}\n"
          "  - {name: p_node, op: pad, padding: [0, 1, 0, 0, 0, 2]}\n"
          "  - {name: r_node, op: resize, size: [18, 20]}\n"
          "  - {name: y_node, op: relu6}\n");
}

TEST_CASE("Tables are looked up, and cells unrolled in one direction or both") {
    OnnxModel model;
    model.input("ids", {"1", "7"}, kOnnxInt64).output("y").weights("table", {100, 16});
    model.weights("w", {2, 32, 16}).weights("r", {2, 32, 8}).weights("b", {2, 64});
    model.node("Gather", {"table", "ids"}, {"e"});
    model.node("Transpose", {"e"}, {"t"}, {{"perm", Ints{1, 0, 2}}});
    model.node("LSTM", {"t", "w", "r", "b"}, {"s", "h"},
               {{"hidden_size", std::int64_t{8}}, {"direction", std::string("bidirectional")}});
    model.node("Relu", {"s"}, {"y"});
    CHECK(lines(model) ==
          "  - {name: e_node, op: embedding, rows: 100, features: 16}\n"
          "  - {name: s_node_on, op: lstm, hidden: 8}\n"
          "  - {name: s_node_back, op: lstm, inputs: [e_node], hidden: 8}\n"
          "  - {name: s_node_both, op: concat, inputs: [s_node_on, s_node_back], axis: 1}\n"
          "  - {name: y_node, op: relu}\n");
    const Network network = read(model).network;
    CHECK(network.weights() == 100 * 16 + 2 * 32 * (16 + 8));
    OnnxModel last;
    last.input("x", {"1", "5", "16"}).output("h").weights("w", {1, 24, 16});
    last.weights("r", {1, 24, 8});
    last.node("GRU", {"x", "w", "r"}, {"", "h"},
              {{"hidden_size", std::int64_t{8}}, {"layout", std::int64_t{1}}});
    CHECK(lines(last).find("op: gru, hidden: 8, bias: false, result: last}") != std::string::npos);
}

TEST_CASE("Unsupported operators are told by name with their nodes, all at once") {
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    model.node("NonZero", {"x"}, {"a"});
    model.node("Conv", {"a", "w"}, {"b"}).node("Fancy", {"x"}, {"c"}, {}, "made.up");
    model.node("Add", {"b", "c"}, {"d"})
        .node("Einsum", {"x", "x"}, {"e"}, {{"equation", std::string("abcd,abce->ad")}});
    model.node("Add", {"d", "e"}, {"f"}).node("Relu", {"f"}, {"y"});
    CHECK(faults(model) ==
          "net.onnx: error: unsupported operator NonZero, node 'a_node'\n"
          "net.onnx: error: unsupported operator made.up.Fancy, node 'c_node'\n"
          "net.onnx: error: unsupported operator Einsum, node 'e_node': an equation that is no "
          "matrix product");
    ImportOptions options;
    options.skip_unsupported = true;
    OnnxModel chain;
    chain.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    chain.node("Bernoulli", {"x"}, {"a"})
        .node("Conv", {"a", "w"}, {"b"})
        .node("Relu", {"b"}, {"y"});
    const ImportedNetwork kept = read(chain, options);
    CHECK(layer_lines(kept.network) ==
          "  - {name: b_node, op: conv, out_channels: 4, kernel: 1, bias: false}\n"
          "  - {name: y_node, op: relu}\n");
    CHECK(notes(kept) == "left out: unsupported operator Bernoulli, node 'a_node'\n");
}

TEST_CASE("A newer operator set, no model and no layer are one clear line") {
    OnnxModel newer(24);
    newer.input("x", {"1", "4"}).output("y").node("Relu", {"x"}, {"y"});
    CHECK(faults(newer) ==
          "net.onnx: error: uses operator set 24 of ONNX; this program reads up to 23");
    CHECK(import_faults("net.onnx", "") == "net.onnx: error: is no ONNX model, or cut off");
    CHECK(import_faults("net.onnx", "no model") == "net.onnx: error: is no ONNX model, or cut off");
    OnnxModel nothing;
    nothing.input("x", {"1", "4"}).output("y").node("Identity", {"x"}, {"y"});
    CHECK(faults(nothing) == "net.onnx: error: has no node that is a layer");
}

TEST_CASE("Graphs that are wrong in themselves are one clear line") {
    OnnxModel cycle;
    cycle.input("x", {"1", "4"}).output("y");
    cycle.node("Add", {"x", "b"}, {"a"}).node("Relu", {"a"}, {"b"}).node("Relu", {"b"}, {"y"});
    CHECK(faults(cycle) == "net.onnx: error: cycle: node 'a_node' waits for itself");
    OnnxModel twice;
    twice.input("x", {"1", "4"}).output("y").node("Relu", {"x"}, {"y"});
    twice.node("Tanh", {"x"}, {"y"}).node("Relu", {"y"}, {"z"}).output("z");
    CHECK(faults(twice).find("value 'y' is made twice") != std::string::npos);
    OnnxModel dangling;
    dangling.input("x", {"1", "4"}).output("y").node("Add", {"x", "nowhere"}, {"y"});
    CHECK(faults(dangling) ==
          "net.onnx: error: operator Add, node 'y_node': nothing makes its input 'nowhere'");
    OnnxModel shapes;
    shapes.input("x", {"1", "4"}).input("z", {"1", "5"}).output("y");
    shapes.node("Add", {"x", "z"}, {"y"});
    CHECK(faults(shapes) ==
          "net.onnx: error: operator Add, node 'y_node': shapes do not meet: [1, 4] and [1, 5]");
    OnnxModel negative;
    negative.input("x", {"1", "-4"}).output("y").node("Relu", {"x"}, {"y"});
    CHECK(faults(negative) == "net.onnx: error: input 'x': a size of -4");
    OnnxModel huge;
    huge.input("x", {"1", "9000000000000000000", "9000000000000000000"}).output("y");
    huge.node("Relu", {"x"}, {"y"});
    CHECK(faults(huge).find("is too large") != std::string::npos);
    OnnxModel filters;
    filters.input("x", {"1", "4", "6", "6"}).output("y");
    filters.weights("w", {-1, 4, 3, 3}).node("Conv", {"x", "w"}, {"y"});
    CHECK(faults(filters).find("a tensor of shape [-1, 4, 3, 3] has no words") !=
          std::string::npos);
}

TEST_CASE("Tensors cost no memory, and what is left is bounded, whatever a file holds") {
    OnnxModel model;
    model.input("x", {"1", "4"}).output("y").integers("big", Ints(2'000'000, 1));
    model.node("Relu", {"x"}, {"y"});
    CHECK(model.bytes().size() > 2'000'000);
    CHECK(lines(model) == "  - {name: y_node, op: relu}\n");
    // A graph (field 7) of five million empty nodes (field 1), two bytes each.
    std::string nodes;
    for (int n = 0; n < 5'000'000; ++n) {
        nodes += "\x0A";
        nodes += '\0';
    }
    std::string bytes(1, '\x3A');
    for (std::size_t rest = nodes.size(); rest > 0; rest >>= 7U) {
        bytes += static_cast<char>((rest & 0x7FU) | (rest > 0x7F ? 0x80U : 0U));
    }
    CHECK(import_faults("net.onnx", bytes + nodes) ==
          "net.onnx: error: is larger than any model is without its tensors");
    OnnxModel many;
    many.input("x", {"1", "4"}).output("y");
    for (int n = 0; n < 100'001; ++n) {
        many.node("Relu", {"x"}, {"y" + std::to_string(n)});
    }
    CHECK(faults(many) == "net.onnx: error: more than 100,000 nodes");
}

TEST_CASE("A model cut off anywhere is one clear line or a shorter model") {
    OnnxModel model;
    model.input("x", {"1", "4", "6", "6"}).output("y").weights("w", {4, 4, 1, 1});
    model.node("Conv", {"x", "w"}, {"c"}).node("Relu", {"c"}, {"y"});
    const std::string whole = model.bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const std::string fault = import_faults("net.onnx", whole.substr(0, length));
        REQUIRE(std::count(fault.begin(), fault.end(), '\n') == 0);
    }
}

}  // namespace memwall
