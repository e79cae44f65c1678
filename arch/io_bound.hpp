// SPDX-License-Identifier: Apache-2.0
// The least traffic that any schedule of a layer can have across one memory boundary. Valid, not
// tight: what a mapping is judged against.
#pragma once

#include <cstdint>

#include "base/quantity.hpp"
#include "workloads/iteration_space.hpp"

namespace memwall {

/// What a bound is made of.
struct IoBound {
    Bytes compulsory;  ///< every distinct input and weight read once, every output written once
    Bytes segment;     ///< from the capacity: no schedule reuses more than its storage allows

    [[nodiscard]] Bytes bytes() const { return compulsory < segment ? segment : compulsory; }
};

/// The bound for one layer in isolation with `capacity` bytes of storage of every kind on the
/// compute side. Elements are counted at their stored width; partial sums at the narrowest width
/// that they are kept in.
IoBound io_lower_bound(const IterationSpace& space, Bytes capacity);

/// The segment bound in words: max over T of T (ceil(F / (sqrt(R) ((S + T) / 3)^1.5)) - 1), for F
/// multiply-accumulates, S words of storage and window reuse R (Smith et al. 2017, arXiv
/// 1702.02017, extended to windows).
std::int64_t segment_bound_words(std::int64_t macs, std::int64_t storage_words,
                                 std::int64_t window_reuse);

}  // namespace memwall
