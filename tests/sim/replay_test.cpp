// SPDX-License-Identifier: Apache-2.0
#include "sim/replay.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "sim/replay_engine.hpp"
#include "tests/sim/generated.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;
using Catch::Contains;

TEST_CASE(
    "SystemC replays what the plain loop replays, to the picosecond, over generated programs") {
    const Machine machine = test::generated_machine();
    for (unsigned seed = 0; seed < 20; ++seed) {
        const Program program = test::generated_program(machine, seed, {0, 1, 2, 3, 4, 5});
        ReplayOptions options;
        options.window.warmup = seed % 2;
        options.reverse_agents = seed % 3 == 0;
        const Outcome kernel = replay(program, machine, options);
        REQUIRE(test::full_text(kernel) ==
                test::full_text(replay_without_kernel(program, machine, options)));
        CHECK(kernel.events > 0);
    }
}

TEST_CASE("a replay can be repeated and gives the same") {
    const Machine machine = test::generated_machine();
    const Program program = test::generated_program(machine, 3, {0, 1, 2, 3, 4, 5});
    const Outcome first = replay(program, machine);
    const Outcome second = replay(program, machine);
    CHECK(test::full_text(first) == test::full_text(second));
    CHECK(first.events == second.events);
}

TEST_CASE("a deadlock in SystemC is the engine's error") {
    test::MachineScript machine;
    test::ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const TokenId never = script.token("never");
    script.step(script.agent("stuck"), script.compute(array, 1), {{never, 1}});
    CHECK_THROWS_WITH(replay(script.build(), machine.build()),
                      Contains("agent 'stuck' waits for token 'never'"));
}

TEST_CASE("a broken promise inside a SystemC process arrives whole") {
    test::MachineScript machine;
    const ComponentId buffer = machine.buffer(100);
    test::ProgramScript script;
    const UnitId array = script.unit(machine.array());
    StepBody* body = script.compute(array, 1);
    body->occupancy = {{buffer, 200, 0}};
    const AgentId a = script.agent("a");
    script.step(a, script.compute(array, 3));
    script.step(a, body);
    CHECK_THROWS_AS(replay(script.build(), machine.build()), InternalError);
    CHECK_THROWS_WITH(replay(script.build(), machine.build()),
                      Contains("memory 'buffer' would hold 200 B at 7500 ps"));
}

TEST_CASE("a replay tells its progress") {
    test::MachineScript machine;
    test::ProgramScript script;
    const UnitId array = script.unit(machine.array());
    const AgentId a = script.agent("a");
    const StepBody* body = script.compute(array, 10);
    script.program().rounds = 40;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 200; ++i) {
            script.step(a, body).item = round;
        }
    }
    std::vector<double> heard;
    ReplayOptions options;
    options.progress = [&](double fraction) { heard.push_back(fraction); };
    replay(script.build(), machine.build(), options);
    REQUIRE(heard.size() > 3);
    CHECK(std::is_sorted(heard.begin(), heard.end()));
    CHECK(heard.back() <= 1.0);
}
