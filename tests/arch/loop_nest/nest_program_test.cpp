// SPDX-License-Identifier: Apache-2.0
// How large a program of loop nests is.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/support/machines.hpp"

namespace memwall {

using Catch::Matchers::Contains;

namespace {

struct Mapped {
    std::size_t bodies = 0;
    std::size_t steps = 0;
    std::string outcome;
};

Mapped mapped(const Network& network, const Machine& machine, bool repetition) {
    MapperOptions options;
    options.effort = Effort::quick;
    options.rounds = 1;
    options.repetition = repetition;
    const Program program = map_network(network, machine, options).program;
    const auto source = program.make_source();
    Mapped all;
    std::set<const StepBody*> bodies;
    Next next;
    for (std::size_t agent = 0; agent < program.agents.size(); ++agent) {
        for (source->next(AgentId(agent), Picoseconds(0), next); next.kind == Next::Kind::step;
             source->next(AgentId(agent), Picoseconds(0), next)) {
            bodies.insert(next.step.body);
            ++all.steps;
        }
    }
    all.bodies = bodies.size();
    all.outcome = test::full_text(estimate(program, machine, Window{}));
    return all;
}

}  // namespace

TEST_CASE("Tiles that differ in where they lie alone are one body for the analytic engine") {
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    const Network network = test::network_of_text(
        "network: one\nprecision: int8\ninputs: {x: [64, 32, 32]}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 64, kernel: 1}\n");
    const Mapped where = mapped(network, machine, false);
    const Mapped anywhere = mapped(network, machine, true);
    INFO(where.steps << " steps of " << where.bodies << " and " << anywhere.bodies << " bodies");
    CHECK(anywhere.steps == where.steps);
    CHECK(anywhere.outcome == where.outcome);
    CHECK(where.bodies > where.steps / 4);
    CHECK(anywhere.bodies < where.bodies / 4);
}

TEST_CASE("A level with single buffers takes the time of its fills in the program too") {
    // 2,560 tiles: too many for moves of their own into the cores' memories.
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    const Network network = test::network_of_text(
        "network: one\nprecision: int8\ninputs: {x: [16, 12, 12]}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 16, kernel: 3}\n");
    const auto cycles = [&](const std::string& buffers) {
        Diagnostics faults;
        MapperOptions options;
        options.rounds = 1;
        options.given = read_yaml_text(
            "memwall: 1\nmapping: by_hand\nlayers:\n  a:\n"
            "    dram: {loops: [{K: 16}, {C: 16}]}\n    buffer: {loops: [{P: 10}]}\n"
            "    core_buffer: {loops: [{R: 3}, {S: 3}, {Q: 10}], buffers: " +
                buffers + "}\n",
            "mapping.yaml", faults);
        faults.throw_if_any();
        const Program program = map_network(network, machine, options).program;
        return estimate(program, machine, Window{}).end.count() / 1'000;
    };
    // Tiles have 36 inputs and 9 weights, from the buffer's 16 B a cycle.
    CHECK(cycles("single") - cycles("double") > 2'560 * (36 + 9) / 16);
}

TEST_CASE("What a loop nest cannot map is told before anything is searched") {
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    const auto told = [](const Network& network, const Machine& on, const std::string& given) {
        Diagnostics faults;
        MapperOptions options;
        if (!given.empty()) {
            options.given = read_yaml_text(given, "mapping.yaml", faults);
        }
        try {
            map_network(network, on, options);
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    const auto network = [](const std::string& inputs) {
        return test::network_of_text("network: one\nprecision: int8\ninputs: {x: " + inputs +
                                     "}\nlayers:\n  - {name: a, op: linear, out_features: 8}\n");
    };
    CHECK_THAT(told(network("[2000000]"), machine, ""),
               Contains("its inputs alone are 1.91 MiB of 1.00 MiB"));
    CHECK_THAT(told(network("[8]"), machine,
                    "memwall: 1\nmapping: by_hand\nlayers:\n  a:\n"
                    "    buffer: {bypass: [weights]}\n"
                    "    core_buffer: {loops: [{K: 8}, {C: 8}], bypass: [weights]}\n"),
               Contains("the weights of layer 'a' skip every memory of the chip"));
    const auto given = [](const std::string& levels) {
        return "memwall: 1\nmapping: by_hand\nlayers:\n  a:\n    " + levels + "\n";
    };
    CHECK(told(network("[8]"), machine, given("core_buffer: {loops: [{K: 4}]}")) ==
          "mapping.yaml:4:3: error: the loops of layer 'a' leave 2 of its 8 K, 8 of its 8 C "
          "undone; expected loops of its levels that finish each");
    CHECK(told(network("[8]"), machine, given("core_buffer: {bypass: [weights]}")) ==
          "mapping.yaml:4:3: error: the loops of layer 'a' leave 8 of its 8 K, 8 of its 8 C "
          "undone; none of its levels has 'loops' or 'spatial': expected loops that finish each, "
          "or the layer left out to have it searched");
    CHECK_THAT(told(network("[8]"), machine, given("core_buffer: {loops: [{Z: 8}]}")),
               Contains("unknown dimension 'Z'; expected one of N, K, C"));
    // A mapping may leave unused what a memory can do, but has no more than that.
    const std::string loops = "loops: [{K: 8}, {C: 8}], ";
    CHECK(told(network("[8]"), machine, given("core_buffer: {" + loops + "buffers: single}"))
              .empty());
    CHECK_THAT(told(network("[8]"), machine, given("core_buffer: {" + loops + "halo: kept}")),
               Contains("mapping.yaml:5:") &&
                   Contains("error: 'core_buffer' keeps no halo: expected 'refetched', or "));
    std::string single = test::text_of_machine("tiny_loop_nest");
    single.replace(single.find("spatial_sums: true"), 18, "buffers: single");
    CHECK_THAT(told(network("[8]"), test::machine_of_text(single),
                    given("core_buffer: {" + loops + "buffers: double}")),
               Contains("error: 'core_buffer' has one buffer: expected 'single', or two"));
    std::string apart = test::text_of_machine("tiny_loop_nest");
    apart.replace(apart.find("[core_buffer, array]"), 20, "[buffer, array]");
    CHECK_THAT(told(network("[8]"), test::machine_of_text(apart), ""),
               Contains("needs a connection of 'array' with 'core_buffer'"));
    const std::string bare =
        told(network("[8]"),
             test::machine_of_text(
                 "machine: bare\ntechnology: round\nclock: 1 GHz\nmapper: loop_nest\n"
                 "components:\n"
                 "  dram: {kind: dram, type: round, capacity: 1 MiB}\n"
                 "  array: {kind: mac_array, lanes: {int8: {inputs: 4, outputs: 4}}}\n"),
             "");
    CHECK_THAT(bare, Contains("needs a memory between the dram and the mac_array"));
    CHECK_THAT(bare, !Contains("\n"));
}

TEST_CASE("A layer with a great many ways side by side is searched in no time") {
    std::string text = test::text_of_machine("tiny_loop_nest");
    const std::string lanes = "    lanes:\n      int8: {inputs: 4, outputs: 4}\n";
    text.replace(
        text.find(lanes), lanes.size(),
        "    dataflow: input_stationary\n    lanes:\n      int8: {rows: 16, columns: 8}\n");
    text.replace(text.find("packs_window: false"), 19, "packs_window: true");
    const Network network = test::network_of_text(
        "network: one\nprecision: int8\ninputs: {x: [16, 20, 20]}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 16, groups: 16, kernel: 5, padding: 2}\n");
    MapperOptions options;
    options.effort = Effort::thorough;
    options.rounds = 1;
    const Mapping mapping = map_network(network, test::machine_of_text(text), options);
    CHECK_THAT(mapping.layers[0].search, Contains("of ") && !Contains("proved optimal"));
}

TEST_CASE("Any schedule brings inputs from the dram and results there, where there is no host") {
    const Network network = test::network_of_text(
        "network: two\ninputs: {x: [16, 14, 14]}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 8, kernel: 3, padding: 1, bias: false}\n"
        "  - {name: b, op: conv, out_channels: 24, kernel: 1, bias: false}\n");
    const auto bound_on = [&](const test::Overrides& overrides) {
        const Machine machine = test::shipped_machine("tiny_loop_nest", overrides);
        return map_network(network, machine, MapperOptions()).network_bound;
    };
    // All weights may stay on the chip, and so may what a hands on to b.
    CHECK(bound_on({}) == Bytes(16 * 14 * 14 + 24 * 14 * 14));
    CHECK(bound_on({{"components.buffer.resident", "true"}}) == Bytes(0));
}

TEST_CASE("A DMA that hangs on nothing is refused") {
    std::string text = test::text_of_machine("tiny_loop_nest");
    const std::string way = "  - [dma, buffer]\n";
    REQUIRE(text.find(way) != std::string::npos);
    text.erase(text.find(way), way.size());
    CHECK_THROWS_WITH(
        check_mappable(test::machine_of_text(text)),
        Catch::Matchers::Contains("error: machine 'tiny_loop_nest': the loop_nest "
                                  "mapper needs a connection of 'dma' with a memory"));
}

TEST_CASE("What little effort has found counts what more effort has looked at as well") {
    // Of so few mappings all efforts find the best, and the one of the least effort stays.
    const Network network = test::network_of_text(
        "network: n\ninputs: {x: [2]}\nlayers: [{name: l, op: linear, out_features: 2, bias: "
        "false}]\n");
    const Machine machine = test::shipped_machine("tiny_loop_nest");
    const auto looked_at = [&](Effort effort) {
        MapperOptions options;
        options.loops = true;
        options.effort = effort;
        const std::string search = map_network(network, machine, options).layers.front().search;
        const std::size_t of = search.find(" of ");
        REQUIRE(of != std::string::npos);
        std::string count = search.substr(of + 4, search.find(" mappings") - of - 4);
        count.erase(std::remove(count.begin(), count.end(), ','), count.end());
        return std::stoll(count);
    };
    CHECK(looked_at(Effort::normal) > looked_at(Effort::quick));
}

}  // namespace memwall
