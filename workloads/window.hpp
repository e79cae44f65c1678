// SPDX-License-Identifier: Apache-2.0
// The indices that an affine axis takes over a box: how many distinct ones, and how often one
// comes up.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "workloads/projection.hpp"

namespace memwall {

/// { offset + sum of coefficient * x } over the ranges of a box. Terms are normalised: only those
/// that move, with positive coefficients, each x from 0.
class IndexSet {
public:
    IndexSet(const Axis& axis, const Box& box);

    /// The distinct indices in `window`. Exact.
    [[nodiscard]] std::int64_t distinct_within(Range window) const;
    /// The most points that share one index, as if there were no padding.
    [[nodiscard]] std::int64_t most_uses() const;

private:
    struct Term {
        std::int64_t coefficient = 1;
        std::int64_t size = 1;
    };

    [[nodiscard]] std::int64_t progression_within(Range window) const;
    [[nodiscard]] std::int64_t pair_within(Range window) const;
    /// How often each index of the bounding range comes up.
    [[nodiscard]] std::vector<std::int64_t> histogram() const;

    std::array<Term, kDimCount> terms_{};
    std::size_t count_ = 0;
    std::int64_t first_ = 0;  ///< the smallest index
    std::int64_t last_ = 0;   ///< the largest index
    bool empty_ = false;
};

}  // namespace memwall
