// SPDX-License-Identifier: Apache-2.0
#include "arch/pipeline.hpp"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// A stage that is possible.
struct Candidate {
    Stage stage;
    double turn = 0;
    double way = 0;  ///< of one group
};

/// By their ends.
std::vector<Candidate> all_candidates(std::size_t items, std::int64_t cards,
                                      const StageTime& time) {
    std::vector<Candidate> candidates;
    for (std::size_t end = 1; end <= items; ++end) {
        for (std::size_t begin = 0; begin < end; ++begin) {
            for (std::int64_t width = 1; width <= cards; ++width) {
                if (const auto cost = time(begin, end, width)) {
                    candidates.push_back({{begin, end, width},
                                          cost->turn.count(),
                                          (cost->turn + cost->waits).count()});
                }
            }
        }
    }
    return candidates;
}

/// The best way to have the first items on some number of cards.
struct Best {
    double cost = kNever;
    Stage last;
};
using BestTable = std::vector<std::vector<Best>>;  ///< by items, then cards used

/// `joined(before, last)`: the cost of a partition by that of all but its last stage.
template <class Joined>
BestTable best_partitions(std::size_t items, std::int64_t cards,
                          const std::vector<Candidate>& candidates, const Joined& joined) {
    BestTable best(items + 1, std::vector<Best>(static_cast<std::size_t>(cards) + 1));
    best[0][0].cost = 0;
    for (const Candidate& candidate : candidates) {
        const auto width = static_cast<std::size_t>(candidate.stage.cards);
        const std::vector<Best>& before = best[candidate.stage.begin];
        std::vector<Best>& after = best[candidate.stage.end];
        for (std::size_t used = width; used < after.size(); ++used) {
            const double cost = joined(before[used - width].cost, candidate);
            if (cost < after[used].cost) {
                after[used] = {cost, candidate.stage};
            }
        }
    }
    return best;
}

std::size_t cheapest(const std::vector<Best>& by_cards) {
    return static_cast<std::size_t>(
        std::min_element(by_cards.begin(), by_cards.end(),
                         [](const Best& a, const Best& b) { return a.cost < b.cost; }) -
        by_cards.begin());
}

class Partitions {
public:
    Partitions(std::size_t items, std::int64_t cards, const PartitionGoal& goal,
               const StageTime& time)
        : items_(items),
          cards_(cards),
          goal_(goal),
          candidates_(all_candidates(items, cards, time)) {}

    /// The least that the slowest stage can be.
    [[nodiscard]] double least_slowest() const {
        const BestTable best = best_partitions(
            items_, cards_, candidates_,
            [](double before, const Candidate& last) { return std::max(before, last.turn); });
        return best[items_][cheapest(best[items_])].cost;
    }

    /// What the slowest stage may take so that a round takes least. The shortest way gets shorter
    /// with that limit and the turns get longer, so the best is where they meet.
    [[nodiscard]] double best_limit(double least) const {
        if (goal_.groups == 0) {
            return least;
        }
        std::vector<double> limits;
        for (const Candidate& candidate : candidates_) {
            if (candidate.turn >= least) {
                limits.push_back(candidate.turn);
            }
        }
        std::sort(limits.begin(), limits.end());
        limits.erase(std::unique(limits.begin(), limits.end()), limits.end());
        const auto turns = [&](double limit) {
            return (limit + goal_.turn.count()) * static_cast<double>(goal_.groups);
        };
        const auto meets =
            std::partition_point(limits.begin(), limits.end() - 1,
                                 [&](double limit) { return turns(limit) < shortest_way(limit); });
        const bool before =
            meets != limits.begin() &&
            shortest_way(*(meets - 1)) <= std::max(turns(*meets), shortest_way(*meets));
        return before ? *(meets - 1) : *meets;
    }

    [[nodiscard]] std::vector<Stage> shortest(double limit) const {
        const BestTable best = ways(limit);
        std::size_t used = cheapest(best[items_]);
        std::vector<Stage> stages;
        for (std::size_t end = items_; end > 0;) {
            const Stage& last = best[end][used].last;
            stages.insert(stages.begin(), last);
            used -= static_cast<std::size_t>(last.cards);
            end = last.begin;
        }
        return stages;
    }

private:
    [[nodiscard]] BestTable ways(double limit) const {
        return best_partitions(
            items_, cards_, candidates_, [&](double before, const Candidate& last) {
                return last.turn <= limit ? before + last.way + goal_.each.count() : kNever;
            });
    }

    [[nodiscard]] double shortest_way(double limit) const {
        const BestTable best = ways(limit);
        return best[items_][cheapest(best[items_])].cost;
    }

    std::size_t items_;
    std::int64_t cards_;
    const PartitionGoal& goal_;
    std::vector<Candidate> candidates_;
};

}  // namespace

std::optional<std::vector<Stage>> partition_chain(std::size_t items, std::int64_t cards,
                                                  const PartitionGoal& goal,
                                                  const StageTime& time) {
    const Partitions partitions(items, cards, goal, time);
    const double least = partitions.least_slowest();
    if (least == kNever) {
        return std::nullopt;
    }
    const double limit = partitions.best_limit(least);
    return partitions.shortest(limit + (limit + goal.turn.count()) * std::max(goal.slack, 1e-9));
}

RingTime time_round_ring(std::int64_t groups, Seconds round_trip, Seconds slowest) {
    const Seconds turns(slowest.count() * static_cast<double>(groups));
    return {std::max(round_trip, turns), round_trip >= turns};
}

}  // namespace memwall
