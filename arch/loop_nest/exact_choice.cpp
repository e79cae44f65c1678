// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/exact_choice.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "arch/loop_nest/nest_emitter.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// A nest counted; nothing where it does not fit.
std::optional<CountedNest> counted_exactly(const LoopNest& nest, const ExactCount& by) {
    auto found = std::find_if(by.known.begin(), by.known.end(),
                              [&](const CountedNest& known) { return known.nest == nest; });
    if (found == by.known.end()) {
        by.known.push_back({nest, count_nest(by.space, nest, by.machine), {}, {}});
        by.known.back().figures = nest_figures(by.space, by.prices, by.known.back().counts);
        found = std::prev(by.known.end());
    }
    return fits(found->counts, by.machine) ? std::optional(*found) : std::nullopt;
}

/// The nest with the outermost loop of a level at the one above; nothing where it may not stand
/// there.
std::optional<LoopNest> moved_out(const LoopNest& nest, std::size_t l, const ExactCount& by) {
    const std::vector<Loop>& inner = nest.levels[l].loops;
    const std::vector<Loop>& outer = nest.levels[l - 1].loops;
    if (inner.empty() || inner.front().spatial || (!outer.empty() && outer.back().spatial)) {
        return std::nullopt;
    }
    const bool stays_whole =
        by.machine.memories[l].resident ||
        (l + 1 == nest.levels.size() && by.space.normalises(inner.front().dim));
    if (stays_whole) {
        return std::nullopt;
    }
    LoopNest moved = nest;
    moved.levels[l - 1].loops.push_back(inner.front());
    moved.levels[l].loops.erase(moved.levels[l].loops.begin());
    return moved;
}

/// The same as a point; nothing where it is none: two loops of a dimension at one level.
std::optional<NestPoint> moved_out(const NestPoint& point, std::size_t l, const NestCost& cost) {
    const auto loops = [&](std::size_t level, std::size_t d) {
        return point.held[level + 1][d] * point.parts[level][d] < point.held[level][d];
    };
    const auto end_of = [&](auto& order) {
        return order.begin() + static_cast<std::ptrdiff_t>(cost.dims().size());
    };
    const NestPoint::Places& inner = point.order[l];
    const auto found =
        std::find_if(inner.begin(), end_of(inner), [&](std::uint8_t d) { return loops(l, d); });
    if (found == end_of(inner) || loops(l - 1, *found)) {
        return std::nullopt;
    }
    NestPoint next = point;
    next.held[l][*found] = point.held[l + 1][*found] * point.parts[l][*found];
    NestPoint::Places& order = next.order[l - 1];
    const auto here = std::find(order.begin(), end_of(order), *found);
    std::rotate(here, here + 1, end_of(order));
    return next;
}

/// Lets loops stand further out where that costs nothing. The fast count says beforehand what is
/// not worth to be counted exactly.
void move_loops_out(NestPoint point, const ExactCount& by, const NestCost& cost,
                    const NestScore& best, CountedNest& result) {
    bool is_point = true;
    for (std::size_t l = 1; l < result.nest.levels.size(); ++l) {
        while (const std::optional<LoopNest> nest = moved_out(result.nest, l, by)) {
            std::optional<NestPoint> next;
            if (is_point) {
                next = moved_out(point, l, cost);
                constexpr double kNear = 1.02;
                NestLimits near;
                near.of(by.objective) = kNear * best.first;
                if (next && !cost.figures_below(*next, near)) {
                    break;
                }
            }
            std::optional<CountedNest> counted = counted_exactly(*nest, by);
            if (!counted || best < score_of(*counted, by)) {
                break;
            }
            result = std::move(*counted);
            is_point = next.has_value();
            point = next ? *next : point;
        }
    }
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

std::vector<CountedNest> choose_exactly(const std::vector<NestPoint>& points, const NestCost& cost,
                                        const ExactCount& by, std::size_t most) {
    std::vector<CountedNest> best;
    std::vector<NestScore> scores;
    std::vector<const NestPoint*> of;
    for (const NestPoint& point : points) {
        std::optional<CountedNest> counted = counted_exactly(cost.nest(point), by);
        if (!counted) {
            continue;
        }
        const NestScore score = score_of(*counted, by);
        const auto place = std::upper_bound(scores.begin(), scores.end(), score) - scores.begin();
        scores.insert(scores.begin() + place, score);
        best.insert(best.begin() + place, std::move(*counted));
        of.insert(of.begin() + place, &point);
        if (best.size() > most) {
            scores.pop_back();
            best.pop_back();
            of.pop_back();
        }
    }
    for (std::size_t i = 0; i < best.size(); ++i) {
        move_loops_out(*of[i], by, cost, scores[i], best[i]);
        best[i].point = *of[i];
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
