// SPDX-License-Identifier: Apache-2.0
// Mapped programs on the shipped machines: schedules hold, engines agree.
#include <catch2/catch.hpp>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "sim/invariants.hpp"
#include "sim/replay.hpp"
#include "sim/replay_engine.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/support/machines.hpp"
#include "workloads/network_yaml.hpp"
#include "workloads/training.hpp"
#include "workloads/transforms.hpp"

using namespace memwall;
using memwall::test::shipped_machine;
using memwall::test::shipped_network;

namespace {

Network lenet() {
    return shipped_network("lenet");
}

/// The steady part only: a first round may wait for its weights to be loaded.
ReplayOptions steady() {
    ReplayOptions options;
    options.window.warmup = 1;
    return options;
}

std::int64_t stalls(const Outcome& outcome) {
    std::int64_t sum = 0;
    for (const LayerOutcome& layer : outcome.layers) {
        sum += layer.stalls;
    }
    return sum;
}

}  // namespace

TEST_CASE(
    "a static schedule runs without stalls, and with stalls where a network is a tenth narrower") {
    const Machine machine = shipped_machine("northpole");
    const Mapping mapping = map_network(shipped_network("resnet50"), machine, {Effort::quick, 3});
    const Outcome outcome = replay_without_kernel(mapping.program, machine, steady());
    CHECK(stalls(outcome) == 0);
    int meshes = 0;
    for (const ComponentId mesh : machine.of_kind(ComponentKind::mesh)) {
        if (outcome.components[mesh.position()].busy_max == Picoseconds(0)) {
            continue;  // a network that this program does not use
        }
        ++meshes;
        INFO(machine.component(mesh).name);
        const Outcome narrow =
            replay_without_kernel(mapping.program, machine.with_link_scaled(mesh, 0.9), steady());
        CHECK(stalls(narrow) > 0);
        // Programs come late, but are fetched so far ahead that no layer waits.
        const bool ahead = mesh == machine.find("instruction_network");
        CHECK((ahead ? narrow.end == outcome.end : narrow.end > outcome.end));
    }
    CHECK(meshes > 0);
}

TEST_CASE("a steady stream has no late step at any precision or batch") {
    const Machine machine = shipped_machine("northpole");
    for (const char* precision : {"int8", "int4"}) {
        const Network network = with_precision(shipped_network("resnet50"),
                                               std::get<0>(parse_precision_policy(precision)));
        for (const std::int64_t batch : {1, 4}) {
            INFO(precision << ", batch " << batch);
            const Mapping mapping =
                map_network(with_batch(network, batch), machine, {Effort::quick, 4});
            CHECK(stalls(replay_without_kernel(mapping.program, machine, steady())) == 0);
        }
    }
}

TEST_CASE("mapped programs: SystemC agrees with the plain loop, counts with the estimate") {
    for (const char* name : {"von_neumann", "von_neumann_cached", "northpole", "t4",
                             "scalesim_32x32", "eyeriss", "dadiannao_like"}) {
        INFO(name);
        const Machine machine = shipped_machine(name);
        const Mapping mapping = map_network(lenet(), machine, {});
        const Outcome plain = replay_without_kernel(mapping.program, machine, steady());
        ReplayOptions reverse = steady();
        reverse.reverse_agents = true;
        CHECK(test::full_text(replay(mapping.program, machine, reverse)) == test::full_text(plain));
        const Outcome estimated = estimate(mapping.program, machine, steady().window);
        CHECK_NOTHROW(check_against_estimate(mapping.program, plain, estimated));
    }
}

TEST_CASE("a replayed update of weights takes little longer than its bytes at the DRAM's peak") {
    const Machine machine = shipped_machine("von_neumann");
    Diagnostics faults;
    const Network network =
        load_network(read_yaml_text("network: n\nprecision: int8\ninputs: {x: [2048]}\nlayers:\n"
                                    "- {name: a, op: linear, out_features: 2048}\n"
                                    "- {name: b, op: linear, out_features: 2048}\n",
                                    "n.yaml", faults),
                     faults);
    faults.throw_if_any();
    for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::adam}) {
        INFO(name(optimizer));
        const Mapping mapping = map_network(training_step(network, optimizer), machine, {});
        const Window window{0};
        const Outcome bound = estimate(mapping.program, machine, window);
        ReplayOptions options;
        options.window = window;
        const Outcome outcome = replay_without_kernel(mapping.program, machine, options);
        CHECK(outcome.end.count() < bound.end.count() * 13 / 10);
    }
}

TEST_CASE("results leave a chip's cores before those of later rounds take their room") {
    // The host link is slower than the chip: results wait for their way out.
    const Machine machine = shipped_machine("tiny_northpole");
    for (const char* network : {"tiny_pointwise", "tiny_two"}) {
        INFO(network);
        const Mapping mapping = map_network(shipped_network(network), machine, {Effort::quick, 64});
        const Outcome outcome = replay_without_kernel(mapping.program, machine, {});
        CHECK(outcome.round_end.size() == 64);
    }
}

TEST_CASE("inputs come into a chip's cores in place of those of two rounds before") {
    // The host is faster than the chip, whose cores have room for the inputs of two rounds.
    const Machine machine = shipped_machine(
        "tiny_northpole",
        {{"components.host.bandwidth", "1 TB/s"}, {"components.host.latency", "1 ns"}});
    const Network network = test::network_of_text(
        "network: n\nprecision: int8\ninputs: {x: [16, 16, 16]}\nlayers:\n"
        "- {name: a, op: conv, kernel: [2, 2], groups: 16, out_channels: 16}\n");
    const Mapping mapping = map_network(network, machine, {Effort::quick, 8});
    CHECK(replay_without_kernel(mapping.program, machine, {}).round_end.size() == 8);
}
