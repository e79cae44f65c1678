// SPDX-License-Identifier: Apache-2.0
// What each effort may spend, and how far from the best its result may be.
#include "arch/loop_nest/nest_search.hpp"
#include "arch/mapper.hpp"

namespace memwall {

std::vector<SearchBudget> search_stages(Effort effort) {
    const std::vector<SearchBudget> stages = {
        {500, 3, 6, false, false, 1, 0, 1, false},
        {20'000, 12, 12, true, true, 3, 0, 2, false},
        {120'000, 48, 1'000, true, true, 8, 1'000'000, 2, true},
    };
    return {stages.begin(), stages.begin() + static_cast<std::ptrdiff_t>(effort) + 1};
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
