// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/exact_choice.hpp"

#include <optional>

#include "base/error.hpp"

namespace memwall {
namespace {

/// The score of a nest, counted into `counted`; nothing where it does not fit.
std::optional<NestScore> count_exactly(const LoopNest& nest, const ExactCount& by,
                                       SearchedNest& counted) {
    counted.nest = nest;
    counted.counts = count_nest(by.space, nest, by.machine);
    counted.figures = nest_figures(by.space, by.prices, counted.counts);
    for (std::size_t l = 0; l < nest.levels.size(); ++l) {
        const std::int64_t capacity = by.machine.memories[l].capacity;
        if (capacity > 0 && counted.counts.bytes[l] > capacity) {
            return std::nullopt;
        }
    }
    return score_of(counted.figures, by.objective);
}

void take(const SearchedNest& counted, SearchedNest& result) {
    result.nest = counted.nest;
    result.counts = counted.counts;
    result.figures = counted.figures;
}

/// Whether the outermost loop of a level may stand at the one above for nothing; lets it.
bool move_out(std::size_t l, const ExactCount& by, const NestScore& best, SearchedNest& result) {
    LoopNest nest = result.nest;
    std::vector<Loop>& from = nest.levels[l].loops;
    std::vector<Loop>& to = nest.levels[l - 1].loops;
    if (from.empty() || from.front().spatial || (!to.empty() && to.back().spatial)) {
        return false;
    }
    const bool stays_whole = by.machine.memories[l].resident ||
                             (l + 1 == nest.levels.size() && by.space.normalises(from.front().dim));
    if (stays_whole) {
        return false;
    }
    to.push_back(from.front());
    from.erase(from.begin());
    SearchedNest counted;
    const std::optional<NestScore> score = count_exactly(nest, by, counted);
    if (!score || best < *score) {
        return false;
    }
    take(counted, result);
    return true;
}

}  // namespace

NestScore score_of(const NestFigures& figures, MappingObjective objective) {
    return {figures.of(objective), figures.cycles * figures.joules};
}

void choose_exactly(const std::vector<LoopNest>& candidates, const ExactCount& by,
                    SearchedNest& result) {
    std::optional<NestScore> best;
    SearchedNest counted;
    for (const LoopNest& nest : candidates) {
        const std::optional<NestScore> score = count_exactly(nest, by, counted);
        if (score && (!best || *score < *best)) {
            best = score;
            take(counted, result);
        }
    }
    ensure(best.has_value(), "what the search found fits when it is counted exactly");
    for (std::size_t l = 1; l < result.nest.levels.size(); ++l) {
        while (move_out(l, by, *best, result)) {
        }
    }
}

}  // namespace memwall
