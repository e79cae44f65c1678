// SPDX-License-Identifier: Apache-2.0
#include "sim/replay_engine.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "arch/estimate.hpp"
#include "base/error.hpp"
#include "tests/sim/generated.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;
using Catch::Contains;
using test::MachineScript;
using test::ProgramScript;

namespace {

constexpr std::int64_t kCycle = 2'500;

Picoseconds cycles(std::int64_t n) {
    return Picoseconds(n * kCycle);
}

}  // namespace

TEST_CASE("a step frees its unit at the end of its service and posts its latency later") {
    MachineScript machine;
    ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const TokenId ready = script.token("ready");
    // Two computations of 10 cycles, 4 deep; the second agent's step needs the second result.
    const AgentId a = script.agent("a");
    const AgentId b = script.agent("b");
    const UnitId other =
        script.unit(machine.add("vector", ComponentKind::vector_unit, VectorUnitConfig{}));
    script.step(a, script.compute(array, 10, 4), {}, {{ready}});
    script.step(a, script.compute(array, 10, 4), {}, {{ready}});
    script.step(b, script.compute(other, 3), {{ready, 2}});
    // 10 + 10 back to back, the result at 24, 3 more: 27.
    const Outcome outcome = replay_without_kernel(script.build(), machine.build());
    CHECK(outcome.end == cycles(27));
    CHECK(outcome.steps == 3);
    CHECK(outcome.components[0].busy_max == cycles(20));
}

TEST_CASE("two moves over one bus take twice the time, and say how long they waited") {
    MachineScript machine;
    const ComponentId bus = machine.bus(32);
    const ComponentId dma = machine.dma(2);
    const Machine built = machine.build();
    ProgramScript script;
    const UnitId engine = script.unit(dma, 2);
    for (const char* name : {"a", "b"}) {
        script.step(script.agent(name), script.move(engine, {{built.medium(bus), Bytes(320)}}));
    }
    const Outcome outcome = replay_without_kernel(script.build(), built);
    CHECK(outcome.end == cycles(20));
    CHECK(outcome.layers[0].queued == cycles(10) + cycles(10));
    CHECK(outcome.components[bus.position()].busy_max == cycles(20));
    CHECK(outcome.layers[0].bound_by == Bound::interconnect);
}

TEST_CASE("a unit with one server takes steps one after another, by priority in one instant") {
    MachineScript machine;
    ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const TokenId first = script.token("first");
    const TokenId second = script.token("second");
    script.layers(2);
    const AgentId low = script.agent("low", 5);
    const AgentId high = script.agent("high", 1);
    script.step(low, script.compute(array, 10), {}, {{second}});
    script.step(high, script.compute(array, 7), {}, {{first}}).layer = LayerId(1);
    const Outcome outcome = replay_without_kernel(script.build(), machine.build());
    CHECK(outcome.layers[1].end == cycles(7));
    CHECK(outcome.layers[0].start == cycles(7));
    CHECK(outcome.layers[0].end == cycles(17));
    CHECK(outcome.layers[0].queued == cycles(7));
}

TEST_CASE("a schedule starts steps at its cycles, a late one is a stall, an early one has slack") {
    MachineScript machine;
    ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const TokenId begin = script.token("begin");
    const AgentId a = script.agent("a");
    script.step(a, script.compute(array, 5), {}, {{begin}});
    Step& on_time = script.step(a, script.compute(array, 10));
    on_time.start_at = Cycles(8);  // 8 after `begin` at 5: 13, ready since 5
    on_time.epoch = begin;
    on_time.epoch_count = 1;
    Step& late = script.step(a, script.compute(array, 10));
    late.start_at = Cycles(15);  // 20, but the unit is taken until 23
    late.epoch = begin;
    late.epoch_count = 1;
    const Outcome outcome = replay_without_kernel(script.build(), machine.build());
    CHECK(outcome.end == cycles(33));
    CHECK(outcome.layers[0].stalls == 1);
    CHECK(outcome.layers[0].stalled == cycles(3));
    CHECK(outcome.layers[0].slack == cycles(0));
}

