// SPDX-License-Identifier: Apache-2.0
#include "sim/invariants.hpp"

#include <catch2/catch.hpp>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "sim/replay_engine.hpp"
#include "tests/sim/generated.hpp"
#include "tests/sim/script.hpp"
#include "tests/support/machines.hpp"

using namespace memwall;
using Catch::Contains;

TEST_CASE("an outcome that was tampered with is caught, with a sentence") {
    const Machine machine = test::generated_machine();
    const Program program = test::generated_program(machine, 1, {0, 1, 2, 3, 4, 5});
    Outcome outcome = replay_without_kernel(program, machine);
    const std::size_t array = machine.find("array").position();
    const std::size_t buffer = machine.find("buffer").position();
    REQUIRE_NOTHROW(check_outcome(program, machine, outcome));
    SECTION("busy for longer than there was time") {
        outcome.components[array].busy_max = outcome.end + Picoseconds(1);
        CHECK_THROWS_WITH(check_outcome(program, machine, outcome),
                          Contains("component 'array' was busy for"));
    }
    SECTION("busy for layers that sum to more than there was time") {
        for (Picoseconds& time : outcome.busy_by_layer) {
            time = outcome.end - Picoseconds(1);
        }
        CHECK_THROWS_WITH(check_outcome(program, machine, outcome), Contains("was busy for"));
    }
    SECTION("more bytes than a memory has") {
        outcome.components[buffer].peak = Bytes((1 << 20) + 1);
        CHECK_THROWS_WITH(check_outcome(program, machine, outcome),
                          Contains("memory 'buffer' held 1048577 B; its capacity is 1048576 B"));
    }
    SECTION("a window past the end") {
        outcome.window_end = outcome.end + Picoseconds(1);
        CHECK_THROWS_AS(check_outcome(program, machine, outcome), InternalError);
    }
}

TEST_CASE("a DRAM that served less than was counted is caught") {
    const Machine machine = test::generated_machine();
    Program program = test::generated_program(machine, 1, {0, 1, 2, 3, 4, 5});
    program.actions.row(
        {LayerId(0), machine.find("dram"), Action::read, TensorRole::inputs, Precision::int8});
    Outcome outcome = replay_without_kernel(program, machine);
    outcome.counts[0] = outcome.drams[0].bursts * 64;
    REQUIRE_NOTHROW(check_outcome(program, machine, outcome));
    outcome.counts[0] += 1;
    CHECK_THROWS_WITH(check_outcome(program, machine, outcome), Contains("B were counted"));
}

