// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_polish.hpp"

#include <algorithm>
#include <utility>

#include "arch/loop_nest/exact_choice.hpp"
#include "arch/loop_nest/nest_steps.hpp"

namespace memwall {

NestPolish::NestPolish(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                       Taken taken, const std::function<bool()>& cancelled)
    : layer_(layer),
      machine_(machine),
      prices_(prices),
      taken_(std::move(taken)),
      cancelled_(cancelled),
      cost_(layer.space, machine, prices),
      space_(layer, machine, cost_),
      changes_(space_, machine, cost_) {}

std::vector<TakenNest> NestPolish::run(const std::vector<TakenNest>& found, std::int64_t changes) {
    for (const TakenNest& nest : found) {
        if (nest.nest.point) {
            keep_better(nest);
        }
    }
    better_.clear();
    for (const MappingObjective objective : kMappingObjectives) {
        if (best(objective)) {
            follow(objective, changes);
        }
    }
    return std::move(better_);
}

/// Mostly from the best, sometimes from what was hardly worse than the one before it: some ways
/// lead over such.
void NestPolish::follow(MappingObjective objective, std::int64_t changes) {
    constexpr std::int64_t kFromLast = 3;  // one of so many changes
    constexpr double kHardlyWorse = 1.05;
    constexpr std::int64_t kDrawn = 10;  // most do not fit, or are far from the best
    NestPoint last = *best(objective)->nest.point;
    double last_score = best(objective)->taken.of(objective);
    std::int64_t measured = 0;
    for (std::int64_t i = 0; i < kDrawn * changes && measured < changes && !cancelled_(); ++i) {
        NestPoint point = i % kFromLast == 0 ? last : *best(objective)->nest.point;
        changes_.change(point);
        std::optional<TakenNest> nest = judged(point, objective);
        if (!nest) {
            continue;
        }
        ++measured;
        if (nest->taken.of(objective) < kHardlyWorse * last_score) {
            last_score = nest->taken.of(objective);
            last = point;
        }
        keep_better(*nest);
    }
}

std::optional<TakenNest> NestPolish::judged(const NestPoint& point,
                                            MappingObjective objective) const {
    constexpr double kFar = 1.2;   // a fast count may be above an exact one
    constexpr double kNear = 1.1;  // and that above what a nest takes
    constexpr std::int64_t kFewSteps = 300;
    NestLimits limits;
    limits.of(objective) = kFar * best(objective)->nest.figures.of(objective);
    if (!cost_.figures_below(point, limits)) {
        return std::nullopt;
    }
    TakenNest nest;
    nest.nest.nest = cost_.nest(point);
    nest.nest.counts = count_nest(layer_.space, nest.nest.nest, machine_);
    if (!fits(nest.nest.counts, machine_)) {
        return std::nullopt;
    }
    nest.nest.figures = nest_figures(layer_.space, prices_, nest.nest.counts);
    if (nest.nest.figures.of(objective) > kNear * best(objective)->nest.figures.of(objective)) {
        return std::nullopt;
    }
    nest.nest.point = point;
    nest.measured = moved_steps(layer_.space, nest.nest.nest, machine_) <= kFewSteps;
    nest.taken = taken_(nest.nest, nest.measured);
    return nest;
}

void NestPolish::keep_better(const TakenNest& nest) {
    bool better = false;
    for (const MappingObjective objective : kMappingObjectives) {
        std::optional<TakenNest>& known = best(objective);
        if (!known || score_of(nest.taken, objective) < score_of(known->taken, objective)) {
            known = nest;
            better = true;
        }
    }
    if (better) {
        better_.push_back(nest);
    }
}

}  // namespace memwall
