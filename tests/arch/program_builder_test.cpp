// SPDX-License-Identifier: Apache-2.0
#include "arch/program_builder.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "arch/estimate.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

RoundStep compute_step(UnitId unit, std::int64_t cycles, std::int64_t latency = 0) {
    RoundStep step;
    step.layer = LayerId(std::size_t{0});
    step.body.unit = unit;
    Compute compute;
    compute.occupies = Cycles(cycles);
    compute.latency = Cycles(latency);
    step.body.what = compute;
    return step;
}

/// The steps of an agent, in order.
std::vector<Step> steps_of(const Program& program, AgentId agent) {
    std::vector<Step> steps;
    const auto source = program.make_source();
    Next next;
    for (source->next(agent, Picoseconds(0), next); next.kind == Next::Kind::step;
         source->next(agent, Picoseconds(0), next)) {
        steps.push_back(next.step);
        next = Next{};
    }
    return steps;
}

}  // namespace

TEST_CASE("Waits count on from round to round, and those that reach before the first are none") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    ProgramBuilder builder(machine);
    const AgentId maker = builder.agent("maker");
    const AgentId user = builder.agent("user");
    const UnitId unit = builder.unit("array", machine.find("array"));
    const TokenId made = builder.token("made");
    for (int i = 0; i < 2; ++i) {
        RoundStep step = compute_step(unit, 1);
        step.posts.push_back({made});
        builder.step(maker, std::move(step));
    }
    RoundStep use = compute_step(unit, 1);
    use.waits = {{made, 2}, {made, 0}, {made, -1}};
    builder.step(user, std::move(use));
    CHECK(builder.posted(made) == 2);
    const Program program = builder.finish({{}}, 3, 1);

    const std::vector<Step> steps = steps_of(program, user);
    REQUIRE(steps.size() == 3);
    CHECK(steps[0].item == 0);
    CHECK(steps[2].item == 2);
    const auto counts = [](const Step& step) {
        std::vector<std::int64_t> found;
        for (const TokenWait& wait : step.waits) {
            found.push_back(wait.count);
        }
        return found;
    };
    CHECK(counts(steps[0]) == std::vector<std::int64_t>{2});
    CHECK(counts(steps[1]) == std::vector<std::int64_t>{4, 2, 1});
    CHECK(counts(steps[2]) == std::vector<std::int64_t>{6, 4, 3});
}

TEST_CASE("Posts while loading come before those of the rounds") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    ProgramBuilder builder(machine);
    const AgentId agent = builder.agent("agent");
    const UnitId unit = builder.unit("array", machine.find("array"));
    const TokenId loaded = builder.token("loaded");
    const TokenId both = builder.token("both");
    RoundStep load = compute_step(unit, 1);
    load.layer = LayerId();
    load.posts = {{loaded}, {both}};
    builder.load(agent, std::move(load));
    RoundStep use = compute_step(unit, 1);
    use.waits = {{loaded, 1}, {both, 1}};
    use.posts = {{both}};
    builder.step(agent, std::move(use));
    const Program program = builder.finish({{}}, 2, 1);
    const std::vector<Step> steps = steps_of(program, agent);
    REQUIRE(steps.size() == 3);
    CHECK(!steps[0].layer.valid());
    CHECK(steps[1].waits[0].count == 1);
    CHECK(steps[2].waits[0].count == 1);
    CHECK(steps[1].waits[1].count == 2);
    CHECK(steps[2].waits[1].count == 3);
}

