// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "arch/loop_nest/best_points.hpp"
#include "arch/loop_nest/nest_mapspace.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Of a mapspace that is tried whole so many are counted exactly: the fast count may be off a
/// little.
constexpr std::size_t kExactFinalists = 40;

/// Nothing is better: of a mapspace that is tried whole the finalists alone are asked for.
constexpr NestScore kOnlyBest{0, 0};

/// Thrown inside the search when its budget is spent or it was cancelled.
struct SearchEnds {};

class NestSearch {
public:
    NestSearch(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
               const SearchRequest& request)
        : layer_(layer),
          machine_(machine),
          prices_(prices),
          objective_(request.objective),
          cancelled_(request.cancelled),
          apart_(request.apart),
          cost_(layer.space, machine, prices),
          space_(layer, machine, cost_) {}

    SearchedNest run(const std::vector<SearchBudget>& stages) {
        SearchedNest result;
        result.bound = nest_bound(layer_, machine_, prices_, objective_);
        bound_ = result.bound;
        for (const SearchBudget& stage : stages) {
            result.interrupted = !finalists_.empty() && cancelled_();
            if (result.interrupted) {
                break;
            }
            budget_ = stage;
            search(result);
            keep_candidates(result);
        }
        result.evaluations = evaluations_;
        const auto best = std::min_element(result.candidates.begin(), result.candidates.end(),
                                           [&](const CountedNest& a, const CountedNest& b) {
                                               return score_of(a, exact()) < score_of(b, exact());
                                           });
        result.take(*best);
        return result;
    }

private:
    // Stages.

    /// One stage. What it leaves are the best of all stages so far.
    void search(SearchedNest& result) {
        if (!finalists_.empty()) {
            refine(result);  // what less effort found, by the finer steps of this one
        }
        try {
            most_evaluations_ = evaluations_ + budget_.evaluations;
            if (budget_.exhaustive > 0 &&
                space_.size() <= static_cast<double>(budget_.exhaustive)) {
                budget_.finalists = kExactFinalists;
                most_evaluations_ = evaluations_ + budget_.exhaustive;
                space_.visit_all([this](const NestPoint& point) { judge(point, kOnlyBest); });
                result.whole_mapspace = true;
            } else {
                descend_from_starts();
            }
        } catch (const SearchEnds&) {
            result.interrupted = cancelled_();
        }
        if (finalists_.empty()) {
            throw_does_not_fit();
        }
        if (apart_ != nullptr && budget_.bypass && !result.whole_mapspace) {
            refine(result);
        }
    }

    /// Goes on from the best so far, with a share of the stage's budget. What runs apart has its
    /// price on the way, which descents from afar do not mind: it stands in their way.
    void refine(SearchedNest& result) {
        most_evaluations_ = evaluations_ + budget_.evaluations / 10;
        priced_ = true;
        try {
            descend(finalists_.front(), true);
        } catch (const SearchEnds&) {
            result.interrupted = cancelled_();
        }
        priced_ = false;
    }

    [[nodiscard]] ExactCount exact() const {
        return {layer_.space, machine_, prices_, objective_, apart_};
    }

    void keep_candidates(SearchedNest& result) const {
        std::vector<LoopNest> nests;
        for (const Current& finalist : finalists_) {
            nests.push_back(cost_.nest(finalist.point));
        }
        add_new(result.candidates, choose_exactly(nests, exact(), budget_.candidates));
        if (best_apart_) {
            add_new(result.candidates,
                    choose_exactly({cost_.nest(best_apart_->point)}, exact(), 1));
        }
        ensure(!result.candidates.empty(), "what the search found fits when it is counted exactly");
    }

    // Judging.

    /// The score of a point; nothing where it does not fit, or is neither better than `known` nor
    /// among the best so far.
    std::optional<NestScore> judge(const NestPoint& point, const NestScore& known = {}) {
        if (evaluations_ >= most_evaluations_ ||
            (evaluations_ % 256 == 255 && !finalists_.empty() && cancelled_())) {
            throw SearchEnds();
        }
        ++evaluations_;
        constexpr double kEqual = 1 + 1e-9;  // what scores take for equal, and more
        const double most =
            kEqual * std::max(known.first, finalists_.worst(budget_.finalists).first);
        const std::optional<NestFigures> figures = cost_.figures_below(point, objective_, most);
        if (!figures) {
            return std::nullopt;
        }
        const NestScore own = score_of(*figures, objective_);
        if (apart_ == nullptr || cost_.gathers(point)) {
            finalists_.add(point, own, budget_.finalists);
            return own;
        }
        const NestScore with_apart = score_of(*figures + *apart_, objective_);
        finalists_.add(point, with_apart, budget_.finalists);
        if (!best_apart_ || own < best_apart_->score) {
            best_apart_ = {point, own};
        }
        return priced_ ? with_apart : own;
    }

    // Descent.

    using Current = ScoredPoint;

    bool take_if_better(Current& current, const NestPoint& point) {
        const std::optional<NestScore> score = judge(point, current.score);
        if (score && *score < current.score) {
            current = {point, *score};
            return true;
        }
        return false;
    }

