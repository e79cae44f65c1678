// SPDX-License-Identifier: Apache-2.0
// Plans of a network and what an engine found of each: which is the best by an objective.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "arch/mapper.hpp"
#include "arch/outcome_figures.hpp"

namespace memwall {

/// Which plan it is.
struct PlanPlace {
    std::size_t part = 0;  ///< of the parts of the batch that may run together
    std::size_t plan = 0;  ///< of the part's plans
};

struct ComparedPlan {
    PlanPlace place;
    OutcomeFigures figures;  ///< of an item
};

class ComparedPlans {
public:
    explicit ComparedPlans(MappingObjective objective) : objective_(objective) {}

    void add(PlanPlace place, const OutcomeFigures& figures) { plans_.push_back({place, figures}); }
    void clear() { plans_.clear(); }
    [[nodiscard]] bool empty() const { return plans_.empty(); }
    [[nodiscard]] std::size_t size() const { return plans_.size(); }

    /// Of plans that are as good as each other, that which is better in what comes second. There is
    /// one at least.
    [[nodiscard]] PlanPlace best() const;
    /// The best of a part, to the last digit.
    [[nodiscard]] std::optional<ComparedPlan> best_of(std::size_t part) const;
    /// Those that are worse than the best by no more than a factor, the best first, and no more
    /// than `most` of them.
    [[nodiscard]] std::vector<PlanPlace> nearly_best(double factor, std::size_t most) const;
    /// Whether it is so by any engine: of a small gain, or one that is paid for with as much of the
    /// other measure, the rows and banks of a DRAM may leave nothing.
    [[nodiscard]] bool is_clearly_better(const OutcomeFigures& figures,
                                         const OutcomeFigures& than) const;

private:
    [[nodiscard]] bool is_better(const OutcomeFigures& figures, const OutcomeFigures& than) const;

    MappingObjective objective_;
    std::vector<ComparedPlan> plans_;
};

}  // namespace memwall