TEST_CASE("The estimate of a small program is what the paper says") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");  // a cycle is 1 ns
    ProgramBuilder builder(machine);
    const AgentId mover = builder.agent("mover");
    const AgentId user = builder.agent("user");
    const UnitId bus = builder.unit("bus", machine.find("bus"));
    const UnitId array = builder.unit("array", machine.find("array"));
    const TokenId full = builder.token("full");
    const TokenId free = builder.token("free");
    RoundStep fetch;
    fetch.layer = LayerId(std::size_t{0});
    fetch.body.unit = bus;
    Move move;
    move.delivered = Bytes(21);
    move.links = {{machine.medium(machine.find("bus")), Bytes(21)}};  // 21 / 8: 3 cycles
    move.latency = Cycles(2);
    fetch.body.what = move;
    builder.count(fetch.body, fetch.layer, machine.find("bus"), Action::transfer,
                  TensorRole::inputs, Precision::int8, 21);
    fetch.waits = {{free, -1}};  // two slots
    fetch.posts = {{full}};
    builder.step(mover, std::move(fetch));
    RoundStep use = compute_step(array, 10, 4);
    use.waits = {{full, 1}};
    use.posts = {{free}};
    builder.step(user, std::move(use));
    const Program program = builder.finish({{}}, 4, 1);
    const Outcome outcome = estimate(program, machine, Window{1});
    // Fetches end at 3 + 2 and 6 + 2; computes run 5 to 15, 15 to 25; the first slot is free at
    // 15 + 4, so the third fetch runs 19 to 22 (there at 24); computes 25 to 35, 35 to 45.
    CHECK(outcome.end == Picoseconds(49'000));
    CHECK(outcome.counts.at(0) == 3 * 21);
    CHECK(outcome.window_start == Picoseconds(19'000));
    CHECK(outcome.window_end == Picoseconds(49'000));
    CHECK(outcome.components[machine.find("array").position()].busy_max == Picoseconds(30'000));
    CHECK(outcome.steps == 8);
}

TEST_CASE("A deadlock names who waits for what, and how much of it there is") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    ProgramBuilder builder(machine);
    const AgentId agent = builder.agent("eager");
    const TokenId never = builder.token("what never comes");
    RoundStep step = compute_step(builder.unit("array", machine.find("array")), 1);
    step.waits = {{never, 2}};
    builder.step(agent, std::move(step));
    const Program program = builder.finish({{}}, 1, 1);
    CHECK_THROWS_WITH(
        estimate(program, machine, Window{0}),
        Catch::Contains("deadlock; agent 'eager' waits for 'what never comes' 2 times, posted 0"));
}

TEST_CASE("A loop hands out the steps of all its turns, as if each had been written down") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const auto program = [&](bool loop) {
        ProgramBuilder builder(machine);
        const std::vector<AgentId> agents = {builder.agent("maker"), builder.agent("user")};
        const UnitId unit = builder.unit("array", machine.find("array"));
        const TokenId made = builder.token("made");
        const TokenId once = builder.token("once");
        std::int64_t makes = 0;
        const auto make = [&](std::int64_t cycles) {
            RoundStep step = compute_step(unit, cycles);
            step.waits = {{once, 1}, {made, ++makes - 5}};
            step.posts = {{made}};
            builder.step(agents[0], std::move(step));
        };
        const auto use = [&] {
            RoundStep step = compute_step(unit, 7);
            step.waits = {{made, makes}};
            builder.step(agents[1], std::move(step));
        };
        RoundStep first = compute_step(unit, 3);
        first.posts = {{once}};
        builder.step(agents[1], std::move(first));
        make(1);
        if (loop) {
            builder.begin_loop();
            make(2);
            make(3);
            use();
            builder.end_loop(4);
            makes += 3 * 2;
        } else {
            for (int turn = 0; turn < 4; ++turn) {
                make(2);
                make(3);
                use();
            }
        }
        use();
        builder.begin_loop();  // at the very end, of one agent
        make(5);
        builder.end_loop(loop ? 2 : 1);
        if (!loop) {
            make(5);
        }
        CHECK(builder.posted(made) == 1 + 8 + 2);
        return builder.finish({{}}, 3, 1);
    };
    const Program written = program(false);
    const Program looped = program(true);
    for (const std::size_t agent : {0, 1}) {
        const std::vector<Step> all = steps_of(written, AgentId(agent));
        const std::vector<Step> turns = steps_of(looped, AgentId(agent));
        REQUIRE(turns.size() == all.size());
        CHECK(all.size() == 3 * (agent == 0 ? 11 : 6));
        for (std::size_t s = 0; s < all.size(); ++s) {
            INFO("agent " << agent << ", step " << s);
            CHECK(*turns[s].body == *all[s].body);
            CHECK(turns[s].item == all[s].item);
            REQUIRE(turns[s].waits.size() == all[s].waits.size());
            for (std::size_t w = 0; w < all[s].waits.size(); ++w) {
                CHECK(turns[s].waits[w].token == all[s].waits[w].token);
                CHECK(turns[s].waits[w].count == all[s].waits[w].count);
            }
        }
    }
}

}  // namespace memwall
