// SPDX-License-Identifier: Apache-2.0
// What each effort may spend, and how far from the best its result may be.
#include "arch/loop_nest/nest_search.hpp"
#include "arch/mapper.hpp"
#include "base/error.hpp"

namespace memwall {

SearchBudget search_budget(Effort effort) {
    switch (effort) {
        case Effort::quick:
            return {200, 2, 6, false, false, 1, 0};
        case Effort::normal:
            return {6'000, 6, 12, true, true, 6, 0};
        case Effort::thorough:
            return {150'000, 48, 1'000, true, true, 24, 1'000'000};
    }
    fail("unknown effort");
}

double SearchedNest::gap(MappingObjective objective) const {
    const double found = figures.of(objective);
    return whole_mapspace || found <= bound ? 0 : bound > 0 ? found / bound - 1 : 0;
}

}  // namespace memwall
