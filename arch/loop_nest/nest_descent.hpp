// SPDX-License-Identifier: Apache-2.0
// Descent through a mapspace: one tile, order or bypass at a time, then two tiles at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "arch/loop_nest/best_points.hpp"
#include "arch/loop_nest/nest_mapspace.hpp"
#include "arch/loop_nest/nest_search.hpp"
#include "arch/loop_nest/point_changes.hpp"

namespace memwall {

/// Thrown inside a search when its budget is spent or it was cancelled.
struct SearchEnds {};

/// Judges points and goes on from them, and remembers the best by each objective, whichever one a
/// descent follows. Layer, machine and request must outlive it.
class NestDescent {
public:
    NestDescent(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                const SearchRequest& request);

    /// What may be spent, and how finely is searched; finalists so far stay.
    void begin(const SearchBudget& budget) {
        budget_ = budget;
        visited_.clear();
    }
    /// How many more points may be judged; SearchEnds after that.
    void allow(std::int64_t evaluations) { most_evaluations_ = evaluations_ + evaluations; }
    /// How many sizes of a tile are tried.
    void look_closely(std::size_t sizes) {
        budget_.sizes = sizes;
        visited_.clear();
    }
    void let_take_both_halves(bool may) { cost_.let_take_both_halves(may); }
    /// What the next descents make less of, and what scores are.
    void follow(MappingObjective objective) {
        followed_ = objective;
        visited_.clear();
    }
    /// How many of the best points are remembered.
    void remember(std::size_t finalists) { budget_.finalists = finalists; }

    /// The score of a point; nothing where it does not fit, or is neither better than `known` nor
    /// among the best so far.
    std::optional<NestScore> judge(const NestPoint& point, const NestScore& known = {});
    /// One round of single changes. False where none is better, or where it meets the way of a
    /// descent before: both end alike.
    bool descend_once(ScoredPoint& current);
    /// To where no single change is better; with pairs, no two changes at once either. False where
    /// it meets the way of a descent before.
    bool descend(ScoredPoint& current, bool pairs);
    /// The same from the best so far. What runs apart has its price on the way, which descents from
    /// afar do not mind: it stands in their way.
    void refine();
    /// From the best so far to what is better in the other measure and hardly worse in the
    /// objective.
    [[nodiscard]] ScoredPoint frugal();
    /// From the best so far by changes at random, first also to what is worse, then ever less so
    /// (threshold accepting), as long as some may be judged. There is a best one.
    void anneal(std::uint32_t seed);

    [[nodiscard]] const NestCost& cost() const { return cost_; }
    [[nodiscard]] Mapspace& space() { return space_; }
    [[nodiscard]] const SearchBudget& budget() const { return budget_; }
    /// The best by an objective. There are some by each, or by none.
    [[nodiscard]] const BestPoints& finalists(MappingObjective by) const {
        return best_[at(by)].all;
    }
    /// The best of those whose results no memory gathers, where something runs apart then.
    [[nodiscard]] const std::optional<ScoredPoint>& best_apart(MappingObjective by) const {
        return best_[at(by)].apart;
    }
    /// The best of those whose moves are few enough to overlap with what is computed, level by
    /// level.
    [[nodiscard]] const std::optional<ScoredPoint>& best_overlapping(MappingObjective by) const {
        return best_[at(by)].overlapping;
    }
    /// The best of those that use both buffers of each level that has two.
    [[nodiscard]] const std::optional<ScoredPoint>& best_as_built(MappingObjective by) const {
        return best_[at(by)].as_built;
    }
    /// The best that annealing has met of each way to keep operands, by an objective.
    [[nodiscard]] const std::vector<ScoredPoint>& best_of_ways(MappingObjective by) const {
        return best_[at(by)].of_ways;
    }
    [[nodiscard]] std::int64_t evaluations() const { return evaluations_; }

private:
    using Current = ScoredPoint;
    struct Best {
        BestPoints all;
        std::optional<Current> apart, overlapping, as_built;
        std::vector<Current> of_ways;
        double bound = 0;  ///< no nest has less
    };

    static std::size_t at(MappingObjective objective) {
        return static_cast<std::size_t>(objective);
    }
    void remember(const NestPoint& point, const NestFigures& figures, bool gathers);
    void remember_way(const ScoredPoint& point);
    /// Whether a descent was here before.
    bool meets(const Current& current, bool pairs);
    /// Whether no nest can be better.
    [[nodiscard]] bool is_best(const Current& current) const;
    bool take_if_better(Current& current, const NestPoint& point);
    bool change_tile(Current& current, std::size_t l, std::size_t d);
    void set_tile(NestPoint& point, const NestPoint& from, std::size_t l, std::size_t d,
                  std::int64_t size) const;
    bool change_order(Current& current, std::size_t l);
    bool change_bypass(Current& current, std::size_t l);
    bool change_spatial(Current& current, std::size_t l);
    bool change_bypass_and_tile(Current& current, std::size_t l, std::size_t d);
    bool change_pair(Current& current, std::size_t l, std::size_t d, std::size_t e);
    bool change_all(Current& current);
    bool change_pairs(Current& current);

    MappingObjective followed_;
    const std::function<bool()>& cancelled_;
    const NestFigures* apart_;
    const NestMachine& machine_;
    NestCost cost_;
    Mapspace space_;
    SearchBudget budget_;
    bool priced_ = false;     ///< scores have what runs apart, not those of the finalists alone
    double good_enough_ = 0;  ///< scores below it are as good as this
    std::unordered_set<std::uint64_t> visited_;  ///< points on the ways of descents, by pairs
    std::int64_t evaluations_ = 0;
    std::int64_t most_evaluations_ = 0;  ///< of the stages so far
    std::array<Best, kMappingObjectives.size()> best_;
};

}  // namespace memwall
