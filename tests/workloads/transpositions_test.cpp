// SPDX-License-Identifier: Apache-2.0
// Which transpositions are free, in a network file and in an ONNX model of the same layers.
#include "workloads/transpositions.hpp"

#include <catch2/catch.hpp>

#include "tests/workloads/importers/imported_onnx.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/describe.hpp"
#include "workloads/training.hpp"

namespace memwall {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

/// MACs, elementwise operations and bytes of all layers.
struct Cost {
    std::int64_t macs = 0;
    std::int64_t operations = 0;
    std::int64_t bytes = 0;

    friend bool operator==(const Cost&, const Cost&) = default;
};

Cost cost_of(const Network& network) {
    const NetworkSummary summary = describe(network);
    Cost cost = {summary.macs, summary.vector_operations, 0};
    for (const LayerRow& row : summary.layers) {
        cost.bytes += static_cast<std::int64_t>(row.bytes().count());
    }
    return cost;
}

Network written(const std::string& shape, const std::string& layers) {
    return network_of("network: net\nsource: test\nprecision: fp32\ninputs: {x: " + shape +
                      "}\nlayers:\n" + layers);
}

/// Elementwise operations of the layers called `transpose`: words that are copied.
std::int64_t copied(const Network& network) {
    std::int64_t words = 0;
    for (const Layer& layer : network.layers()) {
        words += layer.op == "transpose" ? layer.vector_operations() : 0;
    }
    return words;
}

std::int64_t copied(const std::string& shape, const std::string& layers) {
    return copied(written(shape, layers));
}

}  // namespace

TEST_CASE("A transposition before a product that can walk its operand so is free") {
    const std::string pair =
        "- {name: q, op: linear, inputs: [x], out_features: 8}\n"
        "- {name: k, op: linear, inputs: [x], out_features: 8}\n";
    const Network turned = written("[6, 4]", pair +
                                                 "- {name: t, op: transpose, order: [1, 0]}\n"
                                                 "- {name: s, op: matmul, inputs: [q, t]}\n");
    CHECK(copied(turned) == 0);
    CHECK(cost_of(turned) ==
          cost_of(written("[6, 4]",
                          pair + "- {name: s, op: matmul, inputs: [q, k], transpose: true}\n")));
    // The input of the network, for a convolution: channels come to the front.
    CHECK(copied("[8, 8, 3]",
                 "- {name: t, op: transpose, order: [2, 0, 1]}\n"
                 "- {name: c, op: conv, out_channels: 4, kernel: 3}\n") == 0);
}

TEST_CASE("Heads that attention splits and merges are free on both sides") {
    // Linear layers write [positions, heads, features] as heads; the next one sums over both.
    const std::string attention =
        "- {name: q, op: linear, out_features: 8}\n"
        "- {name: qh, op: reshape, shape: [6, 2, 4]}\n"
        "- {name: qt, op: transpose, order: [1, 0, 2]}\n"
        "- {name: soft, op: softmax}\n"
        "- {name: v, op: matmul, inputs: [soft, qt], transpose: true}\n"
        "- {name: c, op: matmul, inputs: [v, qt]}\n"
        "- {name: ct, op: transpose, order: [1, 0, 2]}\n"
        "- {name: cr, op: reshape, shape: [6, 8]}\n"
        "- {name: o, op: linear, out_features: 5}\n";
    CHECK(copied("[6, 4]", attention) == 0);
}

TEST_CASE("Windows, shuffled channels and what leaves the network are copies of all words") {
    const std::string windows =
        "- {name: n, op: layer_norm}\n- {name: r, op: reshape, shape: [2, 4, 2, 12]}\n"
        "- {name: t, op: transpose, order: [0, 2, 1, 3]}\n"
        "- {name: w, op: reshape, shape: [16, 12]}\n";
    CHECK(copied("[64, 3]", windows + "- {name: l, op: linear, out_features: 4}\n") == 192);
    CHECK(copied("[8, 4, 4]",
                 "- {name: a, op: conv, out_channels: 8, kernel: 1, groups: 2}\n"
                 "- {name: r, op: reshape, shape: [2, 4, 16]}\n"
                 "- {name: t, op: transpose, order: [1, 0, 2]}\n"
                 "- {name: b, op: reshape, shape: [8, 4, 4]}\n"
                 "- {name: c, op: conv, out_channels: 8, kernel: 3, groups: 8}\n") == 128);
    CHECK(copied("[8, 4]", "- {name: a, op: relu}\n- {name: t, op: transpose, order: [1, 0]}\n") ==
          32);
    // A product writes what leaves the network as it is wanted.
    CHECK(copied("[8, 4]",
                 "- {name: a, op: linear, out_features: 4}\n"
                 "- {name: t, op: transpose, order: [1, 0]}\n") == 0);
}

