// SPDX-License-Identifier: Apache-2.0
// Rounds, and turns of loops, that the analytic engine leaves out change nothing that it tells.
#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/program_builder.hpp"
#include "arch/step_loops.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

/// Hands out another's steps, and counts them.
class CountingSource final : public StepSource {
public:
    CountingSource(std::unique_ptr<StepSource> source, std::shared_ptr<std::int64_t> steps)
        : source_(std::move(source)), steps_(std::move(steps)) {}

    void next(AgentId agent, Picoseconds now, Next& next) override {
        source_->next(agent, now, next);
        *steps_ += next.kind == Next::Kind::step ? 1 : 0;
    }
    StepLoops* loops() override { return source_->loops(); }

private:
    std::unique_ptr<StepSource> source_;
    std::shared_ptr<std::int64_t> steps_;
};

struct Walked {
    std::string outcome;
    std::int64_t handed_out = 0;
    std::int64_t steps = 0;
};

/// The estimate of a program; an observer makes it walk all rounds.
Walked walk(Program program, const Machine& machine, const Window& window, bool all) {
    const auto steps = std::make_shared<std::int64_t>(0);
    program.make_source = [steps, make = program.make_source] {
        return std::make_unique<CountingSource>(make(), steps);
    };
    const StepObserver observe = [](AgentId, const Step&, const StepTimes&) {};
    const Outcome outcome =
        all ? estimate(program, machine, window, observe) : estimate(program, machine, window);
    return {test::full_text(outcome), *steps, outcome.steps};
}

/// Whether rounds were left out.
bool check_alike(const Program& program, const Machine& machine, const Window& window) {
    const Walked all = walk(program, machine, window, true);
    const Walked some = walk(program, machine, window, false);
    CHECK(some.outcome == all.outcome);
    CHECK(all.handed_out == all.steps);
    return some.handed_out < all.handed_out;
}

RoundStep drawn_step(test::Draw& draw, const Machine& machine, ProgramBuilder& builder, UnitId unit,
                     LayerId layer) {
    RoundStep step;
    step.layer = layer;
    step.body.unit = unit;
    if (draw.chance(40)) {
        Compute compute;
        compute.occupies = Cycles(draw(1, 40));
        compute.latency = Cycles(draw(0, 5));
        compute.lanes_occupied = compute.occupies;
        step.body.what = compute;
    } else {
        Move move;
        move.delivered = Bytes(draw(1, 200));
        move.links = {{machine.medium(machine.find("bus")), move.delivered}};
        move.latency = Cycles(draw(0, 3));
        if (draw.chance(30)) {
            DramAccess access;
            access.dram = DramId(std::size_t{0});
            access.piece = move.delivered;
            move.dram = {access};
        }
        step.body.what = move;
    }
    builder.count(step.body, layer, machine.find("bus"), Action::transfer, TensorRole::inputs,
                  Precision::int8, draw(1, 9));
    return step;
}

/// A step of the first layer that computes for some cycles.
void step_of(ProgramBuilder& builder, AgentId agent, UnitId unit, std::int64_t cycles,
             decltype(RoundStep::waits) waits, decltype(RoundStep::posts) posts,
             decltype(StepBody::occupancy) occupancy = {}) {
    RoundStep step;
    step.layer = LayerId(std::size_t{0});
    step.body.unit = unit;
    Compute compute;
    compute.occupies = Cycles(cycles);
    step.body.what = compute;
    step.body.occupancy = std::move(occupancy);
    step.waits = std::move(waits);
    step.posts = std::move(posts);
    builder.step(agent, std::move(step));
}

/// Agents in a row, each with a few steps a round, and some slots between neighbours. More than one
/// turn: the steps are a loop, with one that waits for its end beside it and another loop behind.
Program drawn_pipeline(test::Draw& draw, const Machine& machine, std::int64_t rounds,
                       std::int64_t turns = 1) {
    ProgramBuilder builder(machine);
    const std::vector<UnitId> units = {builder.unit("array", machine.find("array")),
                                       builder.unit("vector", machine.find("vector"), 2),
                                       builder.unit("dma", machine.find("dma"))};
    const std::int64_t agents = draw(2, 5);
    const std::int64_t steps = draw(1, 4);
    const ComponentId buffer = machine.find("global_buffer");
    TokenId full_before, free_before;
    if (turns > 1) {
        builder.begin_loop();
    }
    for (std::int64_t a = 0; a < agents; ++a) {
        const AgentId agent = builder.agent("agent", static_cast<int>(-a));
        const TokenId full = builder.token("full");
        const TokenId free = builder.token("free");
        const std::int64_t slots = draw(1, 5);
        for (std::int64_t s = 1; s <= steps; ++s) {
            RoundStep step =
                drawn_step(draw, machine, builder, units[static_cast<std::size_t>(draw(0, 2))],
                           LayerId(static_cast<std::size_t>(a)));
            if (a > 0) {
                step.waits.push_back({full_before, s});
                step.posts.push_back({free_before});
                step.body.occupancy.push_back({buffer, 0, 8});
            }
            if (a + 1 < agents) {
                step.waits.push_back({free, s - slots});
                step.posts.push_back({full});
                step.body.occupancy.push_back({buffer, 8, 0});
            }
            step.body.edge = a == 0            ? NetworkEdge::input
                             : a + 1 == agents ? NetworkEdge::output
                                               : NetworkEdge::none;
            builder.step(agent, std::move(step));
        }
        full_before = full;
        free_before = free;
        if (turns > 1 && a + 1 == agents) {
            const TokenId over = builder.token("over");
            step_of(builder, agent, units[0], 1, {}, {{over}});
            builder.end_loop(turns);
            const AgentId waiting = builder.agent("waiting");
            builder.begin_loop();
            step_of(builder, waiting, units[0], 3, {{over, turns - draw(0, 5)}}, {});
            builder.end_loop(draw(1, 2) * turns);
        }
    }
    return builder.finish(std::vector<LayerPromise>(static_cast<std::size_t>(agents)), rounds, 1);
}

