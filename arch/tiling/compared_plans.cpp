// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/compared_plans.hpp"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

/// Plans whose times, or energies, differ by less are as good as each other: the engine has no such
/// precision. What comes second decides.
constexpr double kTie = 0.005;

}  // namespace

// MODEL: of plans whose times or energies differ by less than 0.5 %, that with less of the other is
// taken.
PlanPlace ComparedPlans::best() const {
    const double tie = objective_ == MappingObjective::traffic ? 0 : kTie;
    double most = std::numeric_limits<double>::infinity();
    for (const ComparedPlan& plan : plans_) {
        most = std::min(most, plan.figures.of(objective_) * (1 + tie));
    }
    const ComparedPlan* found = nullptr;
    for (const ComparedPlan& plan : plans_) {
        if (plan.figures.of(objective_) <= most &&
            (found == nullptr ||
             plan.figures.second(objective_) < found->figures.second(objective_))) {
            found = &plan;
        }
    }
    return found->place;
}

std::optional<ComparedPlan> ComparedPlans::best_of(std::size_t part) const {
    std::optional<ComparedPlan> best;
    for (const ComparedPlan& plan : plans_) {
        if (plan.place.part == part && (!best || is_better(plan.figures, best->figures))) {
            best = plan;
        }
    }
    return best;
}

std::vector<PlanPlace> ComparedPlans::nearly_best(double factor, std::size_t most) const {
    std::vector<ComparedPlan> sorted = plans_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [this](const ComparedPlan& a, const ComparedPlan& b) {
                         return a.figures.of(objective_) < b.figures.of(objective_);
                     });
    std::vector<PlanPlace> found;
    for (const ComparedPlan& plan : sorted) {
        const double limit = sorted.front().figures.of(objective_) * factor;
        if (found.size() < most && plan.figures.of(objective_) <= limit) {
            found.push_back(plan.place);
        }
    }
    return found;
}

bool ComparedPlans::is_clearly_better(const OutcomeFigures& figures,
                                      const OutcomeFigures& than) const {
    constexpr double kClearly = 0.98;
    const double first = figures.of(objective_) / than.of(objective_);
    const double second = figures.second(objective_) / than.second(objective_);
    return first < kClearly && first * second < kClearly;
}

bool ComparedPlans::is_better(const OutcomeFigures& figures, const OutcomeFigures& than) const {
    constexpr double kRounding = 1e-9;
    const double difference = figures.of(objective_) - than.of(objective_);
    const double rounding = kRounding * than.of(objective_);
    return difference < -rounding ||
           (difference <= rounding &&
            figures.second(objective_) < than.second(objective_) * (1 - kRounding));
}

}  // namespace memwall
