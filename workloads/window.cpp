// SPDX-License-Identifier: Apache-2.0
#include "workloads/window.hpp"

#include <algorithm>
#include <numeric>

#include "base/quantity.hpp"

namespace memwall {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/// The x in [0, size) with first + step * x in `window`.
Range steps_within(std::int64_t first, std::int64_t step, std::int64_t size, Range window) {
    const std::int64_t from = floor_divide(window.begin - first + step - 1, step);
    const std::int64_t to = floor_divide(window.end - 1 - first, step) + 1;
    return intersection({0, size}, {from, to});
}

}  // namespace

IndexSet::IndexSet(const Axis& axis, const Box& box) : first_(axis.offset) {
    for (const AxisTerm& each : axis.terms) {
        const Range& range = box[each.dim];
        if (range.size() == 0) {
            empty_ = true;
            return;
        }
        first_ += each.coefficient * (each.coefficient < 0 ? range.end - 1 : range.begin);
        if (range.size() > 1) {
            terms_[count_++] = {each.coefficient < 0 ? -each.coefficient : each.coefficient,
                                range.size()};
        }
    }
    last_ = first_;
    for (std::size_t t = 0; t < count_; ++t) {
        last_ += terms_[t].coefficient * (terms_[t].size - 1);
    }
}

std::int64_t IndexSet::distinct_within(Range window) const {
    if (empty_) {
        return 0;
    }
    const bool still = std::any_of(terms_.begin(), terms_.begin() + count_,
                                   [](const Term& term) { return term.coefficient == 0; });
    if (count_ > 2 || still) {
        const std::vector<std::int64_t> uses = histogram();
        std::int64_t distinct = 0;
        for (std::size_t i = 0; i < uses.size(); ++i) {
            const std::int64_t at = first_ + static_cast<std::int64_t>(i);
            distinct += uses[i] > 0 && at >= window.begin && at < window.end ? 1 : 0;
        }
        return distinct;
    }
    return count_ == 2 ? pair_within(window) : progression_within(window);
}

std::int64_t IndexSet::progression_within(Range window) const {
    if (count_ == 0) {
        return first_ >= window.begin && first_ < window.end ? 1 : 0;
    }
    return steps_within(first_, terms_[0].coefficient, terms_[0].size, window).size();
}

/// a p + b r with coprime a <= b: residues r mod a are apart, and within one the indices are runs
/// of p, b apart.
std::int64_t IndexSet::pair_within(Range window) const {
    const bool swapped = terms_[0].coefficient > terms_[1].coefficient;
    const Term p = terms_[swapped ? 1 : 0];
    const Term r = terms_[swapped ? 0 : 1];
    const bool inside = first_ >= window.begin && last_ < window.end;
    if (inside) {
        return window_words(p.size, p.coefficient, r.size, r.coefficient);
    }
    if (p.coefficient == 1 && p.size >= r.coefficient) {
        return intersection({first_, last_ + 1}, window).size();
    }
    const std::int64_t divisor = std::gcd(p.coefficient, r.coefficient);
    const std::int64_t a = p.coefficient / divisor;
    const std::int64_t b = r.coefficient / divisor;
    std::int64_t distinct = 0;
    for (std::int64_t residue = 0; residue < std::min(a, r.size); ++residue) {
        const std::int64_t first = first_ + r.coefficient * residue;
        const std::int64_t runs = ceil_divide(r.size - residue, a);
        if (p.size >= b) {  // the runs touch: one progression
            const std::int64_t size = b * (runs - 1) + p.size;
            distinct += steps_within(first, p.coefficient, size, window).size();
            continue;
        }
        for (std::int64_t run = 0; run < runs; ++run) {
            distinct +=
                steps_within(first + p.coefficient * b * run, p.coefficient, p.size, window).size();
        }
    }
    return distinct;
}

std::int64_t IndexSet::most_uses() const {
    if (empty_) {
        return 0;
    }
    if (count_ < 2) {
        return count_ == 1 && terms_[0].coefficient == 0 ? terms_[0].size : 1;
    }
    if (count_ == 2 && terms_[0].coefficient > 0 && terms_[1].coefficient > 0) {
        return window_reuse(terms_[0].size, terms_[0].coefficient, terms_[1].size,
                            terms_[1].coefficient);
    }
    const std::vector<std::int64_t> uses = histogram();
    return *std::max_element(uses.begin(), uses.end());
}

std::vector<std::int64_t> IndexSet::histogram() const {
    std::vector<std::int64_t> uses(static_cast<std::size_t>(last_ - first_ + 1), 0);
    uses[0] = 1;
    std::int64_t reach = 0;
    for (std::size_t t = 0; t < count_; ++t) {
        const std::vector<std::int64_t> before = uses;
        for (std::int64_t step = 1; step < terms_[t].size; ++step) {
            const std::int64_t shift = step * terms_[t].coefficient;
            for (std::int64_t at = 0; at <= reach; ++at) {
                uses[static_cast<std::size_t>(at + shift)] += before[static_cast<std::size_t>(at)];
            }
        }
        reach += terms_[t].coefficient * (terms_[t].size - 1);
    }
    return uses;
}

}  // namespace memwall
