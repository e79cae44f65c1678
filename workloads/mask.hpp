// SPDX-License-Identifier: Apache-2.0
// Which pairs of a query and a key count in causal attention, and how many of them lie in a box.
#pragma once

#include <cstdint>
#include <optional>

#include "workloads/projection.hpp"

namespace memwall {

/// Along two dimensions of an iteration space only some points are computed: a query at position p
/// sees the keys up to itself, and with a window only the last `window` of those. The last query
/// sees the last key. Queries of several heads may lie behind each other, `rows` each.
struct Mask {
    Dim row = Dim::P;          ///< queries
    Dim column = Dim::K;       ///< keys
    std::int64_t rows = 1;     ///< queries of one head; the extent of `row` is a multiple
    std::int64_t columns = 1;  ///< the extent of `column`
    std::int64_t window = 0;   ///< 0: none

    friend bool operator==(const Mask&, const Mask&) = default;
};

/// The pairs in `box` that count, times the sizes of its other dimensions. Exact, in constant time
/// for each head.
std::int64_t counted_points(const Mask& mask, const Box& box);
/// Whether one pair counts.
bool counts(const Mask& mask, std::int64_t row, std::int64_t column);

}  // namespace memwall