TEST_CASE("a late step says what it waited for last: its unit, data or room, and whose") {
    MachineScript script_machine;
    const ComponentId array = script_machine.array();
    const Machine machine = script_machine.build();
    ProgramScript script;
    script.layers(3);
    const UnitId first = script.unit(array);
    const UnitId slow = script.unit(array);
    const UnitId slower = script.unit(array);
    const UnitId reads = script.unit(array);
    const UnitId writes = script.unit(array);
    const TokenId begin = script.token("begin");
    const TokenId data = script.token("data");
    const TokenId room = script.token("room");
    script.step(script.agent("first"), script.compute(first, 5), {}, {{begin}});
    script.step(script.agent("slow", -1), script.compute(slow, 9), {}, {{room}}).layer = LayerId(2);
    script.step(script.agent("slower", -1), script.compute(slower, 12), {}, {{data}}).layer =
        LayerId(1);
    const auto schedule = [&](const char* agent, UnitId unit, std::int64_t start,
                              const std::vector<TokenWait>& waits) {
        Step& step = script.step(script.agent(agent), script.compute(unit, 1), waits);
        step.start_at = Cycles(start);  // after `begin` at 5
        step.epoch = begin;
        step.epoch_count = 1;
    };
    schedule("reads", reads, 2, {{data, 1}});    // 7, but data are there at 12
    schedule("writes", writes, 3, {{room, 1}});  // 8, but room is there at 9
    schedule("queues", slower, 4, {});           // 9, but the unit is taken until 12
    schedule("in time", writes, 5, {{room, 1}});
    Program program = script.build();
    program.room_tokens = {room};
    const auto same = [](const LateSteps& late, UnitId unit, LateCause cause, LayerId of_layer,
                         UnitId of_unit, std::int64_t by) {
        return late.layer == LayerId(0) && late.unit == unit && late.cause == cause &&
               late.of_layer == of_layer && late.of_unit == of_unit && late.steps == 1 &&
               late.most == cycles(by) && late.sum == cycles(by);
    };
    for (const Outcome& outcome :
         {replay_without_kernel(program, machine), estimate(program, machine, Window{0})}) {
        CHECK(outcome.layers[0].stalls == 3);
        REQUIRE(outcome.late.size() == 3);
        CHECK(same(outcome.late[0], slower, LateCause::unit, LayerId(1), slower, 3));
        CHECK(same(outcome.late[1], reads, LateCause::data, LayerId(1), slower, 5));
        CHECK(same(outcome.late[2], writes, LateCause::room, LayerId(2), slow, 1));
    }
}

TEST_CASE("a link narrowed by a tenth makes stalls in a tight schedule, and none without") {
    MachineScript script_machine;
    const ComponentId bus = script_machine.bus(32);
    const ComponentId dma = script_machine.dma();
    const Machine machine = script_machine.build();
    ProgramScript script;
    const UnitId engine = script.unit(dma);
    const TokenId begin = script.token("begin");
    const AgentId a = script.agent("a");
    script.step(a, script.compute(engine, 1), {}, {{begin}});
    for (int i = 0; i < 5; ++i) {
        Step& step = script.step(a, script.move(engine, {{machine.medium(bus), Bytes(640)}}));
        step.start_at = Cycles(20 * i);
        step.epoch = begin;
        step.epoch_count = 1;
    }
    const Program program = script.build();
    CHECK(replay_without_kernel(program, machine).layers[0].stalls == 0);
    // 640 B at 28.8 B a cycle: 22.2, so 23 cycles; the second starts 3 late, then 6, 9, 12.
    const Outcome narrow = replay_without_kernel(program, machine.with_link_scaled(bus, 0.9));
    CHECK(narrow.layers[0].stalls == 4);
    CHECK(narrow.layers[0].stalled == cycles(3 + 6 + 9 + 12));
}

