// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_descent.hpp"

#include <algorithm>
#include <vector>

namespace memwall {

NestDescent::NestDescent(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         const SearchRequest& request, double bound)
    : objective_(request.objective),
      cancelled_(request.cancelled),
      apart_(request.apart),
      bound_(bound),
      cost_(layer.space, machine, prices),
      space_(layer, machine, cost_) {}

/// The score of a point; nothing where it does not fit, or is neither better than `known` nor
/// among the best so far.
std::optional<NestScore> NestDescent::judge(const NestPoint& point, const NestScore& known) {
    if (evaluations_ >= most_evaluations_ ||
        (evaluations_ % 256 == 255 && !finalists_.empty() && cancelled_())) {
        throw SearchEnds();
    }
    ++evaluations_;
    constexpr double kEqual = 1 + 1e-9;  // what scores take for equal, and more
    const double most = kEqual * std::max(known.first, finalists_.worst(budget_.finalists).first);
    const std::optional<NestFigures> figures = cost_.figures_below(point, objective_, most);
    if (!figures) {
        return std::nullopt;
    }
    const auto judged = [&](const NestScore& score) {
        return NestScore{std::max(good_enough_, score.first), score.second};
    };
    const NestScore own = score_of(*figures, objective_);
    if ((!best_overlapping_ || own < best_overlapping_->score) && !cost_.moves_too_often()) {
        best_overlapping_ = {point, own};
    }
    if (apart_ == nullptr || cost_.gathers(point)) {
        finalists_.add(point, own, budget_.finalists);
        return judged(own);
    }
    const NestScore with_apart = score_of(*figures + *apart_, objective_);
    finalists_.add(point, with_apart, budget_.finalists);
    if (!best_apart_ || own < best_apart_->score) {
        best_apart_ = {point, own};
    }
    return judged(priced_ ? with_apart : own);
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
    std::uint32_t tried = 0;
    for (std::size_t o = 0; o < cost_.operands(); ++o) {
        const std::uint32_t bit = cost_.keep_bit(o);
        if ((tried & bit) != 0 || !space_.may_keep(l, o)) {
            continue;
        }
        tried |= bit;
        NestPoint point = current.point;
        point.keeps[l] ^= bit;
        if (!space_.kept_somewhere(point, o)) {
            continue;
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
    return change_order(current, space_.levels() - 1) || better;
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
        }
    }
    return better;
}

std::optional<ScoredPoint> NestDescent::descend(ScoredPoint current, bool pairs) {
    while (current.score.first > bound_ * (1 + 1e-9)) {
        const std::uint64_t kind = (pairs ? 1U : 0U) + (priced_ ? 2U : 0U);
        if (!visited_.insert(4 * current.point.hash(space_.dims()) + kind).second) {
            return std::nullopt;
        }
        if (!change_all(current) && !(pairs && change_pairs(current))) {
            break;
        }
    }
    return current;
}

void NestDescent::refine() {
    allow(budget_.evaluations / 10);
    priced_ = true;
    try {
        descend(finalists_.front(), true);
    } catch (const SearchEnds&) {
        // The best so far are among the finalists.
    }
    priced_ = false;
}

void NestDescent::make_frugal() {
    allow(budget_.evaluations / 10);
    priced_ = true;
    frugal_ = finalists_.front();
    // The count may be off: which are equally good is measured in the end.
    constexpr double kPerhapsGood = 2 * kEquallyGood - 1;
    good_enough_ = kPerhapsGood * frugal_->score.first;
    frugal_->score.first = good_enough_;
    try {
        while (change_all(*frugal_)) {
        }
    } catch (const SearchEnds&) {
        // What was reached counts.
    }
    good_enough_ = 0;
    priced_ = false;
}

}  // namespace memwall
