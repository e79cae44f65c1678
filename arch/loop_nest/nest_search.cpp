// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_search.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>

#include "arch/loop_nest/nest_descent.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Of a mapspace that is tried whole so many are counted exactly: the fast count may be off a
/// little.
constexpr std::size_t kExactFinalists = 40;

/// Per cent of a budget that go into points that are good in energy and time together, into single
/// changes from many starts, and into pairs of them from where those led.
constexpr std::int64_t kGuided = 30;
constexpr std::int64_t kSingly = 30;
constexpr std::int64_t kPairs = 25;

/// Sizes of a tile that these try; what is left goes into a closer look.
constexpr std::size_t kCoarse = 7;

/// Nothing is better: of a mapspace that is tried whole the finalists alone are asked for.
constexpr NestScore kOnlyBest{0, 0};

class NestSearch {
public:
    NestSearch(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
               const SearchRequest& request)
        : layer_(layer),
          request_(request),
          exact_{layer.space, machine, prices, request.objective, request.apart, counted_},
          bound_(nest_bound(layer, machine, prices, request.objective)),
          descent_(layer, machine, prices, request, bound_) {}

    SearchedNest run(const std::vector<SearchBudget>& stages) {
        SearchedNest result;
        result.bound = bound_;
        for (std::size_t s = 0; s < stages.size(); ++s) {
            result.interrupted = s > 0 && request_.cancelled();
            if (result.interrupted) {
                break;
            }
            descent_.begin(stages[s]);
            search(result);
            keep_candidates(result);
            result.candidates_by_stage.push_back(result.candidates.size());
        }
        result.evaluations = descent_.evaluations();
        const auto best = std::min_element(result.candidates.begin(), result.candidates.end(),
                                           [&](const CountedNest& a, const CountedNest& b) {
                                               return score_of(a, exact_) < score_of(b, exact_);
                                           });
        result.take(*best);
        return result;
    }

private:
    /// One stage. What it leaves are the best of all stages so far.
    void search(SearchedNest& result) {
        const SearchBudget budget = descent_.budget();
        Mapspace& space = descent_.space();
        if (!descent_.finalists().empty()) {
            descent_.refine();  // what less effort found, by the finer steps of this one
        }
        try {
            descent_.allow(budget.evaluations);
            if (budget.exhaustive > 0 && space.size() <= static_cast<double>(budget.exhaustive)) {
                descent_.remember(kExactFinalists);
                descent_.allow(budget.exhaustive);
                space.visit_all(
                    [this](const NestPoint& point) { descent_.judge(point, kOnlyBest); });
                result.whole_mapspace = true;
            } else {
                descend_from_starts();
            }
        } catch (const SearchEnds&) {
            // Spent or cancelled.
        }
        if (descent_.finalists().empty()) {
            throw_does_not_fit();
        }
        if (request_.apart != nullptr && budget.bypass && !result.whole_mapspace) {
            descent_.refine();
        }
        if (budget.bypass) {
            descent_.make_frugal();
        }
        result.interrupted = request_.cancelled();
    }

    void keep_candidates(SearchedNest& result) const {
        const auto keep = [&](const std::vector<NestPoint>& points, const ExactCount& by,
                              std::size_t most) {
            add_new(result.candidates, choose_exactly(points, descent_.cost(), by, most));
        };
        std::vector<NestPoint> points;
        for (const ScoredPoint& finalist : descent_.finalists()) {
            points.push_back(finalist.point);
        }
        keep(points, exact_, descent_.budget().candidates);
        for (const std::optional<ScoredPoint>* other :
             {&descent_.best_apart(), &descent_.best_overlapping()}) {
            if (*other && descent_.budget().bypass) {
                keep({(*other)->point}, exact_, 1);
            }
        }
        if (descent_.frugal()) {
            ExactCount other = exact_;
            other.objective = other_measure(exact_.objective);
            keep({descent_.frugal()->point}, other, 1);
        }
        ensure(!result.candidates.empty(), "what the search found fits when it is counted exactly");
    }

    void descend_from_starts() {
        descent_.space().list_spatial(std::max<std::size_t>(2, descent_.budget().starts), false);
        std::vector<ScoredPoint> starts;
        constexpr std::size_t kTried = 1'000;  // that may not fit: blocks that lanes take in turns
        for (const auto& spatial :
             descent_.space().spatial_combinations(std::max(kTried, descent_.budget().starts))) {
            if (starts.size() == descent_.budget().starts) {
                break;
            }
            NestPoint point = descent_.space().smallest(spatial);
            // Where sums are finished before they go up, they need less room.
            if (std::none_of(descent_.space().orders().begin(), descent_.space().orders().end(),
                             [&](const LoopOrder& order) {
                                 point.set_order(order);
                                 return descent_.cost().fits(point);
                             })) {
                continue;
            }
            if (const std::optional<NestScore> score = descent_.judge(point)) {
                starts.push_back({point, *score});
            }
        }
        if (starts.empty()) {
            // Nothing that uses the instances fits: one of each.
            descent_.space().list_spatial(std::numeric_limits<std::size_t>::max(), false);
            SpatialChoice none;
            none.parts.fill(1);
            const std::vector<const SpatialChoice*> alone(descent_.space().levels(), &none);
            const NestPoint point = descent_.space().smallest(alone);
            if (const std::optional<NestScore> score = descent_.judge(point)) {
                starts.push_back({point, *score});
            }
        }
        descend_from(starts);
    }