/// Of so many drawn programs those that left something out, every third at a clock of odd cycles.
int left_out_of(std::uint32_t seeds,
                const std::function<bool(test::Draw&, const Machine&)>& leaves_out) {
    const Machine even = test::shipped_machine("tiny_von_neumann");  // a cycle is 1 ns
    const Machine odd = test::shipped_machine("tiny_von_neumann", {{"clock", "600 MHz"}});
    int found = 0;
    for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
        INFO("seed " << seed);
        test::Draw draw(seed);
        found += leaves_out(draw, seed % 3 == 0 ? odd : even) ? 1 : 0;
    }
    return found;
}

}  // namespace

TEST_CASE("Rounds that are left out are told as if they had been walked") {
    const int left_out = left_out_of(60, [](test::Draw& draw, const Machine& machine) {
        const Program program = drawn_pipeline(draw, machine, 100);
        return check_alike(program, machine, Window{draw(0, 99)});
    });
    CHECK(left_out > 30);
}

TEST_CASE("A first round that does something else is not taken for those that come") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    ProgramBuilder builder(machine);
    const AgentId agent = builder.agent("agent");
    RoundStep step;
    step.layer = LayerId(std::size_t{0});
    step.body.unit = builder.unit("array", machine.find("array"));
    Compute compute;
    compute.occupies = Cycles(10);
    step.body.what = compute;
    compute.occupies = Cycles(25);
    step.first = FirstRound{compute, {}};
    builder.step(agent, std::move(step));
    const Program program = builder.finish({{}}, 100, 1);
    CHECK(check_alike(program, machine, Window{0}));
    CHECK(estimate(program, machine, Window{0}).end == Picoseconds(1'000 * (25 + 99 * 10)));
}

TEST_CASE("Of a few rounds some are left out, and told as if they had been walked") {
    const int left_out = left_out_of(60, [](test::Draw& draw, const Machine& machine) {
        const std::int64_t rounds = draw(4, 12);
        const Program program = drawn_pipeline(draw, machine, rounds);
        return check_alike(program, machine, Window{draw(0, rounds - 1)});
    });
    CHECK(left_out > 10);
}

TEST_CASE("Turns of a loop that are left out are told as if they had been walked") {
    const int left_out = left_out_of(90, [](test::Draw& draw, const Machine& machine) {
        const std::int64_t rounds = draw(1, 4);
        const Program program = drawn_pipeline(draw, machine, rounds, draw(2, 150));
        return check_alike(program, machine, Window{draw(0, rounds - 1)});
    });
    CHECK(left_out > 45);
}

TEST_CASE("What a long step holds counts beside all that comes and goes while it runs") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const ComponentId buffer = machine.find("global_buffer");
    ProgramBuilder builder(machine);
    const auto hold = [&](AgentId agent, UnitId unit, std::int64_t cycles, std::int64_t bytes) {
        step_of(builder, agent, unit, cycles, {}, {}, {{buffer, bytes, bytes}});
    };
    constexpr std::int64_t kTurns = 150'000;  // more changes than a recorder keeps at once
    hold(builder.agent("long"), builder.unit("array", machine.find("array")), 3 * kTurns, 100);
    const AgentId often = builder.agent("often");
    const UnitId vector = builder.unit("vector", machine.find("vector"));
    hold(often, vector, 1, 5);
    builder.begin_loop();
    hold(often, vector, 1, 3);
    builder.end_loop(kTurns);
    const Program program = builder.finish({{}}, 1, 1);
    const StepObserver observe = [](AgentId, const Step&, const StepTimes&) {};  // walks all turns
    for (const StepObserver& each : {observe, StepObserver()}) {
        const Outcome outcome = estimate(program, machine, Window{0}, each);
        CHECK(outcome.components[buffer.position()].peak == Bytes(105));
        CHECK(outcome.steps == kTurns + 2);
    }
}

TEST_CASE("Of a mapped network all but a few rounds are left out, wherever the window begins") {
    const Network network = test::shipped_network("tiny_two");
    for (const char* name : {"tiny_von_neumann", "von_neumann"}) {
        INFO(name);
        const Machine machine = test::shipped_machine(name);
        MapperOptions options;
        options.rounds = 300;
        const Program program = map_network(network, machine, options).program;
        for (const std::int64_t warmup : {0, 1, 7, 150, 298, 299}) {
            INFO("warmup " << warmup);
            CHECK(check_alike(program, machine, Window{warmup}));
        }
    }
}

TEST_CASE("A program whose rounds grow longer is walked to its end") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    ProgramBuilder builder(machine);
    const AgentId maker = builder.agent("maker");
    const AgentId user = builder.agent("user");
    const UnitId array = builder.unit("array", machine.find("array"));
    const UnitId vector = builder.unit("vector", machine.find("vector"));
    const TokenId made = builder.token("made");
    for (const bool makes : {true, false}) {  // the user falls behind, round by round
        RoundStep step;
        step.layer = LayerId(std::size_t{0});
        step.body.unit = makes ? array : vector;
        Compute compute;
        compute.occupies = Cycles(makes ? 2 : 5);
        step.body.what = compute;
        if (makes) {
            step.posts = {{made}};
        } else {
            step.waits = {{made, 1}};
        }
        builder.step(makes ? maker : user, std::move(step));
    }
    const Program program = builder.finish({{}}, 100, 1);
    CHECK_FALSE(check_alike(program, machine, Window{0}));
}

}  // namespace memwall
