// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/workloads/network_text.hpp"
#include "workloads/layer_entries.hpp"

namespace memwall {
namespace {

using test::faults_of_layers;
using test::network_of_layers;

std::string names(const Network& network) {
    std::string all;
    for (const Layer& layer : network.layers()) {
        all += layer.name + "(";
        for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
            all += (i == 0 ? "" : " ") + network.tensor(layer.inputs[i]).name;
        }
        all += ") ";
    }
    return all;
}

}  // namespace

TEST_CASE("A repeated block counts its names and reads the block before it") {
    CHECK(
        names(network_of_layers("[4]",
                                "- {name: first, op: relu}\n"
                                "- repeat: 2\n"
                                "  from: 2\n"
                                "  layers:\n"
                                "  - {name: 's{i}_a', op: relu}\n"
                                "  - {name: 's{i}_b', op: add, inputs: ['s{i}_a', '{previous}']}\n"
                                "- {name: last, op: relu}\n")) ==
        "first(x) s2_a(first) s2_b(s2_a first) s3_a(s2_b) s3_b(s3_a s2_b) last(s3_b) ");
}

TEST_CASE("Blocks may stand inside blocks, each with its own counter") {
    CHECK(
        names(network_of_layers("[4]",
                                "- repeat: 2\n"
                                "  layers:\n"
                                "  - repeat: 2\n"
                                "    index: j\n"
                                "    from: 0\n"
                                "    layers:\n"
                                "    - {name: 'a{i}{j}', op: add, inputs: ['{previous}', x]}\n")) ==
        "a10(x x) a11(a10 x) a20(a11 x) a21(a20 x) ");
}

TEST_CASE("A block that runs once needs no counter in its names") {
    CHECK(names(network_of_layers("[4]", "- repeat: 1\n  layers: [{name: a, op: relu}]\n")) ==
          "a(x) ");
}

TEST_CASE("A fault in a repeated block is told once") {
    CHECK(faults_of_layers("[4]",
                           "- repeat: 3\n"
                           "  layers:\n"
                           "  - {name: 'a{i}', op: reluu}\n"
                           "  - {name: 'b{i}', op: conv, out_channels: 1, kernel: 1, inputs: x}\n"
                           "  - {name: 'c{i}', op: relu, inputs: y0y0y0}\n") ==
          "net.yaml:7:24: error: unknown op 'reluu'; did you mean 'relu'?\n"
          "net.yaml:8:5: error: layer 'b1': a window needs an input of shape [channels, length], "
          "[channels, rows, columns] or [channels, depth, rows, columns], "
          "found [4]\n"
          "net.yaml:9:38: error: unknown input 'y0y0y0' of layer 'c1'; expected one of a1, a2, a3, "
          "b1, b2, b3, "
          "c1, c2, c3, x");
}

TEST_CASE("Each mistake in a block has its sentence") {
    const auto fault = [](const std::string& block) { return faults_of_layers("[4]", block); };
    CHECK(fault("- repeat: 2\n  layers: [{name: a, op: relu}]\n") ==
          "net.yaml:6:19: error: the name of a repeated layer needs {i}, found 'a'");
    CHECK(fault("- repeat: 2\n  layers: [{name: 'a{i}{k}', op: relu}]\n") ==
          "net.yaml:6:19: error: unknown placeholder '{k}' in 'a{i}{k}'; expected one of previous, "
          "i");
    CHECK(fault("- {name: 'a{i}', op: relu}\n") ==
          "net.yaml:5:10: error: unknown placeholder '{i}' in 'a{i}'; only a repeated layer or "
          "'parameters' has one");
    CHECK(fault("- repeat: 0\n  layers: [{name: 'a{i}', op: relu}]\n") ==
          "net.yaml:5:11: error: 'repeat' in repeat: expected a value above zero, found '0'");
    CHECK(fault("- repeat: 2\n").rfind("net.yaml:5:3: error: missing key 'layers' in repeat", 0) ==
          0);
    CHECK(fault("- repeat: 2\n  index: previous\n  layers: [{name: 'a{i}', op: relu}]\n") ==
          "net.yaml:6:10: error: 'index' in repeat: 'previous' stands for something else");
    CHECK(fault("- repeat: 60000\n  layers: [{name: 'a{i}', op: relu}]\n") ==
          "net.yaml:5:11: error: more than 50,000 layers");
    CHECK(
        fault(
            "- repeat: 40000\n  layers: [{name: 'a{i}', op: relu}, {name: 'b{i}', op: relu}]\n") ==
        "net.yaml:6:12: error: more than 50,000 layers");
}

TEST_CASE("Cells that unroll to more layers than a network has are one fault, met at once") {
    // 5 layers a step: the fifth of these has the 200,000th.
    std::string layers;
    for (int layer = 1; layer <= 40; ++layer) {
        layers += "- {name: l" + std::to_string(layer) + ", op: lstm, hidden: 4}\n";
    }
    CHECK(faults_of_layers("[9000, 4]", layers) ==
          "net.yaml:9:3: error: more than 200,000 layers at layer 'l5', each step of a cell and "
          "each part of an attention counted");
}

}  // namespace memwall
