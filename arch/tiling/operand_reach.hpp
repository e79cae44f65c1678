// SPDX-License-Identifier: Apache-2.0
// The words of one operand that a part of a layer touches, for inner loops.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/projection.hpp"

namespace memwall {

/// The words of most_bytes() of one operand. Only what a part can be smaller in is looked at.
class OperandReach {
public:
    /// Of parts of `whole`.
    OperandReach(const Projection& projection, const Extents& whole);
    [[nodiscard]] std::int64_t most_words(const Extents& part) const;

private:
    struct AxisReach {
        std::int64_t extent = 1;
        std::size_t end_of_terms = 0;
    };
    const Projection& projection_;
    std::vector<AxisReach> axes_;
    std::vector<AxisTerm> terms_;  ///< of all axes, with positive coefficients
};

}  // namespace memwall
