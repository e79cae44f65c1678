// SPDX-License-Identifier: Apache-2.0
#include "arch/body_costs.hpp"

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/machines.hpp"

namespace memwall {
namespace {

/// A program without steps: its clock and its counters are all that bodies ask for.
Program program_with(std::int64_t counters) {
    Program program;
    program.clock = ClockId(std::size_t{0});
    for (std::int64_t c = 0; c < counters; ++c) {
        ActionKey key;
        key.layer = LayerId(static_cast<std::size_t>(c));
        program.actions.row(key);
    }
    return program;
}

Outcome empty_outcome(const Program& program, const Machine& machine) {
    Outcome outcome;
    outcome.counts.resize(program.actions.size());
    outcome.load_counts.resize(program.actions.size());
    outcome.drams.resize(machine.drams().size());
    outcome.activations.resize(program.actions.size() * machine.drams().size());  // a layer each
    outcome.load_activations.resize(machine.drams().size());
    return outcome;
}

}  // namespace

TEST_CASE("A body's counts are added as often as it was done, those of loading apart") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const Program program = program_with(2);
    StepBody first;
    first.what = Compute{};
    first.actions = {{RowId(std::size_t{0}), 5}, {RowId(std::size_t{1}), 7}};
    StepBody second;
    second.what = Compute{};
    second.actions = {{RowId(std::size_t{1}), 100}};
    BodyCosts costs(program, machine);
    costs.row(first).counted += 3;
    costs.row(second).counted += 2;
    costs.row(first).loaded += 1;
    Outcome outcome = empty_outcome(program, machine);
    costs.add_to(outcome);
    CHECK(outcome.counts == std::vector<std::int64_t>{15, 221});
    CHECK(outcome.load_counts == std::vector<std::int64_t>{5, 7});
}

TEST_CASE("A body's bursts and rows are added as often as it was done, loading or not") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const Program program = program_with(0);
    StepBody body;
    Move move;
    DramAccess access;  // each piece a burst of 8 B and a byte of the next, in a row of its own
    access.dram = DramId(std::size_t{0});
    access.piece = Bytes(9);
    access.pieces = 3;
    access.stride = 2'048;
    move.dram = {access};
    body.what = move;
    BodyCosts costs(program, machine);
    costs.row(body).counted += 10;
    costs.row(body).loaded += 1;
    Outcome outcome = empty_outcome(program, machine);
    costs.add_to(outcome);
    CHECK(outcome.drams.front().bursts == 11 * 3 * 2);
    CHECK(outcome.drams.front().row_misses == 11 * 3);
}

TEST_CASE(
    "What a move asks of each resource is its bytes over their width, its DRAM's at the peak") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");  // a cycle is 1 ns
    const ComponentId bus = machine.find("bus");
    const Program program = program_with(0);
    StepBody body;
    Move move;
    move.links = {{machine.medium(bus), Bytes(21)}};  // 21 / 8: 3 cycles
    DramAccess access;
    access.dram = DramId(std::size_t{0});
    access.piece = Bytes(80);  // at 8 B in 2 ns
    move.dram = {access};
    move.occupies = Cycles(2);
    body.what = move;
    BodyCosts costs(program, machine);
    const MoveDemand& asked = costs.row(body).demand;
    std::map<std::size_t, Picoseconds> needs;
    for (const ResourceNeed& need : asked.needs) {
        needs[need.place] = need.time;
    }
    CHECK(needs[resource_place(bus)] == Picoseconds(3'000));
    CHECK(asked.occupied == Picoseconds(2'000));
    CHECK(needs[resource_place(machine.find("dram"))] == Picoseconds(20'000));
    CHECK(asked.on_dram == Picoseconds(20'000));
    CHECK(asked.longest == Picoseconds(20'000));
    CHECK(asked.on_links == Cycles(3));
    CHECK(&costs.row(body).demand == &asked);  // found once
}

TEST_CASE("What works at the same time is not added up to what bounds a layer") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const ComponentId buffer = machine.find("global_buffer");
    const ComponentId dram = machine.find("dram");
    const ClockDomain& clock = machine.clocks().front();
    Move move;
    move.links = {{machine.read_port(buffer), Bytes(16 * 60)},
                  {machine.write_port(buffer), Bytes(16 * 70)}};
    const MoveDemand asked = demand(move, machine, clock);
    std::vector<Picoseconds> needs(resource_places(machine));
    for (const ResourceNeed& need : asked.needs) {
        needs[need.place] += need.time;
    }
    CHECK(needs[resource_place(buffer)] == Picoseconds(60'000));
    CHECK(needs[resource_place(buffer, true)] == Picoseconds(70'000));
    CHECK(bound_of_needs(machine, needs) == Bound::buffer);
    needs[resource_place(dram)] = Picoseconds(100'000);  // less than both ports together
    CHECK(bound_of_needs(machine, needs) == Bound::dram);
    needs.back() = Picoseconds(100'001);
    CHECK(bound_of_needs(machine, needs) == Bound::latency);
}

TEST_CASE("Accesses of one move to the same DRAM take their times one after another") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const Program program = program_with(0);
    StepBody body;
    Move move;
    DramAccess access;
    access.dram = DramId(std::size_t{0});
    for (const std::int64_t bytes : {80, 40, 8}) {  // at 8 B in 2 ns: 20, 10 and 2 ns
        access.piece = Bytes(bytes);
        move.dram.push_back(access);
    }
    body.what = move;
    BodyCosts costs(program, machine);
    CHECK(costs.row(body).demand.longest == Picoseconds(32'000));
}

}  // namespace memwall