    /// First from the largest tiles of a few starts and the smallest of all, in every order of
    /// loops, by single changes, which costs little; then from the best of where that led by pairs.
    void descend_from(const std::vector<ScoredPoint>& starts) {
        std::vector<ScoredPoint> first = grown_starts(starts);
        if (!descent_.budget().pairs) {
            // Little may be spent: on the most promising of all.
            first.insert(first.end(), starts.begin(), starts.end());
            std::stable_sort(first.begin(), first.end(), is_better);
        }
        if (!descent_.budget().pairs) {
            for (const ScoredPoint& start : first) {
                descent_.descend(start, false);
            }
            return;
        }
        // Coarsely at first, then closely from the best.
        const SearchBudget budget = descent_.budget();
        std::vector<ScoredPoint> ends;
        descent_.look_closely(std::min(budget.sizes, kCoarse));
        const std::vector<NestPoint> guides = guided(first, starts);
        const std::int64_t left = is_guided() ? 0 : kGuided / 2;
        spend(kSingly + left, [&] {
            for (const NestPoint& guide : guides) {
                if (const std::optional<NestScore> score = descent_.judge(guide)) {
                    descent_.descend({guide, *score}, true);
                }
            }
            descend_singly(first, starts, ends);
        });
        std::stable_sort(ends.begin(), ends.end(), is_better);
        spend(kPairs + left, [&] { descend_in_pairs(ends); });
        descent_.look_closely(budget.sizes);
        spend(100 - kGuided - kSingly - kPairs, [&] {
            descent_.descend(descent_.finalists().front(), true);
            for (const ScoredPoint& end : ends) {
                descent_.descend(end, true);
            }
        });
    }

    /// The best few points by energy and time together, for what one part of the machine decides
    /// alone: time hides what the others gain, and single steps lead nowhere.
    std::vector<NestPoint> guided(const std::vector<ScoredPoint>& first,
                                  const std::vector<ScoredPoint>& starts) {
        constexpr MappingObjective kGuide = MappingObjective::energy_delay;
        constexpr std::size_t kGuides = 3;
        std::vector<NestPoint> found;
        if (!is_guided()) {
            return found;
        }
        const auto rejudged = [&](const std::vector<ScoredPoint>& points) {
            std::vector<ScoredPoint> again;
            for (const ScoredPoint& point : points) {
                if (const std::optional<NestScore> score = descent_.judge(point.point)) {
                    again.push_back({point.point, *score});
                }
            }
            return again;
        };
        descent_.change_objective(kGuide);
        spend(kGuided, [&] {
            std::vector<ScoredPoint> ends;
            descend_singly(rejudged(first), rejudged(starts), ends);
            std::stable_sort(ends.begin(), ends.end(), is_better);
            descend_in_pairs(ends);
        });
        for (const ScoredPoint& best : descent_.finalists()) {
            if (found.size() < kGuides) {
                found.push_back(best.point);
            }
        }
        descent_.change_objective(request_.objective);
        return found;
    }

    [[nodiscard]] bool is_guided() const {
        return request_.objective == MappingObjective::latency ||
               request_.objective == MappingObjective::traffic;
    }

    /// Does something with a share of the budget, or as much of it as that allows.
    template <class Do>
    void spend(std::int64_t per_cent, const Do& what) {
        descent_.allow(descent_.budget().evaluations * per_cent / 100);
        try {
            what();
        } catch (const SearchEnds&) {
            if (request_.cancelled()) {
                throw;
            }
        }
    }

    /// From the best end of each spatial choice, then from the others.
    void descend_in_pairs(const std::vector<ScoredPoint>& ends) {
        std::vector<const ScoredPoint*> others;
        std::vector<const ScoredPoint*> taken;
        for (const ScoredPoint& end : ends) {
            const bool known =
                std::any_of(taken.begin(), taken.end(), [&](const ScoredPoint* other) {
                    return std::equal(end.point.parts.begin(),
                                      end.point.parts.begin() +
                                          static_cast<std::ptrdiff_t>(descent_.space().levels()),
                                      other->point.parts.begin());
                });
            if (known) {
                others.push_back(&end);
                continue;
            }
            taken.push_back(&end);
            descent_.descend(end, true);
        }
        for (const ScoredPoint* end : others) {
            descent_.descend(*end, true);
        }
    }

    void descend_singly(const std::vector<ScoredPoint>& first,
                        const std::vector<ScoredPoint>& starts, std::vector<ScoredPoint>& ends) {
        const auto from = [&](const ScoredPoint& start) {
            if (const std::optional<ScoredPoint> end = descent_.descend(start, false)) {
                ends.push_back(*end);
            }
        };
        for (const ScoredPoint& start : first) {
            from(start);
        }
        for (const ScoredPoint& start : starts) {
            for (const LoopOrder& order : descent_.space().orders()) {
                ScoredPoint other = start;
                other.point.set_order(order);
                if (const std::optional<NestScore> score = descent_.judge(other.point)) {
                    other.score = *score;
                    from(other);
                }
            }
        }
    }

    static bool is_better(const ScoredPoint& a, const ScoredPoint& b) { return a.score < b.score; }

    /// From a few starts, in every order of loops.
    std::vector<ScoredPoint> grown_starts(const std::vector<ScoredPoint>& starts) {
        const std::size_t few = std::max<std::size_t>(1, descent_.budget().starts / 6);
        std::vector<ScoredPoint> found;
        for (std::size_t i = 0; i < std::min(few, starts.size()); ++i) {
            for (const LoopOrder& order : descent_.space().orders()) {
                const NestPoint point =
                    descent_.space().grown(starts[i].point, order, descent_.budget().sizes);
                if (const std::optional<NestScore> score = descent_.judge(point)) {
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
    const SearchRequest& request_;
    std::deque<CountedNest> counted_;
    ExactCount exact_;
    double bound_;
    NestDescent descent_;
};

}  // namespace

SearchedNest search_nest(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         const SearchRequest& request, const std::vector<SearchBudget>& stages) {
    return NestSearch(layer, machine, prices, request).run(stages);
}

}  // namespace memwall
