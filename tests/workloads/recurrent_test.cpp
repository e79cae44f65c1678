// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <string>

#include "tests/workloads/network_text.hpp"

namespace memwall {
namespace {

using test::faults_of_layers;
using test::network_of_layers;

Shape shape_of(const Network& network, const std::string& tensor) {
    return network.tensor(network.find_tensor(tensor)).shape;
}

}  // namespace

TEST_CASE("An LSTM multiplies its inputs at once and its state step by step, with shared weights") {
    const Network network = network_of_layers("[5, 3]", "- {name: n, op: lstm, hidden: 4}\n");
    CHECK(shape_of(network, "n") == Shape{5, 4});
    // The first step has no state: 5 steps of inputs, 4 of states.
    CHECK(network.macs() == 5 * 16 * 3 + 4 * 16 * 4);
    CHECK(network.weights() == 16 * 3 + 16 * 4);
    CHECK(network.parameters() == network.weights() + 16);
    const TensorId shared = network.layer(network.find_layer("n.recurrent2")).weights;
    CHECK(shared == network.layer(network.find_layer("n.recurrent5")).weights);
    // gates 16, cells 10 and 16, hidden 10 a unit
    CHECK(network.vector_operations() == 4 * (4 * 4 + 10 + 4 * 16 + 5 * 10));
    CHECK(network.layer(network.find_layer("n")).no_work);  // the states are made in its place
}

TEST_CASE("An LSTM with a state, peepholes and a projection has their products and parameters") {
    const Network network = test::network_of(
        "network: n\ninputs: {x: [5, 3], h: [1, 2], c: [1, 4]}\nlayers:\n"
        "- {name: n, op: lstm, inputs: [x, h, c], hidden: 4, projection: 2, peepholes: true, "
        "result: last, bias: false}\n");
    CHECK(shape_of(network, "n") == Shape{1, 2});
    CHECK(network.macs() == 5 * (16 * 3 + 16 * 2 + 4 * 2));
    CHECK(network.weights() == 16 * 3 + 16 * 2 + 4 * 2);
    CHECK(network.parameters() == network.weights() + 3 * 4);
    CHECK(network.vector_operations() == 5 * 4 * (4 + 20 + 12));
}

TEST_CASE("A GRU has three gates and resets the product of its state") {
    const Network network =
        network_of_layers("[3, 5]", "- {name: n, op: gru, hidden: 2, result: last}\n");
    CHECK(shape_of(network, "n") == Shape{1, 2});
    CHECK(network.macs() == 3 * 6 * 5 + 2 * 6 * 2);
    CHECK(network.weights() == 6 * 5 + 6 * 2);
    CHECK(network.parameters() == network.weights() + 2 * 6);
    CHECK(network.vector_operations() == 2 * (16 + 2 * 21));
}

TEST_CASE("A plain cell is a function of a sum of two products") {
    const Network network = network_of_layers("[5, 3]", "- {name: n, op: rnn, hidden: 4}\n");
    CHECK(shape_of(network, "n") == Shape{5, 4});
    CHECK(network.macs() == 5 * 4 * 3 + 4 * 4 * 4);
    CHECK(network.weights() == 4 * 3 + 4 * 4);
    CHECK(network.parameters() == network.weights() + 4);
    CHECK(network.vector_operations() == 5 * 4 * 5 + 4 * 4);
    const Network continued = test::network_of(
        "network: n\ninputs: {x: [5, 3], h: [1, 4]}\nlayers:\n"
        "- {name: n, op: rnn, inputs: [x, h], hidden: 4, activation: relu, result: last}\n");
    CHECK(shape_of(continued, "n") == Shape{1, 4});
    CHECK(continued.macs() == 5 * (4 * 3 + 4 * 4));
    CHECK(continued.vector_operations() == 5 * 4 * 2);
}

TEST_CASE("Cells that use the weights of others count none of their own") {
    const std::string inputs = "network: n\ninputs: {x: [3, 2], z: [5, 2]}\nlayers:\n";
    for (const char* op : {"rnn", "lstm", "gru"}) {
        const std::string cells = std::string(", op: ") + op + ", hidden: 4";
        const Network one = test::network_of(inputs + "- {name: a, inputs: [z]" + cells + "}\n" +
                                             "- {name: b, op: relu, inputs: [x]}\n");
        const Network two = test::network_of(inputs + "- {name: a, inputs: [z]" + cells + "}\n" +
                                             "- {name: b, inputs: [x]" + cells + ", weights: a}\n");
        INFO(op);
        CHECK(two.weights() == one.weights());
        CHECK(two.parameters() == one.parameters());
        CHECK(two.layer(two.find_layer("b.recurrent3")).weights ==
              two.layer(two.find_layer("a.recurrent5")).weights);
    }
    CHECK(test::faults_of(inputs + "- {name: a, inputs: [z], op: gru, hidden: 4}\n"
                                   "- {name: b, inputs: [x], op: gru, hidden: 5, weights: a}\n")
              .find("'b' needs weights of shape [15, 2], those of 'a.inputs' are [12, 2]") !=
          std::string::npos);
}

TEST_CASE("A cell reads each gate where it lies") {
    const Network network = network_of_layers("[2, 3]", "- {name: n, op: lstm, hidden: 4}\n");
    const Layer& cell = network.layer(network.find_layer("n.cell2"));
    REQUIRE(cell.space.operands.size() == 5);
    for (std::size_t gate = 0; gate < 3; ++gate) {
        const Region region = image(cell.space.operands[gate].projection, cell.space.box());
        CHECK(region[2].size() == 4);
        CHECK(region[2].begin % 4 == 0);
    }
}

TEST_CASE("What is no sequence, or has another state, is told") {
    const std::string at = "net.yaml:5:3: error: layer 'n': ";
    CHECK(faults_of_layers("[5]", "- {name: n, op: lstm, hidden: 4}\n") ==
          at + "expected an input of shape [steps, features] with at most 10000 steps, found [5]");
    CHECK(faults_of_layers("[5, 3]", "- {name: n, op: gru, inputs: [x, x], hidden: 4}\n") ==
          at + "expected a state of shape [1, 4], found [5, 3]");
    CHECK(faults_of_layers("[5, 3]", "- {name: n, op: lstm}\n").find("'hidden'") !=
          std::string::npos);
}

}  // namespace memwall
