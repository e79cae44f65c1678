// SPDX-License-Identifier: Apache-2.0
#include "arch/pipeline.hpp"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

/// The best way to have the first items on some number of cards.
struct Best {
    double cost = kNever;
    Stage last;
};
using BestTable = std::vector<std::vector<Best>>;  ///< by items, then cards used

/// `joined(before, stage)`: the cost of a partition by that of all but its last stage.
template <class Joined>
BestTable best_partitions(std::size_t items, std::int64_t cards, const StageTime& time,
                          const Joined& joined) {
    const auto most = static_cast<std::size_t>(cards);
    BestTable best(items + 1, std::vector<Best>(most + 1));
    best[0][0].cost = 0;
    for (std::size_t end = 1; end <= items; ++end) {
        for (std::size_t begin = 0; begin < end; ++begin) {
            for (std::size_t width = 1; width <= most; ++width) {
                const auto stage = time(begin, end, static_cast<std::int64_t>(width));
                for (std::size_t used = width; stage && used <= most; ++used) {
                    const double cost = joined(best[begin][used - width].cost, stage->count());
                    if (cost < best[end][used].cost) {
                        best[end][used] = {cost, {begin, end, static_cast<std::int64_t>(width)}};
                    }
                }
            }
        }
    }
    return best;
}

}  // namespace

std::optional<std::vector<Stage>> partition_chain(std::size_t items, std::int64_t cards,
                                                  Seconds each, double slack,
                                                  const StageTime& time) {
    const BestTable slowest = best_partitions(
        items, cards, time, [](double before, double stage) { return std::max(before, stage); });
    double least = kNever;
    for (const Best& best : slowest[items]) {
        least = std::min(least, best.cost);
    }
    if (least == kNever) {
        return std::nullopt;
    }
    const double limit = least * (1 + std::max(slack, 1e-9));
    const BestTable sums = best_partitions(items, cards, time, [&](double before, double stage) {
        return stage <= limit ? before + stage + each.count() : kNever;
    });
    std::size_t used = 0;
    for (std::size_t c = 0; c < sums[items].size(); ++c) {
        used = sums[items][c].cost < sums[items][used].cost ? c : used;
    }
    std::vector<Stage> stages;
    for (std::size_t end = items; end > 0;) {
        const Stage& last = sums[end][used].last;
        stages.insert(stages.begin(), last);
        used -= static_cast<std::size_t>(last.cards);
        end = last.begin;
    }
    return stages;
}

RingTime time_round_ring(std::int64_t groups, Seconds round_trip, Seconds slowest) {
    const Seconds turns(slowest.count() * static_cast<double>(groups));
    return {std::max(round_trip, turns), round_trip >= turns};
}

}  // namespace memwall
