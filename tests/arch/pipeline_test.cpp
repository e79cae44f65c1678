// SPDX-License-Identifier: Apache-2.0
#include "arch/pipeline.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <tuple>

#include "tests/support/draw.hpp"

namespace memwall {
namespace {

/// A chain whose items take some time and room; only the last one may be divided.
struct Chain {
    std::vector<double> seconds;
    std::vector<int> room;
    int capacity = 0;

    [[nodiscard]] std::optional<Seconds> time(std::size_t begin, std::size_t end,
                                              std::int64_t cards) const {
        const auto from = static_cast<std::ptrdiff_t>(begin);
        const auto to = static_cast<std::ptrdiff_t>(end);
        const int all = std::accumulate(room.begin() + from, room.begin() + to, 0);
        if (all > capacity * cards || (cards > 1 && begin + 1 < seconds.size())) {
            return std::nullopt;
        }
        const double sum = std::accumulate(seconds.begin() + from, seconds.begin() + to, 0.0);
        return Seconds(sum / static_cast<double>(cards));
    }
};

struct Score {
    double slowest = 0;
    double sum = 0;

    [[nodiscard]] double round(const PartitionGoal& goal) const {
        const double turn = slowest + goal.turn.count();
        return goal.groups == 0 ? slowest : std::max(sum, static_cast<double>(goal.groups) * turn);
    }
};

/// Of all partitions of the items from `begin` on.
std::vector<Score> all_scores(const Chain& chain, std::size_t begin, std::int64_t cards,
                              double each) {
    if (begin == chain.seconds.size()) {
        return {Score{}};
    }
    std::vector<Score> scores;
    for (std::size_t end = begin + 1; end <= chain.seconds.size(); ++end) {
        for (std::int64_t width = 1; width <= cards; ++width) {
            const auto stage = chain.time(begin, end, width);
            if (!stage) {
                continue;
            }
            for (const Score& rest : all_scores(chain, end, cards - width, each)) {
                scores.push_back(
                    {std::max(stage->count(), rest.slowest), stage->count() + each + rest.sum});
            }
        }
    }
    return scores;
}

std::optional<Score> best_of_all(const Chain& chain, std::int64_t cards,
                                 const PartitionGoal& goal) {
    std::optional<Score> best;
    for (const Score& score : all_scores(chain, 0, cards, goal.each.count())) {
        const auto rank = [&](const Score& of) {
            return std::tuple(of.round(goal), of.sum, of.slowest);
        };
        best = !best || rank(score) < rank(*best) ? score : *best;
    }
    return best;
}

/// The least that the slowest stage can be.
double partition_slowest(const Chain& chain, std::int64_t cards) {
    return best_of_all(chain, cards, {})->slowest;
}

/// How long a round of all groups takes in the end, group by group and stage by stage.
double simulated_round(std::int64_t groups, const std::vector<double>& intervals,
                       const std::vector<double>& latencies) {
    constexpr int kRounds = 60;
    std::vector<double> ready(static_cast<std::size_t>(groups), 0.0);
    std::vector<double> free(intervals.size(), 0.0);
    double before = 0;
    double last = 0;
    for (int round = 0; round < kRounds; ++round) {
        before = round == kRounds / 2 ? last : before;
        for (double& group : ready) {
            for (std::size_t s = 0; s < intervals.size(); ++s) {
                const double start = std::max(group, free[s]);
                free[s] = start + intervals[s];
                group = start + latencies[s];
            }
        }
        last = ready.back();
    }
    return (last - before) / (kRounds / 2.0);
}

}  // namespace

TEST_CASE("A chain is divided as well as by trying all partitions") {
    int divided = 0;
    int by_way = 0;
    int refused = 0;
    for (std::uint32_t seed = 1; seed <= 200; ++seed) {
        test::Draw draw(seed);
        Chain chain;
        chain.capacity = static_cast<int>(draw(3, 8));
        const std::int64_t items = draw(1, 6);
        for (std::int64_t item = 0; item < items; ++item) {
            chain.seconds.push_back(static_cast<double>(draw(1, 9)));
            chain.room.push_back(static_cast<int>(draw(1, 4)));
        }
        const std::int64_t cards = draw(1, 5);
        PartitionGoal goal;
        goal.each = Seconds(static_cast<double>(draw(0, 2)));
        goal.turn = Seconds(static_cast<double>(draw(0, 2)));
        goal.each += goal.turn;
        goal.groups = seed % 2 == 0 ? 0 : draw(1, 6);
        const auto stages =
            partition_chain(chain.seconds.size(), cards, goal,
                            [&](std::size_t begin, std::size_t end, std::int64_t width) {
                                return chain.time(begin, end, width);
                            });
        const auto best = best_of_all(chain, cards, goal);
        INFO("seed " << seed);
        REQUIRE(stages.has_value() == best.has_value());
        if (!stages) {
            ++refused;
            continue;
        }
        Score found;
        std::int64_t used = 0;
        std::size_t at = 0;
        for (const Stage& stage : *stages) {
            CHECK(stage.begin == at);
            at = stage.end;
            used += stage.cards;
            const double time = chain.time(stage.begin, stage.end, stage.cards)->count();
            found.slowest = std::max(found.slowest, time);
            found.sum += time + goal.each.count();
            divided += stage.cards > 1 ? 1 : 0;
        }
        CHECK(at == chain.seconds.size());
        CHECK(used <= cards);
        CHECK(found.round(goal) == Approx(best->round(goal)));
        if (goal.groups == 0) {
            CHECK(found.sum == Approx(best->sum));
        }
        by_way += goal.groups > 0 && found.slowest > partition_slowest(chain, cards) ? 1 : 0;
    }
    CHECK(by_way > 5);
    CHECK(divided > 20);
    CHECK(refused > 5);
}

TEST_CASE("A stage may be a little slower where the way of all is shorter") {
    const std::vector<double> seconds = {5, 5.2, 4.9};
    const auto time = [&](std::size_t begin, std::size_t end, std::int64_t cards) {
        const double sum = std::accumulate(seconds.begin() + static_cast<std::ptrdiff_t>(begin),
                                           seconds.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
        return cards == 1 ? std::optional(Seconds(sum)) : std::nullopt;
    };
    CHECK(partition_chain(3, 2, {0, Seconds(1), Seconds(0), 0}, time) ==
          std::vector<Stage>{{0, 1, 1}, {1, 3, 1}});
    CHECK(partition_chain(3, 3, {0, Seconds(1), Seconds(0), 0}, time)->size() == 3);
    CHECK(partition_chain(3, 3, {0, Seconds(1), Seconds(0), 1}, time)->size() == 2);
    CHECK(partition_chain(3, 3, {0, Seconds(1), Seconds(0), 2}, time)->size() == 1);
}

TEST_CASE("Few users get a short way, many a fast slowest stage") {
    // Three items of 4 s each; a stage costs 3 s of way. One stage: a way of 15 s, turns of 12 s.
    const auto time = [](std::size_t begin, std::size_t end, std::int64_t cards) {
        return cards == 1 ? std::optional(Seconds(4.0 * static_cast<double>(end - begin)))
                          : std::nullopt;
    };
    CHECK(partition_chain(3, 3, {1, Seconds(3), Seconds(0), 0}, time)->size() == 1);  // 15 s
    CHECK(partition_chain(3, 3, {2, Seconds(3), Seconds(0), 0}, time)->size() ==
          2);  // 18 s, 24 s in one stage
    CHECK(partition_chain(3, 3, {5, Seconds(3), Seconds(0), 0}, time)->size() ==
          3);  // 21 s, else 40 s
    CHECK(partition_chain(3, 3, {0, Seconds(3), Seconds(0), 0}, time)->size() == 3);
}

TEST_CASE("Users who go round a ring take what the round trip or the slowest stage takes") {
    int trips = 0;
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        test::Draw draw(seed);
        std::vector<double> intervals;
        std::vector<double> latencies;
        const std::int64_t stages = draw(1, 6);
        for (std::int64_t s = 0; s < stages; ++s) {
            intervals.push_back(static_cast<double>(draw(1, 9)));
            latencies.push_back(intervals.back() + static_cast<double>(draw(0, 20)));
        }
        const std::int64_t groups = draw(1, 12);
        const RingTime ring = time_round_ring(
            groups, Seconds(std::accumulate(latencies.begin(), latencies.end(), 0.0)),
            Seconds(*std::max_element(intervals.begin(), intervals.end())));
        INFO("seed " << seed);
        CHECK(ring.round.count() == Approx(simulated_round(groups, intervals, latencies)));
        trips += ring.by_round_trip ? 1 : 0;
    }
    CHECK(trips > 10);
    CHECK(trips < 50);
}

}  // namespace memwall
