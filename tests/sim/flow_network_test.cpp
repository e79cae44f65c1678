// SPDX-License-Identifier: Apache-2.0
#include "sim/flow_network.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

using namespace memwall;

namespace {

// Links of 32 B a cycle at 400 MHz unless said otherwise: a cycle is 2,500 ps.
struct Bench {
    explicit Bench(const std::vector<double>& widths)
        : clocks{ClockDomain("clock", Hertz(400'000'000))},
          links(make(widths)),
          network(links, clocks) {}

    static std::vector<Link> make(const std::vector<double>& widths) {
        std::vector<Link> made;
        for (const double width : widths) {
            made.push_back({"link", ComponentId(0), ClockId(0), width});
        }
        return made;
    }

    void start(std::int32_t tag, const std::vector<LinkUse>& uses, std::int64_t cycle) {
        kept[tag] = uses;
        network.start(tag, kept[tag], ClockId(0), Picoseconds(cycle * 2500));
    }

    /// Runs until nothing is left; the finish of each tag in cycles.
    std::map<std::int32_t, std::int64_t> run() {
        std::map<std::int32_t, std::int64_t> finish;
        while (network.next_time() != kNever) {
            const Picoseconds now = network.next_time();
            std::vector<std::int32_t> done;
            network.advance(now, done);
            network.settle(now);
            for (const std::int32_t tag : done) {
                CHECK(now.count() % 2500 == 0);
                finish[tag] = now.count() / 2500;
            }
        }
        return finish;
    }

    std::vector<ClockDomain> clocks;
    std::vector<Link> links;
    FlowNetwork network;
    std::map<std::int32_t, std::vector<LinkUse>> kept;
};

LinkUse use(int link, std::int64_t bytes) {
    return {LinkId(link), Bytes(bytes)};
}

}  // namespace

