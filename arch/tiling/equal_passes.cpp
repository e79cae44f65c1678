// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/equal_passes.hpp"

#include <algorithm>

#include "arch/core_work.hpp"

namespace memwall {
namespace {

bool same_size(const Box& a, const Box& b) {
    return std::equal(a.ranges.begin(), a.ranges.end(), b.ranges.begin(),
                      [](const Range& x, const Range& y) { return x.size() == y.size(); });
}

bool same_words(const Axis& axis, const Box& a, const Box& b) {
    const bool same_place =
        std::all_of(axis.terms.begin(), axis.terms.end(),
                    [&](const AxisTerm& term) { return a[term.dim] == b[term.dim]; });
    return same_place || (!leaves(axis, a) && !leaves(axis, b));
}

bool alike(const Layer& root, const Box& a, const Box& b) {
    if (root.space.mask) {
        return a == b;
    }
    return same_size(a, b) &&
           std::all_of(
               root.space.operands.begin(), root.space.operands.end(), [&](const Operand& operand) {
                   const auto& axes = operand.projection.axes;
                   return std::all_of(axes.begin(), axes.end(),
                                      [&](const Axis& axis) { return same_words(axis, a, b); });
               });
}

}  // namespace

std::vector<std::int64_t> kinds_of_passes(const Layer& root, const std::vector<Pass>& passes) {
    constexpr std::size_t kMostKinds = 64;  // that are looked through
    std::vector<const Box*> first;
    std::vector<std::int64_t> kinds;
    for (const Pass& pass : passes) {
        // Most are as one of the last few.
        const auto end = first.size() > kMostKinds ? first.rbegin() + kMostKinds : first.rend();
        const auto known = std::find_if(
            first.rbegin(), end, [&](const Box* box) { return alike(root, *box, pass.box); });
        if (known == end) {
            kinds.push_back(static_cast<std::int64_t>(first.size()));
            first.push_back(&pass.box);
        } else {
            kinds.push_back(first.rend() - known - 1);
        }
    }
    return kinds;
}

std::vector<PassResults> results_of_kinds(const LayerPasses& layer,
                                          const std::vector<std::int64_t>& kinds) {
    std::vector<PassResults> results;
    for (std::size_t p = 0; p < kinds.size(); ++p) {
        if (kinds[p] < static_cast<std::int64_t>(results.size())) {
            continue;
        }
        const Box& box = layer.pass(p).box;
        const CoreSplit split = layer.split(box);
        results.push_back({words(layer.results(box)), result_words(layer.root, split.tile),
                           split.reduction_parts(layer.root.space)});
    }
    return results;
}

const StepBody* KnownBodies::find(const Key& key) const {
    const auto found = std::find_if(known_.rbegin(), known_.rend(),
                                    [&](const Known& known) { return known.key == key; });
    return found == known_.rend() ? nullptr : found->body;
}

}  // namespace memwall
