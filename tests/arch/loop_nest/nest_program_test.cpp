// SPDX-License-Identifier: Apache-2.0
// How large a program of loop nests is.
#include <catch2/catch.hpp>
#include <set>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
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

}  // namespace memwall