    bool change_tile(Current& current, std::size_t l, std::size_t d) {
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
    void set_tile(NestPoint& point, const NestPoint& from, std::size_t l, std::size_t d,
                  std::int64_t size) const {
        for (std::size_t above = 1; above < l; ++above) {
            point.held[above][d] = from.held[above][d];
        }
        point.held[l][d] = size;
        space_.raise_above(point, l, d);
    }

    bool change_order(Current& current, std::size_t l) {
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

    bool change_bypass(Current& current, std::size_t l) {
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

    /// One tile grows while another one shrinks.
    bool change_pair(Current& current, std::size_t l, std::size_t d, std::size_t e) {
        bool better = false;
        const NestPoint from = current.point;
        NestPoint point = from;
        const std::vector<std::int64_t> seconds = space_.sizes(from, l, e, budget_.sizes);
        for (const std::int64_t first : space_.sizes(from, l, d, budget_.sizes)) {
            set_tile(point, from, l, d, first);
            for (const std::int64_t second : seconds) {
                set_tile(point, from, l, e, second);
                better = take_if_better(current, point) || better;
            }
        }
        return better;
    }

    bool change_all(Current& current) {
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

    bool change_pairs(Current& current) {
        for (std::size_t l = 1; l < space_.levels(); ++l) {
            for (std::size_t d = 0; d < space_.dims(); ++d) {
                for (std::size_t e = d + 1; e < space_.dims(); ++e) {
                    if (change_pair(current, l, d, e)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /// To where no single change is better; with pairs, no two changes at once either.
    Current descend(Current current, bool pairs) {
        while (current.score.first > bound_ * (1 + 1e-9)) {
            if (!change_all(current) && !(pairs && change_pairs(current))) {
                break;
            }
        }
        return current;
    }

    void descend_from_starts() {
        space_.list_spatial(std::max<std::size_t>(2, budget_.starts), false);
        std::vector<Current> starts;
        constexpr std::size_t kTried = 1'000;  // that may not fit: blocks that lanes take in turns
        for (const auto& spatial : space_.spatial_combinations(std::max(kTried, budget_.starts))) {
            if (starts.size() == budget_.starts) {
                break;
            }
            NestPoint point = space_.smallest(spatial);
            // Where sums are finished before they go up, they need less room.
            if (std::none_of(space_.orders().begin(), space_.orders().end(),
                             [&](const LoopOrder& order) {
                                 point.set_order(order);
                                 return cost_.fits(point);
                             })) {
                continue;
            }
            if (const std::optional<NestScore> score = judge(point)) {
                starts.push_back({point, *score});
            }
        }
        if (starts.empty()) {
            // Nothing that uses the instances fits: one of each.
            space_.list_spatial(std::numeric_limits<std::size_t>::max(), false);
            SpatialChoice none;
            none.parts.fill(1);
            const std::vector<const SpatialChoice*> alone(space_.levels(), &none);
            const NestPoint point = space_.smallest(alone);
            if (const std::optional<NestScore> score = judge(point)) {
                starts.push_back({point, *score});
            }
        }
        descend_from(starts);
    }

    /// First from the largest tiles of a few starts and the smallest of all, in every order of
    /// loops, by single changes, which costs little; then from the best of where that led by pairs.
    void descend_from(const std::vector<Current>& starts) {
        std::vector<Current> first = grown_starts(starts);
        if (!budget_.pairs) {
            // Little may be spent: on the most promising of all.
            first.insert(first.end(), starts.begin(), starts.end());
            std::stable_sort(first.begin(), first.end(), is_better);
        }
        std::vector<Current> ends;
        for (const Current& start : first) {
            ends.push_back(descend(start, false));
        }
        if (!budget_.pairs) {
            return;
        }
        for (const Current& start : starts) {
            for (const LoopOrder& order : space_.orders()) {
                Current other = start;
                other.point.set_order(order);
                if (const std::optional<NestScore> score = judge(other.point)) {
                    other.score = *score;
                    ends.push_back(descend(other, false));
                }
            }
        }
        std::stable_sort(ends.begin(), ends.end(), is_better);
        for (const Current& end : ends) {
            descend(end, true);
        }
    }

    static bool is_better(const Current& a, const Current& b) { return a.score < b.score; }

    /// From a few starts, in every order of loops.
    std::vector<Current> grown_starts(const std::vector<Current>& starts) {
        const std::size_t few = std::max<std::size_t>(1, budget_.starts / 6);
        std::vector<Current> found;
        for (std::size_t i = 0; i < std::min(few, starts.size()); ++i) {
            for (const LoopOrder& order : space_.orders()) {
                const NestPoint point = space_.grown(starts[i].point, order, budget_.sizes);
                if (const std::optional<NestScore> score = judge(point)) {
                    found.push_back({point, *score});
                }
            }
        }
        return found;
    }

    [[noreturn]] void throw_does_not_fit() const {
        Diagnostics faults;
        faults.error(layer_.where, "layer '" + layer_.name +
                                       "' does not fit the machine's memories: not even its "
                                       "smallest tiles");
        faults.throw_if_any();
        fail("a fault was thrown");
    }

    const Layer& layer_;
    const NestMachine& machine_;
    const NestPrices& prices_;
    MappingObjective objective_;
    SearchBudget budget_;
    const std::function<bool()>& cancelled_;
    const NestFigures* apart_;
    bool priced_ = false;  ///< scores have what runs apart, not those of the finalists alone
    NestCost cost_;
    Mapspace space_;
    double bound_ = 0;
    std::int64_t evaluations_ = 0;
    std::int64_t most_evaluations_ = 0;  ///< of the stages so far
    std::optional<Current> best_apart_;  ///< of those whose results no memory gathers
    BestPoints finalists_;
};

}  // namespace

SearchedNest search_nest(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         const SearchRequest& request, const std::vector<SearchBudget>& stages) {
    return NestSearch(layer, machine, prices, request).run(stages);
}

}  // namespace memwall
