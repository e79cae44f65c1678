// SPDX-License-Identifier: Apache-2.0
// The last touch of a search for a small layer: what was found is changed at random, and judged by
// what the analytic engine says that it takes.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "arch/loop_nest/nest_mapspace.hpp"
#include "arch/loop_nest/nest_search.hpp"
#include "arch/loop_nest/point_changes.hpp"

namespace memwall {

/// A nest and what it takes: by the engine, or by its count where it makes many steps.
struct TakenNest {
    CountedNest nest;
    NestFigures taken;
    bool measured = true;
};

/// The fast count of a search may be off where tiles do not divide, and begins and ends of steps
/// matter where there are few: for a small layer all is exact here. Whatever is asked for, each
/// objective is followed, so that none is met better by asking for another one.
class NestPolish {
public:
    using Taken = std::function<NestFigures(const CountedNest&, bool measures)>;

    /// Layer, machine and prices must outlive it.
    NestPolish(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
               Taken taken, const std::function<bool()>& cancelled);

    /// From the best of `found` by each objective: so many changes of it, and of what comes of
    /// them. Returns what turned out to be better than all before.
    std::vector<TakenNest> run(const std::vector<TakenNest>& found, std::int64_t changes);

private:
    void follow(MappingObjective objective, std::int64_t changes);
    /// What a point takes; nothing where it does not fit or is far from the best.
    [[nodiscard]] std::optional<TakenNest> judged(const NestPoint& point,
                                                  MappingObjective objective) const;
    void keep_better(const TakenNest& nest);
    [[nodiscard]] std::optional<TakenNest>& best(MappingObjective objective) {
        return best_[static_cast<std::size_t>(objective)];
    }
    [[nodiscard]] const std::optional<TakenNest>& best(MappingObjective objective) const {
        return best_[static_cast<std::size_t>(objective)];
    }

    const Layer& layer_;
    const NestMachine& machine_;
    const NestPrices& prices_;
    Taken taken_;
    const std::function<bool()>& cancelled_;
    NestCost cost_;
    Mapspace space_;
    PointChanges changes_;
    std::array<std::optional<TakenNest>, kMappingObjectives.size()> best_;
    std::vector<TakenNest> better_;
};

}  // namespace memwall
