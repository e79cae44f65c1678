// SPDX-License-Identifier: Apache-2.0
// The order in which the analytic engine takes what comes next.
#include "arch/agenda.hpp"

#include <catch2/catch.hpp>
#include <tuple>
#include <vector>

#include "tests/support/draw.hpp"

namespace memwall {
namespace {

using Kind = Agenda::Kind;

std::vector<Agent> agents_with(const std::vector<int>& priorities) {
    std::vector<Agent> agents;
    for (const int priority : priorities) {
        agents.push_back({"agent", priority, 1});
    }
    return agents;
}

}  // namespace

TEST_CASE("In one instant steps complete, then agents fetch, then they request, by priority") {
    Agenda agenda(agents_with({0, -1, 0}));
    const Picoseconds later(5);
    agenda.add(later, Kind::request, 2);
    agenda.add(later, Kind::request, 1);
    agenda.add(later, Kind::fetch, 0);
    agenda.add(later, Kind::complete, 2, 7);
    agenda.add(later, Kind::complete, 2, 3);
    agenda.add(Picoseconds(4), Kind::fetch, 2);
    std::vector<std::tuple<Kind, std::size_t, std::size_t>> taken;
    while (!agenda.empty()) {
        const Agenda::Entry entry = agenda.take_first();
        taken.emplace_back(entry.kind, entry.agent, entry.flight);
    }
    CHECK(taken == std::vector<std::tuple<Kind, std::size_t, std::size_t>>{{Kind::fetch, 2, 0},
                                                                           {Kind::complete, 2, 7},
                                                                           {Kind::complete, 2, 3},
                                                                           {Kind::fetch, 0, 0},
                                                                           {Kind::request, 1, 0},
                                                                           {Kind::request, 2, 0}});
}

TEST_CASE("All that request at once do so before what comes of the first of them") {
    Agenda agenda(agents_with({0, 0, 0}));
    const Picoseconds now(5);
    agenda.add(now, Kind::request, 1);
    agenda.add(now, Kind::request, 2);
    CHECK(agenda.take_first().agent == 1);
    // Its step takes no time, and lets agent 0 begin, which is before agent 2 by number.
    agenda.add(now, Kind::complete, 1, 7);
    agenda.add(now, Kind::request, 0);
    CHECK(agenda.requesting() == 1);
    CHECK(agenda.entries().front().agent == 2);
    CHECK(agenda.take_first().agent == 2);
    CHECK(agenda.requesting() == 0);
    CHECK(agenda.take_first().kind == Kind::complete);
    CHECK(agenda.take_first().agent == 0);
    CHECK(agenda.empty());
}

TEST_CASE("An agenda of many entries gives them in the order in which it lists them") {
    test::Draw draw(1);
    constexpr std::size_t kAgents = 300;
    Agenda agenda(agents_with(std::vector<int>(kAgents)));
    for (std::size_t a = 0; a < kAgents; ++a) {
        agenda.add(Picoseconds(draw(0, 40)), a % 2 == 0 ? Kind::fetch : Kind::request, a);
        agenda.add(Picoseconds(draw(0, 40)), Kind::complete, a, a);
    }
    agenda.put_off(Picoseconds(100));
    const std::vector<Agenda::Entry> listed = agenda.entries();
    REQUIRE(listed.size() == 2 * kAgents);
    CHECK(listed.front().at == Picoseconds(100));
    for (const Agenda::Entry& expected : listed) {
        const Agenda::Entry entry = agenda.take_first();
        CHECK(entry.at == expected.at);
        CHECK(entry.kind == expected.kind);
        CHECK(entry.agent == expected.agent);
        CHECK(entry.flight == expected.flight);
    }
    CHECK(agenda.empty());
}

}  // namespace memwall
