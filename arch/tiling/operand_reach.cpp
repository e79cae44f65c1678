// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/operand_reach.hpp"

#include <algorithm>
#include <cstdlib>

#include "arch/core_split.hpp"

namespace memwall {

OperandReach::OperandReach(const Projection& projection, const Extents& whole)
    : projection_(projection) {
    axes_.reserve(projection.axes.size());
    terms_.reserve(kDimCount);
    for (const Axis& axis : projection.axes) {
        for (const AxisTerm& term : axis.terms) {
            if (whole[index(term.dim)] > 1) {
                terms_.push_back({term.dim, std::abs(term.coefficient)});
            }
        }
        const std::size_t before = axes_.empty() ? 0 : axes_.back().end_of_terms;
        if (terms_.size() > before || axis.extent < 1) {
            axes_.push_back({axis.extent, terms_.size()});
        }
    }
}

std::int64_t OperandReach::most_words(const Extents& part) const {
    if (projection_.gather) {
        return memwall::most_words(projection_, part);
    }
    std::int64_t words = 1;
    std::size_t term = 0;
    for (const AxisReach& axis : axes_) {
        std::int64_t reach = 1;
        for (; term < axis.end_of_terms; ++term) {
            reach += terms_[term].coefficient * (part[index(terms_[term].dim)] - 1);
        }
        words *= std::min(axis.extent, reach);
    }
    return words;
}

}  // namespace memwall
