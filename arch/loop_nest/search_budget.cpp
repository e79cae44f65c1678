// SPDX-License-Identifier: Apache-2.0
// What each effort may spend, and how far from the best its result may be.
#include "arch/loop_nest/nest_search.hpp"
#include "arch/mapper.hpp"

namespace memwall {

bool is_small(const IterationSpace& space) {
    constexpr std::int64_t kFewPoints = 16'000'000;
    return space.points() <= kFewPoints;
}

bool is_very_small(const IterationSpace& space) {
    constexpr std::int64_t kVeryFewPoints = 1'000'000;
    return space.points() <= kVeryFewPoints;
}

bool is_small_product(const IterationSpace& space) {
    return space.macs() > 0 && is_small(space);
}

std::vector<SearchBudget> search_stages(Effort effort, const IterationSpace& space) {
    const SearchBudget quick{500, 3, 6, false, false, 1, 0, 1, false};
    const bool product = space.macs() > 0;
    SearchBudget normal{20'000, 12, 12, true, true, 3, 0, 2, false};
    if (product && is_small(space)) {
        normal = {20'000, 24, 12, true, true, 8, 0, 3, true, 4'000, 4};
    }
    SearchBudget thorough{120'000, 48, 1'000, true, true, 8, 1'000'000, 2, true};
    if (product && is_very_small(space)) {
        thorough.anneals = 5'000;
        thorough.ways = 8;
    }
    std::vector<SearchBudget> stages = {quick, normal, thorough};
    stages.resize(static_cast<std::size_t>(effort) + 1);
    return stages;
}

void SearchedNest::take(const CountedNest& other) {
    nest = other.nest;
    counts = other.counts;
    figures = other.figures;
}

double SearchedNest::gap(MappingObjective objective) const {
    const double found = figures.of(objective);
    return whole_mapspace || found <= bound ? 0 : bound > 0 ? found / bound - 1 : 0;
}

}  // namespace memwall
