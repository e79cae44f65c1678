// SPDX-License-Identifier: Apache-2.0
#include "sim/late_results.hpp"

#include <algorithm>

namespace memwall {
namespace {

bool same_reason(const LateResult& a, const LateResult& b) {
    return a.unit == b.unit && a.cause == b.cause && a.of_layer == b.of_layer &&
           a.of_unit == b.of_unit;
}

}  // namespace

void add_late(const std::vector<LateResult>& more, std::vector<LateResult>& late) {
    for (const LateResult& steps : more) {
        const auto there = std::find_if(late.begin(), late.end(), [&](const LateResult& each) {
            return same_reason(each, steps);
        });
        if (there == late.end()) {
            late.push_back(steps);
            continue;
        }
        there->steps += steps.steps;
        there->most = std::max(there->most, steps.most);
        there->sum += steps.sum;
    }
}

}  // namespace memwall
