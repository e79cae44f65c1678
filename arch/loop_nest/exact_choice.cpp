// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/exact_choice.hpp"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "arch/loop_nest/nest_emitter.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// A nest counted; nothing where it does not fit.
std::optional<CountedNest> counted_exactly(const LoopNest& nest, const ExactCount& by) {
    CountedNest counted{nest, count_nest(by.space, nest, by.machine), {}};
    counted.figures = nest_figures(by.space, by.prices, counted.counts);
    for (std::size_t l = 0; l < nest.levels.size(); ++l) {
        const std::int64_t capacity = by.machine.memories[l].capacity;
        if (capacity > 0 && counted.counts.bytes[l] > capacity) {
            return std::nullopt;
        }
    }
    return counted;
}

/// Whether the outermost loop of a level may stand at the one above for nothing; lets it.
bool move_out(std::size_t l, const ExactCount& by, const NestScore& best, CountedNest& result) {
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
    std::optional<CountedNest> counted = counted_exactly(nest, by);
    if (!counted || best < score_of(*counted, by)) {
        return false;
    }
    result = std::move(*counted);
    return true;
}

}  // namespace

MappingObjective other_measure(MappingObjective objective) {
    switch (objective) {
        case MappingObjective::latency:
            return MappingObjective::energy;
        case MappingObjective::traffic:
            return MappingObjective::energy_delay;
        default:
            return MappingObjective::latency;
    }
}

NestScore score_of(const NestFigures& figures, MappingObjective objective) {
    return {figures.of(objective), figures.of(other_measure(objective))};
}

NestScore score_of(const CountedNest& counted, const ExactCount& by) {
    const bool apart =
        by.apart != nullptr && epilogue_level(by.space, counted.nest, by.machine) == 0;
    return score_of(apart ? counted.figures + *by.apart : counted.figures, by.objective);
}

std::vector<CountedNest> choose_exactly(const std::vector<LoopNest>& nests, const ExactCount& by,
                                        std::size_t most) {
    std::vector<CountedNest> best;
    std::vector<NestScore> scores;
    for (const LoopNest& nest : nests) {
        std::optional<CountedNest> counted = counted_exactly(nest, by);
        if (!counted) {
            continue;
        }
        const NestScore score = score_of(*counted, by);
        const auto place = std::upper_bound(scores.begin(), scores.end(), score) - scores.begin();
        scores.insert(scores.begin() + place, score);
        best.insert(best.begin() + place, std::move(*counted));
        if (best.size() > most) {
            scores.pop_back();
            best.pop_back();
        }
    }
    for (std::size_t i = 0; i < best.size(); ++i) {
        for (std::size_t l = 1; l < best[i].nest.levels.size(); ++l) {
            while (move_out(l, by, scores[i], best[i])) {
            }
        }
    }
    return best;
}

const JudgedNest& choose_frugally(const std::vector<JudgedNest>& nests) {
    ensure(!nests.empty(), "there is a nest to choose");
    double most = std::numeric_limits<double>::infinity();
    for (const JudgedNest& nest : nests) {
        most = std::min(most, kEquallyGood * nest.score.first);
    }
    // What is equally good comes first, and of that the frugal.
    const auto rank = [&](const JudgedNest& of) {
        return std::tuple(of.score.first > most, of.score.second, of.score.first);
    };
    return *std::min_element(
        nests.begin(), nests.end(),
        [&](const JudgedNest& x, const JudgedNest& y) { return rank(x) < rank(y); });
}

void add_new(std::vector<CountedNest>& known, std::vector<CountedNest> found) {
    for (CountedNest& nest : found) {
        if (std::none_of(known.begin(), known.end(),
                         [&](const CountedNest& other) { return other.nest == nest.nest; })) {
            known.push_back(std::move(nest));
        }
    }
}

}  // namespace memwall
