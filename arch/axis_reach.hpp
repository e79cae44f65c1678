// SPDX-License-Identifier: Apache-2.0
// How far a box of an iteration space reaches along an axis of a tensor.
#pragma once

#include <algorithm>

#include "workloads/iteration_space.hpp"

namespace memwall {

/// From the first index of an axis that a box touches to the last one, be they padding or not.
inline Range reach(const Axis& axis, const Box& box) {
    Range range{axis.offset, axis.offset + 1};
    for (const AxisTerm& term : axis.terms) {
        const std::int64_t first = term.coefficient * box[term.dim].begin;
        const std::int64_t last = term.coefficient * (box[term.dim].end - 1);
        range.begin += std::min(first, last);
        range.end += std::max(first, last);
    }
    return range;
}

}  // namespace memwall