TEST_CASE("One reader that cannot reach the words makes a transposition a copy") {
    const std::string turned =
        "- {name: a, op: relu}\n- {name: t, op: transpose, order: [1, 0]}\n"
        "- {name: l, op: linear, out_features: 4}\n";
    CHECK(copied("[6, 8]", turned) == 0);
    CHECK(copied("[6, 8]", turned + "- {name: flat, op: reshape, inputs: [t], shape: [12, 4]}\n"
                                    "- {name: n, op: layer_norm}\n") == 48);
    // Joined with another tensor, the copy is made in its place there.
    CHECK(copied("[6, 8]", turned + "- {name: b, op: concat, inputs: [t, t]}\n") == 48);
}

TEST_CASE("A part of a transposed tensor is read where it lies, two turns as one") {
    CHECK(copied("[6, 8]",
                 "- {name: a, op: relu}\n- {name: t, op: transpose, order: [1, 0]}\n"
                 "- {name: s, op: slice, begin: 2, end: 5}\n"
                 "- {name: l, op: linear, out_features: 4}\n") == 0);
    const std::string twice =
        "- {name: a, op: relu}\n- {name: t, op: transpose, order: [1, 0]}\n"
        "- {name: u, op: transpose, order: [1, 0]}\n";
    CHECK(copied("[6, 8]", twice + "- {name: l, op: linear, out_features: 4}\n") == 0);
    // Cut elsewhere between the two, the words are where no reader with one stride finds them.
    CHECK(copied("[6, 8]",
                 "- {name: a, op: relu}\n- {name: t, op: transpose, order: [1, 0]}\n"
                 "- {name: r, op: reshape, shape: [12, 4]}\n"
                 "- {name: u, op: transpose, order: [1, 0]}\n"
                 "- {name: l, op: softmax}\n") > 0);
}

TEST_CASE("A training step turns the gradient of a transposition back") {
    const Network network = written("[6, 4]",
                                    "- {name: a, op: linear, out_features: 8}\n"
                                    "- {name: t, op: transpose, order: [1, 0]}\n"
                                    "- {name: l, op: linear, out_features: 5}\n");
    const Network step = training_step(network, Optimizer::sgd);
    CHECK(step.find_layer("t.input_gradient").valid());
    CHECK(copied(step) == 0);
    CHECK(copied(network) == 0);
}

TEST_CASE("An ONNX model has the transpositions of the network file, at the same cost") {
    // Heads, which the product writes so.
    OnnxModel heads;
    heads.input("x", {"1", "64", "3"}).output("y").weights("w", {3, 8});
    heads.integers("split", {1, 64, 2, 4}).node("MatMul", {"x", "w"}, {"a"});
    heads.node("Reshape", {"a", "split"}, {"r"});
    heads.node("Transpose", {"r"}, {"t"}, {{"perm", Ints{0, 2, 1, 3}}});
    heads.node("Softmax", {"t"}, {"y"});
    const std::string heads_as_file =
        "- {name: a, op: linear, out_features: 8, bias: false}\n"
        "- {name: r, op: reshape, shape: [64, 2, 4]}\n"
        "- {name: t, op: transpose, order: [1, 0, 2]}\n"
        "- {name: y, op: softmax}\n";
    const ImportedNetwork free = imported("net.onnx", heads.bytes());
    CHECK(copied(free.network) == 0);
    CHECK(cost_of(free.network) == cost_of(written("[64, 3]", heads_as_file)));
    CHECK(notes(free) ==
          "1 transposition costs nothing: the layers around read or write in the other order\n");

    // Windows of 4 by 2 places.
    OnnxModel windows;
    windows.input("x", {"1", "64", "3"}).output("y").weights("u", {12, 4});
    windows.integers("split", {1, 2, 4, 2, 12}).integers("merged", {1, 16, 12});
    windows.node("Relu", {"x"}, {"a"}).node("Reshape", {"a", "split"}, {"r"});
    windows.node("Transpose", {"r"}, {"t"}, {{"perm", Ints{0, 1, 3, 2, 4}}});
    windows.node("Reshape", {"t", "merged"}, {"b"}).node("MatMul", {"b", "u"}, {"y"});
    const ImportedNetwork cut = imported("net.onnx", windows.bytes());
    CHECK(copied(cut.network) == 192);
    CHECK(cost_of(cut.network) ==
          cost_of(written("[64, 3]",
                          "- {name: a, op: relu}\n- {name: r, op: reshape, shape: [2, 4, 2, 12]}\n"
                          "- {name: t, op: transpose, order: [0, 2, 1, 3]}\n"
                          "- {name: b, op: reshape, shape: [16, 12]}\n"
                          "- {name: y, op: linear, out_features: 4, bias: false}\n")));
    CHECK(notes(cut) == "1 transposition is a copy\n");
}

TEST_CASE("K transposed in an ONNX model is read transposed by its product") {
    OnnxModel model;
    model.input("q", {"1", "2", "6", "4"}).input("k", {"1", "2", "5", "4"}).output("y");
    model.node("Transpose", {"k"}, {"t"}, {{"perm", Ints{0, 1, 3, 2}}});
    model.node("MatMul", {"q", "t"}, {"y"});
    CHECK(lines(model) == "  - {name: y_node, op: matmul, inputs: [q, k], transpose: true}\n");
}

}  // namespace memwall
