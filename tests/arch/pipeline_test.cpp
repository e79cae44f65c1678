// SPDX-License-Identifier: Apache-2.0
#include "arch/pipeline.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <tuple>

#include "tests/support/draw.hpp"

namespace memwall {
namespace {

/// A chain whose items take some time and room. The last one may be divided; so may, among the
/// fewest cards that hold it, one that is too large for a card, where cards share.
struct Chain {
    std::vector<double> seconds;
    std::vector<int> room;
    int capacity = 0;
    std::optional<double> exchange;  ///< what sharing adds to the way; none: cards do not share

    [[nodiscard]] std::optional<StageCost> cost(std::size_t begin, std::size_t end,
                                                std::int64_t cards) const {
        const auto from = static_cast<std::ptrdiff_t>(begin);
        const auto to = static_cast<std::ptrdiff_t>(end);
        const int all = std::accumulate(room.begin() + from, room.begin() + to, 0);
        const double sum = std::accumulate(seconds.begin() + from, seconds.begin() + to, 0.0);
        const Seconds turn(sum / static_cast<double>(cards));
        if (exchange && end == begin + 1 && cards > 1 && end < seconds.size()) {
            const bool fewest = all > capacity * (cards - 1) && all <= capacity * cards;
            return fewest ? std::optional(StageCost{turn, Seconds(*exchange)}) : std::nullopt;
        }
        if (all > capacity * cards || (cards > 1 && begin + 1 < seconds.size())) {
            return std::nullopt;
        }
        return StageCost{turn};
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
            const auto stage = chain.cost(begin, end, width);
            if (!stage) {
                continue;
            }
            for (const Score& rest : all_scores(chain, end, cards - width, each)) {
                scores.push_back({std::max(stage->turn.count(), rest.slowest),
                                  (stage->turn + stage->waits).count() + each + rest.sum});
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
    int shared = 0;
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
        if (seed % 3 == 0) {
            chain.exchange = static_cast<double>(draw(0, 3));
            chain.room[static_cast<std::size_t>(draw(0, items - 1))] =
                static_cast<int>(draw(chain.capacity + 1, 2 * chain.capacity));
        }
        const auto stages =
            partition_chain(chain.seconds.size(), cards, goal,
                            [&](std::size_t begin, std::size_t end, std::int64_t width) {
                                return chain.cost(begin, end, width);
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
            const StageCost cost = *chain.cost(stage.begin, stage.end, stage.cards);
            found.slowest = std::max(found.slowest, cost.turn.count());
            found.sum += (cost.turn + cost.waits).count() + goal.each.count();
            divided += stage.cards > 1 ? 1 : 0;
            shared += stage.cards > 1 && stage.end < chain.seconds.size() ? 1 : 0;
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
    CHECK(shared > 5);
    CHECK(refused > 5);
}

TEST_CASE("A block that no card holds is shared or cut, whichever way is shorter") {
    // Items of 4, 6, 6 and 4 s. Items 1 and 2 are a block: a card for each, or two that share it,
    // in 6 s and an exchange. Each stage adds 1 s to the way.
    const auto stages = [](double exchange, std::int64_t cards) {
        const auto cost = [=](std::size_t begin, std::size_t end,
                              std::int64_t width) -> std::optional<StageCost> {
            if (begin == 1 && end == 3 && width == 2) {
                return StageCost{Seconds(6), Seconds(exchange)};
            }
            const bool one = end == begin + 1 && width == 1;
            return one ? std::optional(StageCost{Seconds(begin % 3 == 0 ? 4 : 6)}) : std::nullopt;
        };
        return partition_chain(4, cards, {1, Seconds(1), Seconds(0), 0}, cost);
    };
    const std::vector<Stage> cut = {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}};
    const std::vector<Stage> shared = {{0, 1, 1}, {1, 3, 2}, {3, 4, 1}};
    CHECK(stages(6.5, 4) == shared);  // 5 + 13.5 + 5 s; cut: 5 + 7 + 7 + 5 s
    CHECK(stages(7.5, 4) == cut);     // 5 + 14.5 + 5 s
    CHECK(!stages(6.5, 3));
}

TEST_CASE("A stage may be a little slower where the way of all is shorter") {
    const std::vector<double> seconds = {5, 5.2, 4.9};
    const auto time = [&](std::size_t begin, std::size_t end, std::int64_t cards) {
        const double sum = std::accumulate(seconds.begin() + static_cast<std::ptrdiff_t>(begin),
                                           seconds.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
        return cards == 1 ? std::optional(StageCost{Seconds(sum)}) : std::nullopt;
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
        return cards == 1
                   ? std::optional(StageCost{Seconds(4.0 * static_cast<double>(end - begin))})
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
