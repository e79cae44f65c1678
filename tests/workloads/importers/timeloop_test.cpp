// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temporary_folder.hpp"
#include "tests/workloads/importers/imported.hpp"

namespace memwall {

using namespace test;

TEST_CASE("Timeloop's named shape is read with its strides and dilations") {
    const ImportedNetwork net =
        imported("p.yaml",
                 "problem:\n  shape: cnn-layer\n  C: 3\n  K: 8\n  R: 3\n  S: 3\n  P: 6\n  Q: 5\n"
                 "  N: 1\n  Wstride: 2\n  Hdilation: 2\n");
    CHECK(layer_lines(net.network) ==
          "  - {name: conv, op: conv, out_channels: 8, kernel: 3, stride: [2, 1], dilation: [1, "
          "2], bias: false}\n");
    CHECK(net.network.macs() == 6 * 5 * 9 * 3 * 8);
}

TEST_CASE("Timeloop's own shapes are read where they are products") {
    const std::string gemm =
        "problem:\n  version: 0.4\n  instance: {M: 16, N: 32, K: 8}\n  shape:\n"
        "    dimensions: [M, N, K]\n    data-spaces:\n"
        "    - {name: A, projection: [[[M]], [[K]]]}\n"
        "    - {name: B, projection: [[[N]], [[K]]]}\n"
        "    - {name: Z, projection: [[[M]], [[N]]], read-write: true}\n";
    const Network network = imported("p.yaml", gemm).network;
    CHECK(network.macs() == 16 * 32 * 8);
    CHECK(network.layers()[0].op == "linear");
    CHECK(notes(imported("p.yaml", gemm)).find("' is taken for the weights and '") !=
          std::string::npos);
    const std::string three = gemm + "    - {name: Y, projection: [[[M]]]}\n";
    CHECK(import_faults("p.yaml", three).find("the shape has 4 data spaces") != std::string::npos);
    CHECK(import_faults("p.yaml", "problem: {shape: rnn}\n") ==
          "p.yaml:1:18: error: unknown shape 'rnn'; expected cnn-layer or a map of dimensions and "
          "data spaces");
    CHECK(import_faults("p.yaml", "problem: {C: -1}\n")
              .find("'C': expected a number from 1 to 2147483648, found '-1'") !=
          std::string::npos);
}

namespace {

/// A problem of three data spaces, the last of which is written.
std::string timeloop(const std::string& instance, const std::string& dims, const std::string& first,
                     const std::string& second, const std::string& made) {
    return "problem:\n  instance: {" + instance + "}\n  shape:\n    dimensions: [" + dims +
           "]\n    data_spaces:\n    - {name: " + first + "}\n    - {name: " + second +
           "}\n    - {name: " + made + ", read_write: true}\n";
}

}  // namespace

TEST_CASE("The operand of a Timeloop product that no batch belongs to is its weights") {
    for (const bool named : {true, false}) {
        const ImportedNetwork net = imported(
            "p.yaml", timeloop("M: 16, N: 32, K: 64, B: 4", "M, N, K, B",
                               "A, projection: [[[B]], [[M]], [[K]]]",
                               std::string(named ? "W" : "E") + ", projection: [[[K]], [[N]]]",
                               "Z, projection: [[[B]], [[M]], [[N]]]"));
        CHECK(layer_lines(net.network) ==
              "  - {name: linear, op: linear, out_features: 32, bias: false}\n");
        CHECK(net.network.weights() == 64 * 32);
        CHECK(net.network.macs() == 16 * 32 * 64);
        CHECK(notes(net) ==
              "the problem has a batch of 4: the network is of one item, run it with --batch 4\n");
    }
}

TEST_CASE("Without names the operand whose loops lead the result of Timeloop has the positions") {
    const auto weights = [](const std::string& made) {
        return imported("p.yaml",
                        timeloop("M: 16, N: 32, K: 8", "M, N, K", "A, projection: [[[M]], [[K]]]",
                                 "B, projection: [[[K]], [[N]]]", "Z, projection: " + made))
            .network.weights();
    };
    CHECK(weights("[[[M]], [[N]]]") == 8 * 32);
    CHECK(weights("[[[N]], [[M]]]") == 8 * 16);
}

TEST_CASE("A Timeloop product of each head without weights is a matmul, in either order") {
    const auto read = [](const std::string& made) {
        return imported(
            "p.yaml", timeloop("H: 8, M: 16, N: 32, K: 4", "H, M, N, K",
                               "Q, projection: [[[H]], [[M]], [[K]]]",
                               "Kt, projection: [[[H]], [[N]], [[K]]]", "S, projection: " + made));
    };
    const ImportedNetwork scores = read("[[[H]], [[M]], [[N]]]");
    CHECK(layer_lines(scores.network) ==
          "  - {name: matmul, op: matmul, inputs: [inputs, second], transpose: true}\n");
    CHECK(scores.network.tensor(scores.network.inputs()[0]).shape == Shape{8, 16, 4});
    CHECK(scores.network.tensor(scores.network.inputs()[1]).shape == Shape{8, 32, 4});
    CHECK(scores.network.weights() == 0);
    CHECK(scores.network.macs() == 8 * 16 * 32 * 4);
    CHECK(notes(scores).find("'Q' and 'Kt' are both taken for activations") == 0);
    const Network turned = read("[[[H]], [[N]], [[M]]]").network;
    CHECK(turned.tensor(turned.inputs()[0]).shape == Shape{8, 32, 4});
    CHECK(turned.macs() == scores.network.macs());
}

TEST_CASE("Timeloop's windows slide over up to three axes") {
    const std::string axes = "W, projection: [[[C]], [[M]], [[R]], [[S]], [[T]]]";
    const ImportedNetwork net = imported(
        "p.yaml",
        timeloop("C: 3, M: 8, R: 3, S: 3, T: 2, P: 8, Q: 7, D: 6", "C, M, R, S, T, N, P, Q, D",
                 axes, "I, projection: [[[N]], [[C]], [[R], [P]], [[S], [Q]], [[T], [D]]]",
                 "O, projection: [[[N]], [[M]], [[P]], [[Q]], [[D]]]"));
    CHECK(layer_lines(net.network) ==
          "  - {name: conv, op: conv, out_channels: 8, kernel: [3, 3, 2], bias: false}\n");
    CHECK(net.network.tensor(net.network.inputs()[0]).shape == Shape{3, 10, 9, 7});
    CHECK(net.network.macs() == 8 * 7 * 6 * 18 * 3 * 8);
}

TEST_CASE("Timeloop files may include others and build on them; faults are told where they stand") {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "base.yaml")
        << "base: &base\n  instance: {C: 1, K: 1, Wstride: 1}\n  shape: cnn-layer\n";
    const auto read = [&](const std::string& text) {
        return import_network({folder.path() / "p.yaml", "p.yaml", text}, "", {});
    };
    const ImportedNetwork net = read(
        "{{include_text('../base.yaml')}}\nproblem:\n  <<<: *base\n  instance: {K: 4, WStride: "
        "2, P: 3}\n");
    CHECK(net.network.macs() == 4 * 3);
    CHECK(net.network.tensor(net.network.inputs()[0]).shape == Shape{1, 5, 1});
    CHECK(notes(net).find("'WStride' is taken for 'Wstride'") == 0);
    CHECK_THROWS_WITH(read("{{include_text('no.yaml')}}\nproblem: {}\n"),
                      "p.yaml:1:1: error: no file 'no.yaml' to include");
    CHECK_THROWS_WITH(
        read("{{include_text('base.yaml')}}\nproblem: {<<<: *base, instance: {C: x}}\n"),
        "p.yaml:2:37: error: 'C': expected a whole number such as 16, found 'x'");
    std::ofstream(folder.path() / "loop.yaml") << "{{include_text('loop.yaml')}}\n";
    CHECK_THROWS_WITH(read("{{include_text('loop.yaml')}}\nproblem: {}\n"),
                      Catch::Contains("files include each other more than 8 deep"));
}

}  // namespace memwall
