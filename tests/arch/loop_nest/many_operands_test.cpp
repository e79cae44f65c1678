// SPDX-License-Identifier: Apache-2.0
// Layers of many operands on loop nests: gradients of recurrent cells, and parts that are joined.
#include <algorithm>
#include <catch2/catch.hpp>

#include "arch/executor.hpp"
#include "arch/mapper.hpp"
#include "tests/support/machines.hpp"
#include "workloads/training.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

std::size_t most_operands(const Network& network) {
    std::size_t most = 0;
    for (const Layer& layer : network.layers()) {
        most = std::max(most, layer.space.operands.size());
    }
    return most;
}

Mapping mapped(const Network& network, const Machine& machine) {
    MapperOptions options;
    options.effort = Effort::quick;
    options.images = true;
    return map_network(network, machine, options);
}

/// On a machine whose memories keep operands of every role.
void prove(const Network& network) {
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    ExecutionOptions execution;
    execution.buffered = {{machine.find("core_buffer"), 2}};
    const Mapping mapping = mapped(network, machine);
    CHECK(execute(network, machine, mapping.program, execution).outputs > 0);
}

}  // namespace

TEST_CASE(
    "A training step of every recurrent form is mapped on every loop nest, and computes that") {
    std::size_t most = 0;
    for (const char* form :
         {"rnn, hidden: 7", "lstm, hidden: 7", "lstm, hidden: 7, peepholes: true",
          "lstm, hidden: 7, projection: 2", "gru, hidden: 7", "gru, hidden: 7, result: last"}) {
        const Network network = test::network_of_text(
            "network: n\nprecision: int8\ninputs: {x: [2, 6]}\nlayers: [{name: g, op: " +
            std::string(form) + "}]\n");
        const Network step = training_step(with_batch(network, 2), Optimizer::sgd);
        most = std::max(most, most_operands(step));
        INFO(form);
        prove(step);
        for (const char* name : {"scalesim_32x32", "eyeriss", "timeloop_eyeriss_like"}) {
            INFO("on " << name);
            const Mapping mapping = mapped(step, test::shipped_machine(name));
            CHECK(mapping.layers.size() == step.layers().size());
        }
    }
    CHECK(most > 8);
}

TEST_CASE("A layer that joins as many parts as one likes computes what it is on a loop nest") {
    for (const int parts : {9, 31, 32, 33, 70}) {
        std::string layers;
        std::string joined = "x";
        for (int p = 1; p < parts; ++p) {
            const std::string part = "p" + std::to_string(p);
            layers += "  - {name: " + part + ", op: relu, inputs: [x]}\n";
            joined += ", " + part;
        }
        const Network network = test::network_of_text(
            "network: n\nprecision: int8\ninputs: {x: [3, 2]}\nlayers:\n" + layers +
            "  - {name: c, op: concat, axis: 1, inputs: [" + joined +
            "]}\n  - {name: again, op: concat, axis: 1, inputs: [" + joined + "]}\n");
        INFO(parts << " parts");
        prove(with_batch(network, 2));
    }
}

}  // namespace memwall
