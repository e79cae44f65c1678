// SPDX-License-Identifier: Apache-2.0
// The analytic engine shares links as the replay does.
#include "arch/link_shares.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "sim/flow_network.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kCycle = 1000;  // picoseconds

struct Drawn {
    std::vector<LinkUse> uses;
    std::int64_t start = 0;  // cycles
};

/// Moves over some of a machine's links, each over those ahead of the last one too.
std::vector<Drawn> drawn_moves(test::Draw& draw, const Machine& machine) {
    std::vector<Drawn> moves(static_cast<std::size_t>(draw(1, 6)));
    std::int64_t now = 0;
    for (Drawn& move : moves) {
        move.start = now;
        now += draw(0, 30);
        const std::int64_t bytes = draw(50, 400);
        for (std::size_t l = 0; l < machine.links().size(); ++l) {
            if (machine.links()[l].bytes_per_cycle > 0 && draw.chance(40)) {
                move.uses.push_back({LinkId(l), Bytes(draw.chance(70) ? bytes : bytes / 2)});
            }
        }
        if (move.uses.empty()) {
            move.uses.push_back({machine.medium(machine.find("bus")), Bytes(bytes)});
        }
    }
    return moves;
}

Picoseconds end_in_replay(const std::vector<Drawn>& moves, const Machine& machine) {
    FlowNetwork network(machine.links(), machine.clocks());
    Picoseconds end;
    std::vector<std::int32_t> done;
    const auto run_to = [&](Picoseconds until) {
        while (network.next_time() <= until) {
            end = network.next_time();
            done.clear();
            network.advance(end, done);
            network.settle(end);
            if (std::find(done.begin(), done.end(), static_cast<std::int32_t>(moves.size()) - 1) !=
                done.end()) {
                return;
            }
        }
    };
    for (std::size_t m = 0; m < moves.size(); ++m) {
        const Picoseconds start(moves[m].start * kCycle);
        run_to(start);
        network.start(static_cast<std::int32_t>(m), moves[m].uses, ClockId(0), start);
        network.settle(start);
    }
    run_to(Picoseconds(INT64_MAX - 1));
    return end;
}

}  // namespace

TEST_CASE("The move that is asked for last ends when it ends in the replay's network of flows") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    std::int64_t equal = 0;
    constexpr std::int64_t kCases = 500;
    for (std::uint32_t seed = 1; seed <= kCases; ++seed) {
        test::Draw draw(seed);
        const std::vector<Drawn> moves = drawn_moves(draw, machine);
        LinkShares shares(machine, moves.size());
        std::vector<LinkDemand> demands(moves.size());
        Picoseconds end;
        for (std::size_t m = 0; m < moves.size(); ++m) {
            Move move;
            move.links = moves[m].uses;
            demands[m] = link_demand(move, machine);
            const Picoseconds start(moves[m].start * kCycle);
            shares.announce(UnitId(m), false, demands[m], start);
            end = shares.send(m, demands[m], start, start);
        }
        INFO("seed " << seed);
        const std::int64_t replayed = end_in_replay(moves, machine).count() / kCycle;
        const std::int64_t told = ceil_divide(end.count() - 8, kCycle);
        // A flow keeps its links until an edge of the clock there, and sets them free at once here.
        CHECK(told <= replayed + 1);
        CHECK(replayed <= told + static_cast<std::int64_t>(moves.size()));
        equal += told == replayed ? 1 : 0;
    }
    CHECK(equal > kCases * 3 / 4);
}

}  // namespace memwall
