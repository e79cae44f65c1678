// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "arch/loop_nest/nest_descent.hpp"
#include "arch/loop_nest/start_points.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Of a mapspace that is tried whole so many are counted exactly: the fast count may be off a
/// little.
constexpr std::size_t kExactFinalists = 40;

/// Objectives in the order in which a search follows them: the same whichever was asked for, so
/// that none finds what another one misses. First what balances all.
constexpr std::array kFollowed = {MappingObjective::energy_delay, MappingObjective::latency,
                                  MappingObjective::energy, MappingObjective::traffic};

/// Per cent of a budget that each of them may spend on single changes from many starts, on pairs of
/// them from where those led, and on a closer look at the best.
constexpr std::int64_t kSingly = 12;
constexpr std::int64_t kPairs = 5;
constexpr std::int64_t kClosely = 7;
/// The same for what is frugal, and for what minds what runs apart.
constexpr std::int64_t kFrugally = 3;

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
          descent_(layer, machine, prices, request) {}

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
        try {
            if (found_some()) {
                refine();  // what less effort found, by the finer steps of this one
            }
            const auto most = static_cast<double>(budget.exhaustive);
            if (budget.exhaustive > 0 && space.size(most) <= most) {
                descent_.remember(kExactFinalists);
                descent_.allow(budget.exhaustive);
                space.visit_all(
                    [this](const NestPoint& point) { descent_.judge(point, kOnlyBest); });
                result.whole_mapspace = true;
            } else {
                // Of a large layer only where a change leads there: starts for both cost too much.
                descent_.let_take_both_halves(is_small_product(layer_.space));
                descend_from_starts();
                anneal();
                descent_.let_take_both_halves(true);
                if (found_some() && budget.bypass && !is_small_product(layer_.space)) {
                    refine();
                }
            }
            if (found_some() && request_.apart != nullptr && budget.bypass &&
                !result.whole_mapspace) {
                refine();
            }
        } catch (const SearchEnds&) {
            // Spent or cancelled.
        }
        descent_.let_take_both_halves(true);
        if (!found_some()) {
            throw_does_not_fit();
        }
        result.interrupted = request_.cancelled();
    }

    [[nodiscard]] bool found_some() const {
        return !descent_.finalists(request_.objective).empty();
    }

    void refine() {
        for (const MappingObjective objective : kFollowed) {
            descent_.follow(objective);
            spend(kFrugally, [&] { descent_.refine(); });
        }
    }

    /// The best by each objective: which of them is best by what was asked for is measured.
    void keep_candidates(SearchedNest& result) {
        const SearchBudget& budget = descent_.budget();
        // Little effort does not even count what is far from the best.
        constexpr double kFar = 1.25;
        NestLimits limits;
        limits.of(request_.objective) =
            kFar * descent_.finalists(request_.objective).front().score.first;
        const auto is_hopeless = [&](const NestPoint& point) {
            return !budget.bypass && !descent_.cost().figures_below(point, limits);
        };
        for (const MappingObjective objective : kFollowed) {
            ExactCount by = exact_;
            by.objective = objective;
            const auto keep = [&](std::vector<NestPoint> points, std::size_t most) {
                points.erase(std::remove_if(points.begin(), points.end(), is_hopeless),
                             points.end());
                add_new(result.candidates, choose_exactly(points, descent_.cost(), by, most));
            };
            std::vector<NestPoint> points;
            for (const ScoredPoint& finalist : descent_.finalists(objective)) {
                points.push_back(finalist.point);
            }
            keep(points, budget.candidates);
            keep(promising_ways(objective, budget.ways), budget.ways);
            if (!budget.bypass) {
                continue;
            }
            for (const std::optional<ScoredPoint>* other :
                 {&descent_.best_apart(objective), &descent_.best_overlapping(objective),
                  &descent_.best_as_built(objective)}) {
                if (*other) {
                    keep({(*other)->point}, 1);
                }
            }
            descent_.follow(objective);
            descent_.allow(budget.evaluations * kFrugally / 100);
            const ScoredPoint frugal = descent_.frugal();
            by.objective = other_measure(objective);
            keep({frugal.point}, 1);
        }
        ensure(!result.candidates.empty(), "what the search found fits when it is counted exactly");
    }

    /// The best few of the different ways to keep operands, where they are near the best one.
    [[nodiscard]] std::vector<NestPoint> promising_ways(MappingObjective objective,
                                                        std::size_t most) const {
        constexpr double kNear = 1.3;
        std::vector<ScoredPoint> ways = descent_.best_of_ways(objective);
        std::stable_sort(ways.begin(), ways.end(), is_better);
        std::vector<NestPoint> points;
        for (const ScoredPoint& way : ways) {
            if (points.size() < most && way.score.first <= kNear * ways.front().score.first) {
                points.push_back(way.point);
            }
        }
        return points;
    }

    void descend_from_starts() {
        const SearchBudget budget = descent_.budget();
        descent_.allow(budget.evaluations);
        const std::vector<NestPoint> starts = start_points(descent_);
        if (!budget.pairs) {
            descend_quickly(starts);
            return;
        }
        // Coarsely at first, then closely from the best.
        descent_.look_closely(std::min(budget.sizes, kCoarse));
        std::vector<NestPoint> ends;
        for (const MappingObjective objective : kFollowed) {
            descent_.follow(objective);
            std::vector<ScoredPoint> runners;
            spend(kSingly, [&] {
                runners = entrants(ends, starts);
                race(runners);
            });
            spend(kPairs, [&] {
                for (ScoredPoint& runner : runners) {
                    descent_.descend(runner, true);
                }
            });
            for (const ScoredPoint& runner : runners) {
                ends.push_back(runner.point);
            }
        }
        descent_.look_closely(budget.sizes);
        for (const MappingObjective objective : kFollowed) {
            descent_.follow(objective);
            spend(kClosely, [&] {
                std::vector<ScoredPoint> again = judged(ends);
                std::stable_sort(again.begin(), again.end(), is_better);
                ScoredPoint best = descent_.finalists(objective).front();
                descent_.descend(best, true);
                for (ScoredPoint& end : again) {
                    descent_.descend(end, true);
                }
            });
        }
    }

    void anneal() {
        for (const MappingObjective objective : kFollowed) {
            if (descent_.budget().anneals > 0 && found_some()) {
                descent_.follow(objective);
                descent_.allow(descent_.budget().anneals);
                descent_.anneal(++seed_);
                if (request_.cancelled()) {
                    throw SearchEnds();
                }
            }
        }
    }

    /// Little may be spent: on the most promising of all.
    void descend_quickly(std::vector<NestPoint> points) {
        for (const MappingObjective objective : kFollowed) {
            descent_.follow(objective);
            spend(100 / static_cast<std::int64_t>(kFollowed.size()), [&] {
                std::vector<ScoredPoint> starts = judged(points);
                std::stable_sort(starts.begin(), starts.end(), is_better);
                for (ScoredPoint& start : starts) {
                    descent_.descend(start, false);
                }
            });
            if (!descent_.finalists(objective).empty()) {
                points.push_back(descent_.finalists(objective).front().point);
            }
        }
    }

    /// Those points that can be, and how good they are.
    std::vector<ScoredPoint> judged(const std::vector<NestPoint>& points) {
        std::vector<ScoredPoint> judged;
        for (const NestPoint& point : points) {
            if (const std::optional<NestScore> score = descent_.judge(point)) {
                judged.push_back({point, *score});
            }
        }
        return judged;
    }

    /// The best few of those that lie side by side in different ways.
    std::vector<ScoredPoint> entrants(const std::vector<NestPoint>& ends,
                                      const std::vector<NestPoint>& starts) {
        constexpr std::size_t kEnds = 2;  // of other objectives
        std::vector<ScoredPoint> found;
        const auto enter = [&](const std::vector<NestPoint>& points, std::size_t most) {
            std::vector<ScoredPoint> ranked = judged(points);
            std::stable_sort(ranked.begin(), ranked.end(), is_better);
            for (const ScoredPoint& point : ranked) {
                const bool alike =
                    std::any_of(found.begin(), found.end(), [&](const ScoredPoint& other) {
                        const auto levels = static_cast<std::ptrdiff_t>(descent_.space().levels());
                        const auto same = [&](const auto& mine, const auto& its) {
                            return std::equal(mine.begin(), mine.begin() + levels, its.begin());
                        };
                        return same(point.point.parts, other.point.parts) &&
                               (!descent_.budget().fills_room ||
                                same(point.point.keeps, other.point.keeps));
                    });
                if (!alike && most > 0) {
                    found.push_back(point);
                    --most;
                }
            }
        };
        enter(ends, kEnds);
        enter(starts, descent_.budget().starts);
        return found;
    }

    /// Single changes, by turns, of ever fewer: those that are best so far go on. The best comes
    /// first in the end.
    void race(std::vector<ScoredPoint>& runners) {
        std::size_t going = runners.size();
        const auto rank = [&](std::size_t first) {
            std::stable_sort(runners.begin(), runners.begin() + static_cast<std::ptrdiff_t>(first),
                             is_better);
        };
        try {
            while (going > 0) {
                for (std::size_t i = 0; i < going;) {
                    if (descent_.descend_once(runners[i])) {
                        ++i;
                    } else {
                        std::swap(runners[i], runners[--going]);
                    }
                }
                rank(going);
                going = (going + 1) / 2;
            }
        } catch (const SearchEnds&) {
            if (request_.cancelled()) {
                throw;
            }
        }
        rank(runners.size());
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

    static bool is_better(const ScoredPoint& a, const ScoredPoint& b) { return a.score < b.score; }

    [[noreturn]] void throw_does_not_fit() const {
        Diagnostics faults;
        faults.error(layer_.where, "layer '" + layer_.name +
                                       "' does not fit the machine's memories: not even its "
                                       "smallest tiles" +
                                       too_small_for_a_word());
        faults.throw_if_any();
        fail("a fault was thrown");
    }

    /// Which memory can't hold a word of what it is there for; empty where each of them can.
    [[nodiscard]] std::string too_small_for_a_word() const {
        const std::vector<Operand>& operands = layer_.space.operands;
        for (std::size_t o = 0; o < operands.size(); ++o) {
            const bool sum = operands[o].role == TensorRole::outputs;
            const int bits = word_bits(layer_.space, o, sum);
            for (const NestMemory& memory : exact_.machine.memories) {
                if (memory.capacity > 0 && memory.capacity * 8 < bits &&
                    memory.may_keep[static_cast<std::size_t>(operands[o].role)]) {
                    return fmt::format(
                        "; '{}' ({}) has no room for one {} of {} bits", memory.name,
                        format_bytes(Bytes(memory.capacity)),
                        sum ? "sum" : "word of " + std::string(name(operands[o].role)), bits);
                }
            }
        }
        return {};
    }

    const Layer& layer_;
    const SearchRequest& request_;
    std::deque<CountedNest> counted_;
    ExactCount exact_;
    double bound_;
    NestDescent descent_;
    std::uint32_t seed_ = 0;  ///< of the next annealing
};

}  // namespace

SearchedNest search_nest(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                         const SearchRequest& request, const std::vector<SearchBudget>& stages) {
    return NestSearch(layer, machine, prices, request).run(stages);
}

}  // namespace memwall
