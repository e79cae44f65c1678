// SPDX-License-Identifier: Apache-2.0
// Moves that use one bus or port at once, in the analytic engine. The machine is tiny_von_neumann:
// a cycle is 1 ns, the bus carries 8 B a cycle, each port of the global buffer 16, the write port
// of the four operand buffers 64.
#include "arch/link_shares.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "tests/support/draw.hpp"
#include "tests/support/generated_layers.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

constexpr Picoseconds cycles(std::int64_t count) {
    return Picoseconds(1000 * count);
}

/// Lanes 0, 1, ... that send from one part of the machine to another.
struct Bench {
    Machine machine = test::shipped_machine("tiny_von_neumann");
    LinkId bus = machine.medium(machine.find("bus"));
    LinkId read = machine.read_port(machine.find("global_buffer"));
    LinkId write = machine.write_port(machine.find("global_buffer"));
    LinkShares shares = LinkShares(machine, 8);
    std::deque<LinkDemand> demands;

    Picoseconds send(std::size_t lane, const std::vector<LinkUse>& uses, std::int64_t now,
                     std::int64_t from = 0) {
        Move move;
        move.links = uses;
        const LinkDemand& demand = demands.emplace_back(link_demand(move, machine));
        shares.announce(UnitId(lane), false, demand, cycles(now));
        return shares.send(lane, demand, cycles(now), cycles(std::max(now, from)));
    }
};

/// What a move put on a link, and when.
struct Sent {
    UnitId unit;
    std::int64_t bytes = 0;
    Picoseconds start, end;
};
using SentByLink = std::map<LinkId, std::vector<Sent>>;

SentByLink sent_by_links(const Program& program, const Machine& machine) {
    SentByLink sent;
    estimate(program, machine, Window{1}, [&](AgentId, const Step& step, const StepTimes& times) {
        if (const auto* move = std::get_if<Move>(&step.body->what)) {
            for (const LinkUse& use : move->links) {
                sent[use.link].push_back(
                    {step.body->unit, use.bytes.count(), times.start, times.served});
            }
        }
    });
    return sent;
}

/// Bytes of what begins and ends in a window, beyond what a link carries in that time and one move
/// of each unit: a move's end is not put off by what begins after it.
double bytes_too_many(const std::vector<Sent>& sent, const Link& link, Picoseconds from,
                      Picoseconds to) {
    std::map<UnitId, std::int64_t> largest;
    std::int64_t bytes = 0;
    for (const Sent& move : sent) {
        if (move.start >= from && move.end <= to) {
            bytes += move.bytes;
            largest[move.unit] = std::max(largest[move.unit], move.bytes);
        }
    }
    for (const auto& [unit, most] : largest) {
        bytes -= most;
    }
    return static_cast<double>(bytes) -
           link.bytes_per_cycle * static_cast<double>((to - from).count()) / 1000;
}

}  // namespace

TEST_CASE("A move that is alone on its links takes the time of the slowest") {
    Bench bench;
    CHECK(bench.send(0, {{bench.read, Bytes(160)}, {bench.bus, Bytes(160)}}, 5) == cycles(25));
    CHECK(bench.send(0, {{bench.bus, Bytes(80)}}, 30) == cycles(40));
}

TEST_CASE("Two units on one bus have half of it each until one is through") {
    Bench bench;
    CHECK(bench.send(0, {{bench.bus, Bytes(160)}}, 0) == cycles(20));
    // From 10 on 80 B of the first are left. Both move 4 B a cycle: 40 B take 10.
    CHECK(bench.send(1, {{bench.bus, Bytes(40)}}, 10) == cycles(20));
    // The first has 40 B left at 20, then 4 B a cycle until the third of 20 B is through at 25, so
    // 20 B left, 8 B a cycle, until 27.5; what it sends next comes behind that.
    CHECK(bench.send(2, {{bench.bus, Bytes(20)}}, 20) == cycles(25));
    CHECK(bench.send(0, {{bench.bus, Bytes(80)}}, 20) ==
          cycles(27) + Picoseconds(500) + cycles(10));
}

