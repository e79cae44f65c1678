// SPDX-License-Identifier: Apache-2.0
// Tracer: a source that sends spikes by a seeded draw.
//
// Four neurons, three time steps of 100 cycles. At each, every neuron draws a number of the
// standard Mersenne Twister and fires where it is below 2^31. With the standard's own seed 5489 the
// draws are
//   step 0  3499211612   581869302*  3890346734   3586334585      1 spike
//   step 1   545404204* 4161255391   3922919429    949333985*     2 spikes
//   step 2  2715962298  1323567403*   418932835*  2350294565      2 spikes
// A spike is 4 B over a bus of 4 B a cycle, 2 cycles long: sent one after another, there 3 cycles
// after its start. It costs 8 synaptic operations, one a cycle. In cycles:
//   step 0  sent at 0           core   3 .. 11
//   step 1  sent at 100, 101    core 103 .. 111 .. 119
//   step 2  sent at 200, 201    core 203 .. 211 .. 219
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "sim/replay.hpp"
#include "tests/sim/outcome_text.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;

namespace {

constexpr std::int64_t kCycle = 2'500;
constexpr int kNeurons = 4;
constexpr int kTimeSteps = 3;

/// Agent 0 sends, agent 1 integrates what has arrived. Where nobody fires nothing is done.
class Spikes final : public StepSource {
public:
    Spikes(unsigned seed, const StepBody* send, const StepBody* integrate, TokenId arrived)
        : random_(seed), send_(send), integrate_(integrate), arrived_(arrived) {}

    void next(AgentId agent, Picoseconds now, Next& next) override {
        next.step.waits.clear();
        next.step.posts.clear();
        next.step.layer = LayerId(0);
        agent == AgentId(0) ? sender(now, next) : core(next);
    }

private:
    void sender(Picoseconds now, Next& next) {
        while (firing_ == 0 && time_step_ < kTimeSteps) {
            const Picoseconds begin(time_step_ * 100 * kCycle);
            if (now < begin) {
                next.kind = Next::Kind::wait_until;
                next.until = begin;
                return;
            }
            ++time_step_;
            for (int neuron = 0; neuron < kNeurons; ++neuron) {
                firing_ += random_() < (1U << 31U) ? 1 : 0;
            }
        }
        if (firing_ == 0) {
            next.kind = Next::Kind::done;
            return;
        }
        --firing_;
        ++sent_;
        next.kind = Next::Kind::step;
        next.step.body = send_;
        next.step.posts = {{arrived_}};
    }

    void core(Next& next) {
        if (integrated_ < sent_) {
            ++integrated_;
            next.kind = Next::Kind::step;
            next.step.body = integrate_;
            next.step.waits = {{arrived_, integrated_}};
        } else if (firing_ > 0) {
            next.kind = Next::Kind::wait_for;
            next.token = {arrived_, integrated_ + 1};
        } else if (time_step_ < kTimeSteps) {
            next.kind = Next::Kind::wait_until;
            next.until = Picoseconds(time_step_ * 100 * kCycle);
        } else {
            next.kind = Next::Kind::done;
        }
    }

    std::mt19937 random_;
    const StepBody* send_;
    const StepBody* integrate_;
    TokenId arrived_;
    int time_step_ = 0;
    int firing_ = 0;
    std::int64_t sent_ = 0;
    std::int64_t integrated_ = 0;
};

Outcome spike(unsigned seed) {
    test::MachineScript machine;
    const ComponentId bus = machine.bus(4);
    const ComponentId core = machine.add("core", ComponentKind::vector_unit, VectorUnitConfig{});
    const Machine built = machine.build();
    test::ProgramScript script;
    const UnitId axon = script.unit(bus);
    const UnitId neurons = script.unit(core);
    const TokenId arrived = script.token("arrived");
    script.agent("sender", 0);  // draws before the core looks, at the beginning of a time step
    script.agent("core", 1);
    const StepBody* send = script.move(axon, {{built.medium(bus), Bytes(4)}}, 2);
    StepBody* integrate = script.compute(neurons, 8);
    integrate->actions = {{script.program().actions.row({LayerId(0), core, Action::accumulate,
                                                         TensorRole::state, Precision::int8}),
                           8}};
    Program program = script.build();
    program.make_source = [=, kept = program.make_source]() {
        return std::make_unique<Spikes>(seed, send, integrate, arrived);
    };
    return replay(program, built);
}

}  // namespace

TEST_CASE("tracer: spikes by a seeded draw, counted in synaptic operations") {
    const Outcome outcome = spike(5489);
    CHECK(outcome.steps == 5 + 5);
    CHECK(outcome.counts[0] == 5 * 8);
    CHECK(outcome.end == Picoseconds(219 * kCycle));
    CHECK(outcome.components[1].busy_max == Picoseconds(40 * kCycle));
    CHECK(outcome.components[0].busy_max == Picoseconds(5 * kCycle));
}

TEST_CASE("tracer: over many seeds every spike is integrated, none where nobody fires") {
    std::int64_t least = 2 * kNeurons * kTimeSteps;
    for (unsigned seed = 0; seed < 40; ++seed) {
        std::mt19937 random(seed);
        std::int64_t spikes = 0;
        for (int draw = 0; draw < kNeurons * kTimeSteps; ++draw) {
            spikes += random() < (1U << 31U) ? 1 : 0;
        }
        const Outcome outcome = spike(seed);
        CHECK(outcome.steps == 2 * spikes);
        CHECK(outcome.counts[0] == 8 * spikes);
        least = std::min(least, spikes);
    }
    CHECK(least <= 3);
}

TEST_CASE("tracer: another seed draws other spikes, the same seed the same") {
    CHECK(test::full_text(spike(7)) == test::full_text(spike(7)));
    CHECK(test::full_text(spike(7)) != test::full_text(spike(5489)));
}
