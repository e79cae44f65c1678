// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_descent.hpp"

#include <algorithm>
#include <vector>

namespace memwall {

NestDescent::NestDescent(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         const SearchRequest& request)
    : followed_(request.objective),
      cancelled_(request.cancelled),
      apart_(request.apart),
      machine_(machine),
      cost_(layer.space, machine, prices),
      space_(layer, machine, cost_) {
    for (const MappingObjective objective : kMappingObjectives) {
        best_[at(objective)].bound = nest_bound(layer, machine, prices, objective);
    }
}

std::optional<NestScore> NestDescent::judge(const NestPoint& point, const NestScore& known) {
    const BestPoints& followed = finalists(followed_);
    if (evaluations_ >= most_evaluations_ ||
        (evaluations_ % 256 == 255 && !followed.empty() && cancelled_())) {
        throw SearchEnds();
    }
    ++evaluations_;
    constexpr double kEqual = 1 + 1e-9;  // what scores take for equal, and more
    NestLimits limits;
    for (const MappingObjective objective : kMappingObjectives) {
        limits.of(objective) = kEqual * finalists(objective).worst(budget_.finalists).first;
    }
    limits.of(followed_) = std::max(limits.of(followed_), kEqual * known.first);
    const std::optional<NestFigures> figures = cost_.figures_below(point, limits);
    if (!figures) {
        return std::nullopt;
    }
    const bool gathers = apart_ == nullptr || cost_.gathers(point);
    remember(point, *figures, gathers);
    const NestScore score =
        score_of(priced_ && !gathers ? *figures + *apart_ : *figures, followed_);
    return NestScore{std::max(good_enough_, score.first), score.second};
}

/// Where a point is among the best by some objective, of all or of those of a kind.
void NestDescent::remember(const NestPoint& point, const NestFigures& figures, bool gathers) {
    std::optional<bool> overlaps;
    for (const MappingObjective objective : kMappingObjectives) {
        Best& best = best_[at(objective)];
        const NestScore own = score_of(figures, objective);
        const NestScore all = gathers ? own : score_of(figures + *apart_, objective);
        best.all.add(point, all, budget_.finalists);
        if (!gathers && (!best.apart || own < best.apart->score)) {
            best.apart = {point, own};
        }
        if (cost_.is_as_built() && (!best.as_built || own < best.as_built->score)) {
            best.as_built = {point, own};
        }
        if (!best.overlapping || own < best.overlapping->score) {
            overlaps = overlaps ? overlaps : !cost_.moves_too_often();
            if (*overlaps) {
                best.overlapping = {point, own};
            }
        }
    }
}

bool NestDescent::take_if_better(Current& current, const NestPoint& point) {
    const std::optional<NestScore> score = judge(point, current.score);
    if (score && *score < current.score) {
        current = {point, *score};
        return true;
    }
    return false;
}

bool NestDescent::change_tile(Current& current, std::size_t l, std::size_t d) {
    bool better = false;
    const NestPoint from = current.point;
    NestPoint point = from;
    for (const std::int64_t size : space_.sizes(from, l, d, budget_.sizes)) {
        if (size == from.held[l][d]) {
            continue;
        }
        set_tile(point, from, l, d, size);
        better = take_if_better(current, point) || better;
    }
    return better;
}

/// The same as `from` but for a tile, and what holds it: a point is large, and few of its
/// numbers change.
void NestDescent::set_tile(NestPoint& point, const NestPoint& from, std::size_t l, std::size_t d,
                           std::int64_t size) const {
    for (std::size_t above = 1; above < l; ++above) {
        point.held[above][d] = from.held[above][d];
    }
    point.held[l][d] = size;
    space_.raise_above(point, l, d);
}

bool NestDescent::change_order(Current& current, std::size_t l) {
    bool better = false;
    const NestPoint from = current.point;
    for (const auto& order : space_.orders()) {
        NestPoint point = from;
        point.order[l] = order;
        if (order != from.order[l] && take_if_better(current, point)) {
            better = true;
        }
    }
    return better;
}

bool NestDescent::change_bypass(Current& current, std::size_t l) {
    bool better = false;
    for (const std::size_t o : space_.kept_alone()) {
        NestPoint point = current.point;
        point.keeps[l] ^= cost_.keep_bit(o);
        if (space_.may_skip(l, o) && space_.kept_somewhere(point, o)) {
            better = take_if_better(current, point) || better;
        }
    }
    return better;
}

/// Other dimensions lie side by side; tiles above hold at least what then lies below them.
bool NestDescent::change_spatial(Current& current, std::size_t l) {
    constexpr std::size_t kMost = 24;
    const std::vector<SpatialChoice>& choices = space_.listed(l);
    const std::size_t tried = std::min({kMost, budget_.starts, choices.size()});
    bool better = false;
    const NestPoint from = current.point;
    for (std::size_t c = 0; c < tried; ++c) {
        NestPoint point = from;
        point.parts[l] = choices[c].parts;
        point.axis[l] = choices[c].axis;
        if (point.parts[l] == from.parts[l] && point.axis[l] == from.axis[l]) {
            continue;
        }
        for (std::size_t d = 0; d < space_.dims(); ++d) {
            space_.raise_outer(point, d);
        }
        better = take_if_better(current, point) || better;
    }
    return better;
}

/// Two tiles change at once, mostly one grows while the other one shrinks: what either does alone
/// was tried.
bool NestDescent::change_pair(Current& current, std::size_t l, std::size_t d, std::size_t e) {
    bool better = false;
    const NestPoint from = current.point;
    NestPoint point = from;
    const std::vector<std::int64_t> seconds = space_.sizes(from, l, e, budget_.sizes);
    for (const std::int64_t first : space_.sizes(from, l, d, budget_.sizes)) {
        if (first == from.held[l][d]) {
            continue;
        }
        set_tile(point, from, l, d, first);
        for (const std::int64_t second : seconds) {
            if (second == from.held[l][e]) {
                continue;
            }
            set_tile(point, from, l, e, second);
            better = take_if_better(current, point) || better;
        }
    }
    return better;
}

/// An operand skips a level or comes back to it, and a tile makes use of the room.
bool NestDescent::change_bypass_and_tile(Current& current, std::size_t l, std::size_t d) {
    const NestPoint from = current.point;
    for (std::size_t keeper = 1; keeper < space_.levels(); ++keeper) {
        for (const std::size_t o : space_.kept_alone()) {
            NestPoint kept = from;
            kept.keeps[keeper] ^= cost_.keep_bit(o);
            if (!space_.may_skip(keeper, o) || !space_.kept_somewhere(kept, o)) {
                continue;
            }
            NestPoint point = kept;
            for (const std::int64_t size : space_.sizes(from, l, d, budget_.sizes)) {
                if (size == from.held[l][d]) {
                    continue;
                }
                set_tile(point, kept, l, d, size);
                if (take_if_better(current, point)) {
                    return true;
                }
            }
        }
    }
    return false;
}

bool NestDescent::change_all(Current& current) {
    bool better = false;
    for (std::size_t l = 1; l < space_.levels(); ++l) {
        for (std::size_t d = 0; d < space_.dims(); ++d) {
            better = change_tile(current, l, d) || better;
        }
        better = change_order(current, l - 1) || better;
        if (budget_.bypass) {
            better = change_bypass(current, l) || better;
        }
    }
    better = change_order(current, space_.levels() - 1) || better;
    for (std::size_t l = 0; l < space_.levels(); ++l) {
        better = change_spatial(current, l) || better;
    }
    return better;
}

bool NestDescent::change_pairs(Current& current) {
    bool better = false;
    for (std::size_t l = 1; l < space_.levels(); ++l) {
        for (std::size_t d = 0; d < space_.dims(); ++d) {
            for (std::size_t e = d + 1; e < space_.dims(); ++e) {
                if (change_pair(current, l, d, e)) {
                    return true;
                }
            }
            if (budget_.fills_room && change_bypass_and_tile(current, l, d)) {
                return true;
            }
        }
    }
    return better;
}

bool NestDescent::meets(const ScoredPoint& current, bool pairs) {
    const std::uint64_t kind = (pairs ? 1U : 0U) + (priced_ ? 2U : 0U);
    return !visited_.insert(4 * current.point.hash(space_.dims()) + kind).second;
}

bool NestDescent::is_best(const Current& current) const {
    const auto is_least = [&](double value, MappingObjective by) {
        return value <= best_[at(by)].bound * (1 + 1e-9);
    };
    return is_least(current.score.first, followed_) &&
           is_least(current.score.second, other_measure(followed_));
}

bool NestDescent::descend_once(ScoredPoint& current) {
    return !is_best(current) && !meets(current, false) && change_all(current);
}

bool NestDescent::descend(ScoredPoint& current, bool pairs) {
    while (!is_best(current)) {
        if (meets(current, pairs)) {
            return false;
        }
        if (!change_all(current) && !(pairs && change_pairs(current))) {
            break;
        }
    }
    return true;
}

void NestDescent::refine() {
    priced_ = true;
    try {
        ScoredPoint best = finalists(followed_).front();
        descend(best, true);
    } catch (const SearchEnds&) {
        // The best so far are among the finalists.
    }
    priced_ = false;
}

ScoredPoint NestDescent::frugal() {
    priced_ = true;
    ScoredPoint current = finalists(followed_).front();
    // The count may be off: which are equally good is measured in the end.
    constexpr double kPerhapsGood = 2 * kEquallyGood - 1;
    good_enough_ = kPerhapsGood * current.score.first;
    current.score.first = good_enough_;
    try {
        while (change_all(current)) {
        }
    } catch (const SearchEnds&) {
        // What was reached counts.
    }
    good_enough_ = 0;
    priced_ = false;
    return current;
}

void NestDescent::anneal(std::uint32_t seed) {
    PointChanges changes(space_, machine_, cost_, seed);
    constexpr double kWorse = 0.4;
    constexpr std::int64_t kDrawn = 10;  // many are the same nest
    const std::int64_t begun = evaluations_;
    const std::int64_t most = most_evaluations_ - begun;
    ScoredPoint last = finalists(followed_).front();
    try {
        for (std::int64_t i = 0; i < kDrawn * most; ++i) {
            ScoredPoint next = last;
            changes.change(next.point);
            if (next.point.has_loops_of(last.point)) {
                last.point = next.point;
                continue;
            }
            const double left =
                static_cast<double>(most_evaluations_ - evaluations_) / static_cast<double>(most);
            NestScore known = last.score;
            known.first *= 1 + kWorse * left * left;
            const std::optional<NestScore> score = judge(next.point, known);
            if (score && *score < known) {
                last = {next.point, *score};
                remember_way(last);
            }
        }
    } catch (const SearchEnds&) {
        // The best so far are remembered.
    }
}

void NestDescent::remember_way(const ScoredPoint& point) {
    constexpr std::size_t kMostWays = 64;
    std::vector<ScoredPoint>& ways = best_[at(followed_)].of_ways;
    const auto known = std::find_if(ways.begin(), ways.end(), [&](const ScoredPoint& way) {
        return std::equal(way.point.keeps.begin(),
                          way.point.keeps.begin() + static_cast<std::ptrdiff_t>(space_.levels()),
                          point.point.keeps.begin());
    });
    if (known == ways.end() && ways.size() < kMostWays) {
        ways.push_back(point);
    } else if (known != ways.end() && point.score < known->score) {
        *known = point;
    }
}

}  // namespace memwall
