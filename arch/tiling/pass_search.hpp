// SPDX-License-Identifier: Apache-2.0
// The search for the best passes of one layer's tiles.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "arch/mapper.hpp"
#include "arch/split_search.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "arch/tiling/pass_plan.hpp"

namespace memwall {

/// Looks for the best passes of the tiles of one layer. Whatever cannot be better than the best so
/// far is left out early, and the answer is that of looking at all.
class PassSearch {
public:
    /// All three must outlive it.
    PassSearch(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer,
               std::int64_t operand_bits);

    /// As PassPlanner::plan().
    [[nodiscard]] const std::optional<PassPlan>& plan(const Extents& tile, Effort effort,
                                                      bool keeps_sums, const PassAim& aim);

    /// As PassPlanner::plan_given().
    [[nodiscard]] std::optional<PassPlan> plan_given(const Extents& tile, const GivenPass& given,
                                                     const PassAim& aim);

private:
    /// A way to cut the tile, and what no plan of it is faster than.
    struct Candidate {
        Extents pass;
        std::int64_t passes = 1;
        bool shares_outputs = false;
        PassTraffic traffic;
        double least = 0;  ///< value
    };
    using TileAsked = std::tuple<Extents, bool, double, double, bool, bool>;  ///< keeps_sums, aim
    void run(Effort effort, const std::vector<Dim>& whole);
    /// Passes that cut the reduction alone, the fewest that fit.
    void run_whole_outputs();
    /// The tile in about so many passes, unless that was considered before.
    void add(std::int64_t channels, std::int64_t positions, std::int64_t reduction,
             const std::vector<Dim>& whole);
    [[nodiscard]] Candidate candidate(const Extents& pass,
                                      std::optional<bool> positions_outer) const;
    /// Tries all that were added, and forgets them.
    void try_all();
    /// As trying one after another, where a plan is the best if it is the first of the fastest.
    void try_best_first();
    /// Whether it has a plan of less value than `limit`, which is the best then.
    bool try_pass(const Candidate& candidate, double limit);
    /// Of the best plan; without one no plan is too bad.
    [[nodiscard]] double best_value() const;
    [[nodiscard]] double limit(std::int64_t passes) const;
    [[nodiscard]] bool leaves_lanes(const PassPlan& plan) const;
    [[nodiscard]] bool shares_outputs(const Extents& pass) const;
    [[nodiscard]] bool is_many(std::int64_t passes) const { return tiles_ * passes > kFew; }

    static constexpr std::int64_t kFew = 128;  ///< passes of a layer

    const Layer& layer_;
    PassCosts costs_;
    struct Splitting {
        SplitRules rules;
        std::vector<Dim> dims;
        DimSet set = 0;  ///< of the same
    };
    std::array<Splitting, 2> splitting_;  ///< without and with cores that share an output
    std::map<TileAsked, std::optional<PassPlan>> known_;

    // Of one tile:
    PassAim aim_;
    Extents tile_ = unit_extents();
    std::int64_t tiles_ = 1;  ///< in the layer
    std::vector<Extents> seen_;
    std::vector<Candidate> candidates_;
    std::optional<PassPlan> best_;
};

}  // namespace memwall
