// SPDX-License-Identifier: Apache-2.0
// The end of a search: its best nests are counted exactly.
#pragma once

#include <limits>
#include <vector>

#include "arch/loop_nest/nest_search.hpp"

namespace memwall {

/// What a nest is judged by; of equals the one that is better in the rest.
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
};

/// Takes the best candidate into `result`, its loops as far out as costs nothing: tiles then come
/// one after another while others are used.
void choose_exactly(const std::vector<LoopNest>& candidates, const ExactCount& by,
                    SearchedNest& result);

}  // namespace memwall