TEST_CASE("The ports of a memory are two links, and what lies elsewhere waits for neither") {
    Bench bench;
    CHECK(bench.send(0, {{bench.read, Bytes(320)}}, 0) == cycles(20));
    CHECK(bench.send(1, {{bench.write, Bytes(320)}}, 0) == cycles(20));
    CHECK(bench.send(2, {{bench.bus, Bytes(160)}}, 0) == cycles(20));
    CHECK(bench.send(3, {{bench.read, Bytes(16)}}, 0) == cycles(2));
}

TEST_CASE("A move that another link holds back leaves the rest of a port to others") {
    Bench bench;
    // 8 of the port's 16 B a cycle, as much as the bus carries: so others have the other 8.
    CHECK(bench.send(0, {{bench.read, Bytes(800)}, {bench.bus, Bytes(800)}}, 0) == cycles(100));
    CHECK(bench.send(1, {{bench.read, Bytes(80)}}, 0) == cycles(10));
    // Two more: a third of 16 B a cycle each is less than 8. 32 B take 6 cycles.
    CHECK(bench.send(2, {{bench.read, Bytes(320)}}, 20) == cycles(60));
    CHECK(bench.send(3, {{bench.read, Bytes(32)}}, 20) == cycles(26));
}

TEST_CASE("What begins later is counted on from then on") {
    Bench bench;
    bench.send(0, {{bench.bus, Bytes(40)}}, 0);
    // Its lane is taken until 5; the second lane sends from 10 on.
    CHECK(bench.send(0, {{bench.bus, Bytes(80)}}, 0, 5) == cycles(15));
    CHECK(bench.send(1, {{bench.bus, Bytes(80)}}, 0, 10) == cycles(10) + cycles(5 * 2 + 5));
}

TEST_CASE("Units that never pause get the width of the bus between them, and no more") {
    Bench bench;
    constexpr std::size_t kUnits = 3;
    std::vector<std::int64_t> free(kUnits);
    std::int64_t bytes = 0;
    std::int64_t now = 0;
    while (now < 10'000) {
        const auto lane =
            static_cast<std::size_t>(std::min_element(free.begin(), free.end()) - free.begin());
        now = free[lane];
        const std::int64_t move = 24 + 16 * static_cast<std::int64_t>(lane);
        bytes += move;
        const Picoseconds end = bench.send(lane, {{bench.bus, Bytes(move)}}, now);
        free[lane] = ceil_divide(end.count(), 1000);
    }
    const std::int64_t last = *std::max_element(free.begin(), free.end());
    const std::int64_t under_way = 24 + 40 + 56;
    CHECK(bytes <= last * 8 + under_way);
    CHECK(bytes > last * 8 * 97 / 100);
}

TEST_CASE("No bus or port of generated tiled machines carries more than its width over a while") {
    int windows = 0;
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        test::Draw draw(seed);
        const test::Generated generated =
            test::generated_network(draw, static_cast<int>(draw(2, 4)));
        const auto bytes = [&](const std::vector<std::int64_t>& choices) {
            return std::to_string(draw.one_of(choices)) + " B";
        };
        const Machine machine = test::shipped_machine(
            "tiny_von_neumann", {{"components.bus.width", bytes({1, 2, 4, 8, 32})},
                                 {"components.global_buffer.read_width", bytes({2, 4, 16})},
                                 {"components.global_buffer.write_width", bytes({2, 4, 16})},
                                 {"components.operand_buffer.write_width", bytes({1, 4, 16})},
                                 {"components.host.bandwidth", "8 GB/s"}});
        INFO("seed " << seed << "\n" << generated.yaml);
        MapperOptions options;
        options.rounds = 6;
        const Mapping mapping = map_network(generated.network, machine, options);
        for (const auto& [id, sent] : sent_by_links(mapping.program, machine)) {
            const Link& link = machine.links()[id.position()];
            INFO(link.name);
            constexpr std::int64_t kParts = 8;
            const Picoseconds part(sent.back().end.count() / kParts);
            for (std::int64_t from = 0; from < kParts; ++from) {
                for (std::int64_t to = from + 1; to <= kParts; ++to) {
                    ++windows;
                    CHECK(bytes_too_many(sent, link, part * from, part * to) <= 0);
                }
            }
        }
    }
    CHECK(windows > 5000);
}

}  // namespace memwall
