// SPDX-License-Identifier: Apache-2.0
// The end of a search: its best nests are counted exactly.
#pragma once

#include <deque>
#include <limits>
#include <vector>

#include "arch/loop_nest/nest_search.hpp"

namespace memwall {

/// MODEL: of mappings that differ by less than half a per cent in the objective the one is taken
/// that has less of the other measure: energy where latency was asked for, the product of both for
/// traffic, else latency.
inline constexpr double kEquallyGood = 1.005;

/// What decides between mappings that are equally good.
MappingObjective other_measure(MappingObjective objective);

/// What a nest is judged by; of equals the one that is better in the other measure.
struct NestScore {
    double first = std::numeric_limits<double>::infinity();
    double second = std::numeric_limits<double>::infinity();

    friend bool operator<(const NestScore& a, const NestScore& b) {
        return a.first < b.first * (1 - 1e-12) ||
               (a.first <= b.first * (1 + 1e-12) && a.second < b.second * (1 - 1e-12));
    }
};

NestScore score_of(const NestFigures& figures, MappingObjective objective);

/// What nests are counted by.
struct ExactCount {
    const IterationSpace& space;
    const NestMachine& machine;
    const NestPrices& prices;
    MappingObjective objective;
    const NestFigures* apart = nullptr;  ///< as in SearchRequest
    std::deque<CountedNest>& known;      ///< what was counted before
};

/// The score of a counted nest and of what has to run apart.
NestScore score_of(const CountedNest& counted, const ExactCount& by);

/// The best of some points, `most` of them as nests, the best first; their loops as far out as
/// costs nothing: tiles then come one after another while others are used.
std::vector<CountedNest> choose_exactly(const std::vector<NestPoint>& points, const NestCost& cost,
                                        const ExactCount& by, std::size_t most);

/// A nest and what it is known to take.
struct JudgedNest {
    const CountedNest* nest = nullptr;
    NestFigures figures;
    NestScore score;
};

/// Of nests that are equally good the one with the least of the other measure. There is one at
/// least.
const JudgedNest& choose_frugally(const std::vector<JudgedNest>& nests);

/// Adds those that are not among them yet, as of a stage.
void add_new(std::vector<CountedNest>& known, std::vector<CountedNest> found);

}  // namespace memwall