TEST_CASE("a move that writes other bytes than it delivers is caught when it starts") {
    test::MachineScript machine;
    const ComponentId buffer = machine.buffer(1'000, 16);
    const ComponentId dma = machine.dma();
    const Machine built = machine.build();
    test::ProgramScript script;
    const UnitId unit = script.unit(dma);
    StepBody* body = script.move(unit, {{built.write_port(buffer), Bytes(64)}});
    Move& move = std::get<Move>(body->what);
    move.destinations = {buffer};
    move.delivered = Bytes(64);
    body->actions = {{script.program().actions.row(
                          {LayerId(0), buffer, Action::write, TensorRole::inputs, Precision::int8}),
                      64}};
    script.step(script.agent("a"), body);
    REQUIRE_NOTHROW(replay_without_kernel(script.build(), built));
    move.delivered = Bytes(65);
    CHECK_THROWS_WITH(replay_without_kernel(script.build(), built),
                      Contains("a move of layer 0 delivers 65 B, but 64 B are written"));
}

TEST_CASE("the analytic engine counts the same and is never slower, over generated programs") {
    const Machine machine = test::generated_machine();
    for (unsigned seed = 0; seed < 30; ++seed) {
        // One agent: with several, contention can change the order of service for the better.
        const Program program = test::generated_program(machine, seed, {0});
        const Outcome simulated = replay_without_kernel(program, machine);
        const Outcome estimated = estimate(program, machine, Window{});
        REQUIRE_NOTHROW(check_against_estimate(program, simulated, estimated));
    }
}

TEST_CASE("a replay ends no more than 1 % sooner than the analytic engine says") {
    const Machine machine = test::generated_machine();
    const Program program = test::generated_program(machine, 0, {0});
    const Outcome simulated = replay_without_kernel(program, machine);
    Outcome estimated = estimate(program, machine, Window{});
    estimated.end = Picoseconds(simulated.end.count() * 1'000 / 991);
    CHECK_NOTHROW(check_against_estimate(program, simulated, estimated));
    estimated.end = Picoseconds(simulated.end.count() * 1'000 / 989);
    const auto unshared = [&] {
        Outcome outcome = estimated;
        outcome.end = simulated.end;
        return outcome;
    };
    CHECK_NOTHROW(check_against_estimate(program, simulated, estimated, unshared));
    CHECK_THROWS_WITH(check_against_estimate(program, simulated, estimated),
                      Contains("less than the analytic engine's"));
}

TEST_CASE("both engines count the same of a tiled machine whose cache hits and writes back") {
    const Machine machine = test::machine_of_text(
        test::with_cache(test::text_of_machine("tiny_von_neumann"), "20 KiB"));
    MapperOptions options;
    options.rounds = 3;
    const Mapping mapping = map_network(test::shipped_network("lenet"), machine, options);
    const Outcome simulated = replay_without_kernel(mapping.program, machine);
    const Outcome estimated = estimate(mapping.program, machine, Window{});
    REQUIRE_NOTHROW(check_against_estimate(mapping.program, simulated, estimated));
    REQUIRE_NOTHROW(check_outcome(mapping.program, machine, simulated));
}

namespace {

/// Two units that read from a DRAM of ten bytes a cycle, and an array.
struct SimpleDramScript {
    test::MachineScript machine;
    test::ProgramScript program;
    UnitId first, second, array;

    SimpleDramScript() {
        DramConfig dram;
        dram.name = "dram";
        dram.model = DramModel::simple;
        dram.capacity = Bytes(1 << 30);
        dram.row = dram.burst = dram.interleave = Bytes(1);
        dram.bandwidth = BytesPerSecond(4e9);
        machine.add("dram", ComponentKind::dram, dram);
        const ComponentId dma = machine.dma(2);
        first = program.unit(dma);
        second = program.unit(dma);
        array = program.unit(machine.array());
    }
    StepBody* read(UnitId unit, std::int64_t cycles) {
        StepBody* body = program.move(unit, {});
        std::get<Move>(body->what).dram.push_back({DramId(0), 0, Bytes(10 * cycles)});
        return body;
    }
    /// In cycles: of both engines, which agree.
    std::int64_t end() const {
        const Machine built = machine.build();
        const Program mapped = program.build();
        const Outcome simulated = replay_without_kernel(mapped, built);
        CHECK(estimate(mapped, built, Window{}).end == simulated.end);
        return simulated.end.count() / 2'500;
    }
};

}  // namespace

TEST_CASE("a replay reads the same bytes of a DRAM as often as the analytic engine counts them") {
    test::MachineScript machine;
    DramConfig dram = test::plain_dram();  // 64 B in 2 ns
    machine.add("dram", ComponentKind::dram, dram);
    test::ProgramScript script;
    const UnitId unit = script.unit(machine.dma());
    StepBody* body = script.move(unit, {});
    std::get<Move>(body->what).dram.push_back({DramId(0), 0, Bytes(640), 100, 0});
    script.step(script.agent("a"), body);
    const Machine built = machine.build();
    const Program program = script.build();
    const Outcome simulated = replay_without_kernel(program, built);
    const Outcome estimated = estimate(program, built, Window{});
    CHECK(estimated.end == Picoseconds(100 * 10 * 2'000) + dram.data_latency(false));
    CHECK(simulated.drams[0].bursts == 100 * 10);
    CHECK_NOTHROW(check_against_estimate(program, simulated, estimated));
}

TEST_CASE("both engines let the agent of the lower priority have a simple DRAM first") {
    SimpleDramScript script;
    test::ProgramScript& program = script.program;
    const TokenId read = program.token("read");
    program.step(program.agent("later", 1), script.read(script.first, 100));
    program.step(program.agent("sooner", 0), script.read(script.second, 40), {}, {{read}});
    program.step(program.agent("array"), program.compute(script.array, 100), {{read, 1}});
    // The short one takes 0 to 40, the array 40 to 140, the long one as well.
    CHECK(script.end() == 140);
}

TEST_CASE("in both engines a unit asks a simple DRAM again when it was served") {
    SimpleDramScript script;
    test::ProgramScript& program = script.program;
    const TokenId read = program.token("read");
    const TokenId begin = program.token("begin");
    const AgentId streams = program.agent("streams");
    program.step(streams, script.read(script.first, 100));
    program.step(streams, script.read(script.first, 100));
    const AgentId computes = program.agent("computes");
    program.step(computes, program.compute(script.array, 50), {}, {{begin}});
    program.step(program.agent("reads"), script.read(script.second, 40), {{begin, 1}}, {{read}});
    program.step(computes, program.compute(script.array, 100), {{read, 1}});
    // Read 0 to 100 for the one, 100 to 140 for the other; then the array is at work to 240, and
    // so is the DRAM.
    CHECK(script.end() == 240);
}

TEST_CASE("in both engines the data of a DRAM come later than it takes them in") {
    SimpleDramScript script;
    std::get<DramConfig>(script.machine.parts().components[0].config).latency =
        Picoseconds(20 * 2'500);
    test::ProgramScript& program = script.program;
    const TokenId read = program.token("read");
    const AgentId streams = program.agent("streams");
    program.step(streams, script.read(script.first, 40), {}, {{read}});
    program.step(streams, script.read(script.first, 70));
    program.step(program.agent("array"), program.compute(script.array, 100), {{read, 1}});
    // Read 0 to 40 and 40 to 110; the first data are there at 60, the second at 130.
    CHECK(script.end() == 160);
}

TEST_CASE("both engines round the time of each access of a simple DRAM alike") {
    SimpleDramScript script;
    std::get<DramConfig>(script.machine.parts().components[0].config).bandwidth =
        BytesPerSecond(480e6);
    // 20 B take 41,667 ps: three times that is one past 50 cycles of 2,500 ps.
    StepBody* body = script.program.move(script.first, {});
    for (int access = 0; access < 3; ++access) {
        std::get<Move>(body->what).dram.push_back({DramId(0), 0, Bytes(20)});
    }
    script.program.step(script.program.agent("reads"), body);
    CHECK(script.end() == 51);
}

TEST_CASE("a DRAM is busy for no less than its bytes at its peak, whoever waited for whom") {
    test::MachineScript machine;
    const ComponentId dram = machine.add("dram", ComponentKind::dram, test::plain_dram());
    const ComponentId dma = machine.dma(2);
    test::ProgramScript script;
    const UnitId first = script.unit(dma);
    const UnitId second = script.unit(dma);
    const UnitId array = script.unit(machine.array());
    const auto read = [&](UnitId unit, std::int64_t bursts) {
        StepBody* body = script.move(unit, {});
        std::get<Move>(body->what).dram.push_back({DramId(0), 0, Bytes(64 * bursts)});
        return body;
    };
    const TokenId soon = script.token("soon");
    const TokenId late = script.token("late");
    script.step(script.agent("long"), read(first, 1'000));
    const AgentId computes = script.agent("computes");
    script.step(computes, script.compute(array, 40), {}, {{soon}});
    script.step(computes, script.compute(array, 1'000), {}, {{late}});
    const AgentId reads = script.agent("reads");
    script.step(reads, read(second, 100), {{soon, 1}});
    script.step(reads, read(second, 1), {{late, 1}});
    // Bursts of 2 ns. The short read begins at 100 ns, in the time of the long one.
    const Outcome outcome = estimate(script.build(), machine.build(), Window{});
    CHECK(outcome.components[dram.position()].busy_max == Picoseconds(1'101 * 2'000));
    // Its data come CL later, on an edge of the clock.
    CHECK(outcome.end == Picoseconds(1'045 * 2'500));
}