TEST_CASE("a lone flow takes its bytes over the width of its narrowest link") {
    Bench bench({32, 8, 16});
    bench.start(0, {use(0, 320), use(1, 320), use(2, 320)}, 5);
    bench.network.settle(Picoseconds(12'500));
    CHECK(bench.run()[0] == 5 + 40);
    CHECK(bench.network.bottleneck(0) == LinkId(1));
    CHECK(bench.network.delay(0) == Picoseconds(0));
}

TEST_CASE("a started cycle counts as a whole one, an exact finish does not slip") {
    Bench bench({3, 3});
    bench.start(0, {use(0, 10)}, 0);  // 3.33 cycles
    bench.start(1, {use(1, 9)}, 0);   // exactly 3
    bench.network.settle(Picoseconds(0));
    auto finish = bench.run();
    CHECK(finish[0] == 4);
    CHECK(finish[1] == 3);
}

TEST_CASE("two equal streams on one port finish together at twice the time") {
    Bench bench({32});
    bench.start(0, {use(0, 3200)}, 0);
    bench.start(1, {use(0, 3200)}, 0);
    bench.network.settle(Picoseconds(0));
    auto finish = bench.run();
    CHECK(finish[0] == 200);
    CHECK(finish[1] == 200);
    CHECK(bench.network.delay(0) == Picoseconds(100 * 2500));
}

TEST_CASE("a small request behind a burst of 1 MiB waits no more than its fair share") {
    Bench bench({32});
    bench.start(0, {use(0, 1 << 20)}, 0);
    bench.network.settle(Picoseconds(0));
    bench.start(1, {use(0, 64)}, 100);
    bench.network.settle(Picoseconds(250'000));
    auto finish = bench.run();
    CHECK(finish[1] == 104);  // half of 32 B a cycle: 4 cycles instead of 2
    CHECK(finish[0] == (1 << 20) / 32 + 2);
}

TEST_CASE("a flow held back elsewhere leaves its share to the others") {
    // Flow 0 crosses a narrow link (8) and the shared one (32): it gets 8, flow 1 the other 24.
    Bench bench({8, 32});
    bench.start(0, {use(0, 800), use(1, 800)}, 0);
    bench.start(1, {use(1, 2400)}, 0);
    bench.network.settle(Picoseconds(0));
    auto finish = bench.run();
    CHECK(finish[0] == 100);
    CHECK(finish[1] == 100);
    CHECK(bench.network.bottleneck(0) == LinkId(0));
    CHECK(bench.network.bottleneck(1) == LinkId(1));
}

TEST_CASE("a flow with fewer bytes on a link takes less of it") {
    // Flow 0 sends 400 B over link 0 and a quarter of them over link 1; flow 1 wants link 1 alone.
    // Link 1 of 10 B a cycle: x / 4 + y <= 10 and x <= 16. Max-min: both rise to 8, where link 1 is
    // full. Flow 0: 400 / 8 = 50 cycles.
    Bench bench({16, 10});
    bench.start(0, {use(0, 400), use(1, 100)}, 0);
    bench.start(1, {use(1, 400)}, 0);
    bench.network.settle(Picoseconds(0));
    auto finish = bench.run();
    CHECK(finish[0] == 50);
    CHECK(finish[1] == 50);
}

TEST_CASE("flows that share no link do not solve for each other") {
    Bench bench({32, 32});
    bench.start(0, {use(0, 320)}, 0);
    bench.start(1, {use(1, 640)}, 0);
    bench.network.settle(Picoseconds(0));
    bench.run();
    CHECK(bench.network.solutions() == 0);
}

TEST_CASE("links that are none and flows without bytes take no time") {
    Bench bench({32});
    bench.start(0, {{LinkId(), Bytes(64)}}, 3);
    bench.start(1, {use(0, 0)}, 3);
    bench.network.settle(Picoseconds(7500));
    auto finish = bench.run();
    CHECK(finish[0] == 3);
    CHECK(finish[1] == 3);
}

TEST_CASE("over generated flows every link keeps to its capacity and every flow to its bytes") {
    std::mt19937 random(7);
    for (int round = 0; round < 40; ++round) {
        std::vector<double> widths;
        for (int l = 0; l < 8; ++l) {
            widths.push_back(1.0 + static_cast<double>(random() % 32));
        }
        Bench bench(widths);
        std::map<std::int32_t, std::int64_t> started;
        std::map<std::int32_t, std::vector<LinkUse>> uses;
        std::vector<std::pair<std::int64_t, std::int32_t>> arrivals;
        for (std::int32_t tag = 0; tag < 20; ++tag) {
            std::vector<LinkUse> mine;
            for (int l = 0; l < 8; ++l) {
                if (random() % 3 == 0) {
                    mine.push_back(use(l, 1 + static_cast<std::int64_t>(random() % 4000)));
                }
            }
            uses[tag] = mine;
            started[tag] = static_cast<std::int64_t>(random() % 200);
            arrivals.emplace_back(started[tag], tag);
        }
        std::sort(arrivals.begin(), arrivals.end());
        std::map<std::int32_t, std::int64_t> finish;
        std::size_t next = 0;
        while (next < arrivals.size() || bench.network.next_time() != kNever) {
            const Picoseconds arrival =
                next < arrivals.size() ? Picoseconds(arrivals[next].first * 2500) : kNever;
            const Picoseconds now = std::min(arrival, bench.network.next_time());
            std::vector<std::int32_t> done;
            bench.network.advance(now, done);
            for (const std::int32_t tag : done) {
                finish[tag] = now.count() / 2500;
            }
            while (next < arrivals.size() && arrivals[next].first * 2500 == now.count()) {
                bench.start(arrivals[next].second, uses[arrivals[next].second],
                            arrivals[next].first);
                ++next;
            }
            bench.network.settle(now);
        }
        CHECK(bench.network.active() == 0);
        CHECK(finish.size() == 20);
        for (int l = 0; l < 8; ++l) {
            // Over the span in which a link was wanted it cannot have carried more than its width.
            double bytes = 0;
            std::int64_t from = INT64_MAX;
            std::int64_t to = 0;
            for (const auto& [tag, mine] : uses) {
                for (const LinkUse& u : mine) {
                    if (u.link == LinkId(l)) {
                        const auto here = static_cast<double>(u.bytes.count());
                        bytes += here;
                        from = std::min(from, started[tag]);
                        to = std::max(to, finish[tag]);
                        const double alone = here / widths[static_cast<std::size_t>(l)];
                        CHECK(static_cast<double>(finish[tag] - started[tag]) >= alone - 1e-6);
                    }
                }
            }
            if (bytes > 0) {
                CHECK(bytes <=
                      widths[static_cast<std::size_t>(l)] * static_cast<double>(to - from) + 1e-6);
            }
        }
    }
}