TEST_CASE("a deadlock names who waits for what") {
    MachineScript machine;
    ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const TokenId slot = script.token("slot of the buffer");
    const TokenId data = script.token("data");
    script.step(script.agent("loader"), script.compute(array, 1), {{slot, 1}}, {{data}});
    script.step(script.agent("array"), script.compute(array, 1), {{data, 1}}, {{slot}});
    CHECK_THROWS_WITH(
        replay_without_kernel(script.build(), machine.build()),
        Contains("deadlock: no step can start any more; agent 'loader' waits for token 'slot of "
                 "the buffer' (0 of 1 posted); agent 'array' waits for token 'data' (0 of 1 "
                 "posted)"));
}

TEST_CASE("a memory never holds more than its capacity, space for arriving bytes included") {
    MachineScript machine;
    const ComponentId buffer = machine.buffer(1'000);
    ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const AgentId a = script.agent("a");
    StepBody* fill = script.compute(array, 1);
    fill->occupancy = {{buffer, 600, 0}};
    StepBody* empty = script.compute(array, 1);
    empty->occupancy = {{buffer, 0, 600}};
    SECTION("what fits runs and is remembered at its most") {
        script.step(a, fill);
        script.step(a, empty);
        script.step(a, fill);
        script.program().resident = {{buffer, 300, 0}};
        const Outcome outcome = replay_without_kernel(script.build(), machine.build());
        CHECK(outcome.components[buffer.position()].peak == Bytes(900));
    }
    SECTION("what does not is an error that says so") {
        script.step(a, fill);
        script.step(a, fill);
        CHECK_THROWS_WITH(replay_without_kernel(script.build(), machine.build()),
                          Contains("memory 'buffer' would hold 1200 B at 2500 ps; its capacity "
                                   "is 1000 B"));
    }
    SECTION("so is giving back more than there is") {
        script.step(a, empty);
        CHECK_THROWS_WITH(replay_without_kernel(script.build(), machine.build()),
                          Contains("gives back 600 B more than it holds"));
    }
}

TEST_CASE("the critical path names what each layer waits for") {
    // A move of 100 cycles feeds a computation of 30; two layers in a row.
    MachineScript machine;
    const ComponentId bus = machine.bus(32);
    const ComponentId dma = machine.dma();
    const ComponentId array = machine.array();
    const Machine built = machine.build();
    ProgramScript script;
    script.layers(2);
    const UnitId engine = script.unit(dma);
    const UnitId unit = script.unit(array);
    const TokenId data = script.token("data");
    const TokenId result = script.token("result");
    const AgentId loader = script.agent("loader");
    const AgentId worker = script.agent("worker");
    script.step(loader, script.move(engine, {{built.medium(bus), Bytes(3'200)}}, 5), {}, {{data}});
    script.step(worker, script.compute(unit, 30, 2), {{data, 1}}, {{result}});
    script
        .step(loader, script.move(engine, {{built.medium(bus), Bytes(320)}}), {{result, 1}},
              {{data}})
        .layer = LayerId(1);
    script.step(worker, script.compute(unit, 40), {{data, 2}}).layer = LayerId(1);
    const Program program = script.build();
    const Outcome outcome = replay_without_kernel(program, built);
    CHECK(outcome.end == cycles(100 + 5 + 30 + 2 + 10 + 40));
    CHECK(outcome.layers[0].bound_by == Bound::interconnect);
    CHECK(outcome.layers[0].exposed == cycles(107));
    CHECK(outcome.layers[1].bound_by == Bound::compute);
    CHECK(outcome.layers[1].exposed == cycles(10));
    ReplayOptions without;
    without.causes = false;
    const Outcome plain = replay_without_kernel(program, built, without);
    CHECK_FALSE(plain.layers[0].path_known);
    CHECK(test::times_and_counts(plain) == test::times_and_counts(outcome));
}

TEST_CASE("a window counts its rounds and the busy time inside it") {
    MachineScript machine;
    const ComponentId array = machine.array();
    ProgramScript script;
    const UnitId unit = script.unit(array);
    const RowId macs = script.program().actions.row(
        {LayerId(0), array, Action::mac, TensorRole::weights, Precision::int8});
    const RowId loads = script.program().actions.row(
        {LayerId(), array, Action::write, TensorRole::weights, Precision::int8});
    const AgentId a = script.agent("a");
    StepBody* load = script.compute(unit, 50);
    load->actions = {{loads, 64}};
    script.step(a, load).layer = LayerId();
    script.program().rounds = 4;
    script.program().items_per_round = 2;
    for (int round = 0; round < 4; ++round) {
        StepBody* work = script.compute(unit, 10, 3);
        work->actions = {{macs, 1'000}};
        script.step(a, work).item = round;
    }
    ReplayOptions options;
    const Program program = script.build();
    const Outcome all = replay_without_kernel(program, machine.build(), options);
    CHECK(all.counts[macs.position()] == 4'000);
    CHECK(all.counts[loads.position()] == 0);
    CHECK(all.load_counts[loads.position()] == 64);
    CHECK(all.load_end == cycles(50));
    CHECK(all.window_start == cycles(50));
    CHECK(all.window_end == cycles(50 + 40 + 3));
    CHECK(all.components[array.position()].busy_max == cycles(40));
    options.window.warmup = 2;
    const Outcome steady = replay_without_kernel(program, machine.build(), options);
    CHECK(steady.counts[macs.position()] == 2'000);
    // Round 1 ends at 50 + 20 + 3, three cycles into round 2's computation.
    CHECK(steady.window_start == cycles(73));
    CHECK(steady.window_end == cycles(93));
    CHECK(steady.components[array.position()].busy_max == cycles(17));
    CHECK(steady.busy_by_layer[array.position()] == cycles(17));
    CHECK(steady.round_end[1] == cycles(73));
    CHECK(steady.round_start[3] == cycles(80));
}

TEST_CASE("input and output steps, where marked, are the ends of a round") {
    MachineScript machine;
    ProgramScript script;
    const UnitId unit = script.unit(machine.array());
    const AgentId a = script.agent("a");
    StepBody* in = script.compute(unit, 10);
    in->edge = NetworkEdge::input;
    StepBody* out = script.compute(unit, 10);
    out->edge = NetworkEdge::output;
    script.step(a, script.compute(unit, 10));  // weights, ahead of the input
    script.step(a, in);
    script.step(a, out);
    script.step(a, script.compute(unit, 10));
    const Outcome outcome = replay_without_kernel(script.build(), machine.build());
    CHECK(outcome.round_start[0] == cycles(10));
    CHECK(outcome.round_end[0] == cycles(30));
    CHECK(outcome.window_end == cycles(30));
    CHECK(outcome.end == cycles(40));
}

TEST_CASE("a step whose unit has its own clock starts at an edge of it") {
    MachineScript machine;
    machine.parts().clocks.emplace_back("slow", Hertz(300'000'000));  // edges at 0, 3333, 6667
    const ComponentId array = machine.array();
    const ComponentId slow = machine.add("slow", ComponentKind::vector_unit, VectorUnitConfig{});
    machine.parts().components[slow.position()].clock = ClockId(1);
    ProgramScript script;
    const UnitId fast_unit = script.unit(array);
    const UnitId slow_unit = script.unit(slow);
    const TokenId token = script.token("token");
    script.step(script.agent("a"), script.compute(fast_unit, 1), {}, {{token}});
    script.step(script.agent("b"), script.compute(slow_unit, 1), {{token, 1}});
    CHECK(replay_without_kernel(script.build(), machine.build()).end == Picoseconds(6'667));
}

namespace {

/// A pool of jobs that agents pull from, with waits by time and by token: what happens depends on
/// who asks first.
class PoolSource final : public StepSource {
public:
    PoolSource(std::vector<const StepBody*> jobs, TokenId open)
        : jobs_(std::move(jobs)), open_(open) {}
    void next(AgentId agent, Picoseconds now, Next& next) override {
        next.step.waits.clear();
        next.step.posts.clear();
        if (now < Picoseconds(1'000)) {
            next.kind = Next::Kind::wait_until;
            next.until = Picoseconds(1'000);
            return;
        }
        if (taken_ == 3 && !opened_) {  // the pool is shut until the first job is through
            next.kind = Next::Kind::wait_for;
            next.token = {open_, 1};
            opened_ = agent.valid();
            return;
        }
        if (taken_ == jobs_.size()) {
            next.kind = Next::Kind::done;
            return;
        }
        next.kind = Next::Kind::step;
        next.step.body = jobs_[taken_++];
        next.step.layer = LayerId(0);
        next.step.posts.push_back({open_});
    }

private:
    std::vector<const StepBody*> jobs_;
    TokenId open_;
    std::size_t taken_ = 0;
    bool opened_ = false;
};

}  // namespace

TEST_CASE("sources may let agents wait for times and tokens, and pull from one pool") {
    MachineScript machine;
    const ComponentId array = machine.array();
    ProgramScript script;
    const UnitId unit = script.unit(array, 4);
    const TokenId open = script.token("open");
    std::vector<const StepBody*> jobs;
    for (int j = 0; j < 9; ++j) {
        jobs.push_back(script.compute(unit, 5 + 3 * j, 1));
    }
    for (const char* name : {"w", "x", "y", "z"}) {
        script.agent(name);
    }
    Program program = script.build();
    program.make_source = [jobs, open]() { return std::make_unique<PoolSource>(jobs, open); };
    const Machine built = machine.build();
    const Outcome forward = replay_without_kernel(program, built);
    CHECK(forward.steps == 9);
    ReplayOptions reverse;
    reverse.reverse_agents = true;
    CHECK(test::full_text(replay_without_kernel(program, built, reverse)) ==
          test::full_text(forward));
}

TEST_CASE("the order in which agents are registered decides nothing, over generated programs") {
    const Machine machine = test::generated_machine();
    std::mt19937 random(17);
    for (unsigned seed = 0; seed < 30; ++seed) {
        std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
        const std::string straight = test::full_text(
            replay_without_kernel(test::generated_program(machine, seed, order), machine));
        std::shuffle(order.begin(), order.end(), random);
        ReplayOptions options;
        options.reverse_agents = true;
        REQUIRE(test::full_text(replay_without_kernel(test::generated_program(machine, seed, order),
                                                      machine, options)) == straight);
    }
}

TEST_CASE("without causes times and counts are the same, over generated programs") {
    const Machine machine = test::generated_machine();
    for (unsigned seed = 0; seed < 30; ++seed) {
        const Program program = test::generated_program(machine, seed, {0, 1, 2, 3, 4, 5});
        ReplayOptions options;
        const std::string with =
            test::times_and_counts(replay_without_kernel(program, machine, options));
        options.causes = false;
        REQUIRE(test::times_and_counts(replay_without_kernel(program, machine, options)) == with);
    }
}

TEST_CASE("the critical path of a replay in one round is as long as the replay") {
    const Machine machine = test::generated_machine();
    for (unsigned seed = 0; seed < 30; ++seed) {
        const Program program = test::generated_program(machine, seed, {0, 1, 2, 3, 4, 5}, 1);
        const Outcome outcome = replay_without_kernel(program, machine);
        // Exposed time and the time of the array together cover everything.
        Picoseconds exposed;
        for (const LayerOutcome& layer : outcome.layers) {
            exposed += layer.exposed;
        }
        CHECK(exposed <= outcome.end);
        CHECK(outcome.end - exposed <=
              outcome.components[machine.find("array").position()].busy_max);
    }
}
