// SPDX-License-Identifier: Apache-2.0
// Tracer: five users share a pipeline of three chips; each user's cache grows with every token.
//
// A chip takes 10 cycles for a token, and one more for each token of that user already in its
// cache. Between chips 64 B go over a link of 32 B a cycle, 3 cycles long: 2 + 3. A user's next
// token begins when the last chip has finished the one before. Each token adds 100 B to the cache
// of each chip, which stay. Two tokens a user; all five are there at the beginning.
//
// First tokens (cache empty, 10 cycles), user u = 0 .. 4:
//   chip 0  10u .. 10u + 10    sent, there at 10u + 15
//   chip 1  10u + 15 .. 10u + 25                 there at 10u + 30
//   chip 2  10u + 30 .. 10u + 40
// User 0 is done at 40; chip 0 takes user 4 from 40 to 50. Second tokens (11 cycles):
//   chip 0  50 + 11u .. 61 + 11u    (user 1 is ready at 50, 2 at 60, 3 at 70, 4 at 80: all queue)
//   chip 1  66 + 11u .. 77 + 11u
//   chip 2  82 + 11u .. 93 + 11u
#include <array>
#include <catch2/catch.hpp>
#include <deque>

#include "sim/replay.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;
using Catch::Contains;

namespace {

constexpr std::int64_t kCycle = 2'500;
constexpr std::size_t kUsers = 5;
constexpr std::size_t kTokens = 2;
constexpr std::size_t kStages = 5;  // chip, link, chip, link, chip

/// What each stage does for a token; chips by how many tokens are in the cache.
using Bodies = std::array<std::array<const StepBody*, kTokens>, kStages>;

/// A queue before each stage, first come, first served. A token that leaves the last chip comes
/// back to the first as the user's next one.
class Users final : public StepSource {
public:
    Users(const Bodies& bodies, std::vector<TokenId> arrivals)
        : bodies_(bodies), arrivals_(std::move(arrivals)) {
        for (std::size_t user = 0; user < kUsers; ++user) {
            queues_[0].push_back({user, 0});
        }
    }

    void next(AgentId agent, Picoseconds /*now*/, Next& next) override {
        const std::size_t stage = agent.position();
        if (taken_[stage] == kUsers * kTokens) {
            next.kind = Next::Kind::done;
            return;
        }
        if (queues_[stage].empty()) {
            // Users are in the first queue from the beginning, unannounced.
            const std::size_t unannounced = stage == 0 ? kUsers : 0;
            next.kind = Next::Kind::wait_for;
            next.token = {arrivals_[stage],
                          static_cast<std::int64_t>(taken_[stage] + 1 - unannounced)};
            return;
        }
        const Work work = queues_[stage].front();
        queues_[stage].pop_front();
        ++taken_[stage];
        next.kind = Next::Kind::step;
        next.step.body = bodies_[stage][work.token];
        next.step.layer = LayerId(static_cast<std::int32_t>(stage));
        next.step.item = static_cast<std::int64_t>(work.token * kUsers + work.user);
        next.step.waits.clear();
        next.step.posts = {{arrivals_[(stage + 1) % kStages]}};
    }

    void completed(AgentId agent, const Step& step, Picoseconds /*now*/) override {
        const std::size_t stage = agent.position();
        Work work{static_cast<std::size_t>(step.item) % kUsers,
                  static_cast<std::size_t>(step.item) / kUsers};
        if (stage + 1 < kStages) {
            queues_[stage + 1].push_back(work);
        } else if (++work.token < kTokens) {
            queues_[0].push_back(work);
        }
    }

private:
    struct Work {
        std::size_t user;
        std::size_t token;
    };
    Bodies bodies_;
    std::vector<TokenId> arrivals_;
    std::array<std::deque<Work>, kStages> queues_;
    std::array<std::size_t, kStages> taken_{};
};

Outcome serve(std::int64_t cache_bytes) {
    test::MachineScript machine;
    std::array<ComponentId, 3> chips;
    std::array<ComponentId, 3> caches;
    std::array<ComponentId, 2> links;
    for (std::size_t c = 0; c < 3; ++c) {
        const std::string number = std::to_string(c);
        chips[c] = machine.add("chip " + number, ComponentKind::mac_array, MacArrayConfig{});
        caches[c] =
            machine.add("cache " + number, ComponentKind::sram,
                        MemoryConfig{Bytes(cache_bytes), {Bytes(cache_bytes)}, Bytes(0), Bytes(0)});
    }
    for (std::size_t l = 0; l < 2; ++l) {
        BusConfig bus;
        bus.width = Bytes(32);
        links[l] = machine.add("link " + std::to_string(l), ComponentKind::bus, bus);
    }
    const Machine built = machine.build();

    test::ProgramScript script;
    script.layers(kStages);
    script.program().rounds = kUsers * kTokens;
    Bodies bodies{};
    std::vector<TokenId> arrivals;
    for (std::size_t stage = 0; stage < kStages; ++stage) {
        const bool is_chip = stage % 2 == 0;
        const UnitId unit = script.unit(is_chip ? chips[stage / 2] : links[stage / 2]);
        script.agent("stage " + std::to_string(stage));
        arrivals.push_back(script.token("arrivals at stage " + std::to_string(stage)));
        for (std::size_t token = 0; token < kTokens; ++token) {
            StepBody* body =
                is_chip ? script.compute(unit, 10 + static_cast<std::int64_t>(token))
                        : script.move(unit, {{built.medium(links[stage / 2]), Bytes(64)}}, 3);
            if (is_chip) {
                body->occupancy = {{caches[stage / 2], 100, 0}};
            }
            body->edge = stage == 0             ? NetworkEdge::input
                         : stage + 1 == kStages ? NetworkEdge::output
                                                : NetworkEdge::none;
            bodies[stage][token] = body;
        }
    }
    Program program = script.build();
    program.make_source = [bodies, arrivals, kept = program.make_source]() {
        return std::make_unique<Users>(bodies, arrivals);
    };
    return replay(program, built);
}

}  // namespace

TEST_CASE("tracer: five users in a pipeline of three chips with growing caches") {
    const Outcome outcome = serve(1'000);
    for (std::size_t u = 0; u < kUsers; ++u) {
        const auto user = static_cast<std::int64_t>(u);
        CHECK(outcome.round_start[u] == Picoseconds(10 * user * kCycle));
        CHECK(outcome.round_end[u] == Picoseconds((40 + 10 * user) * kCycle));
        CHECK(outcome.round_start[kUsers + u] == Picoseconds((50 + 11 * user) * kCycle));
        CHECK(outcome.round_end[kUsers + u] == Picoseconds((93 + 11 * user) * kCycle));
    }
    CHECK(outcome.end == Picoseconds(137 * kCycle));
    CHECK(outcome.steps == 50);
    for (std::size_t c = 0; c < 3; ++c) {
        CHECK(outcome.components[2 * c].busy_max == Picoseconds((50 + 55) * kCycle));
        CHECK(outcome.components[2 * c + 1].peak == Bytes(5 * 2 * 100));
    }
}

TEST_CASE("tracer: a cache one byte too small for the last token is an error that says when") {
    // The tenth token reaches chip 0 at 50 + 44 = 94 cycles.
    CHECK_THROWS_WITH(serve(999),
                      Contains("memory 'cache 0' would hold 1000 B at 235000 ps; its capacity is "
                               "999 B"));
}
