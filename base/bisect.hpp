// SPDX-License-Identifier: Apache-2.0
// Halving a range of counts.
#pragma once

#include <cstdint>

namespace memwall {

/// The most of `least` to `none` - 1 that is true of `holds`, which is false from some number on.
/// It is not asked about `least`, which is taken to be true, nor about `none`.
template <class Holds>
std::int64_t most_that(std::int64_t least, std::int64_t none, const Holds& holds) {
    std::int64_t most = least;
    while (none - most > 1) {
        const std::int64_t middle = most + (none - most) / 2;
        (holds(middle) ? most : none) = middle;
    }
    return most;
}

}  // namespace memwall
