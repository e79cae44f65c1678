// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/equal_turns.hpp"

#include <algorithm>

#include "arch/axis_reach.hpp"

namespace memwall {
namespace {

/// Fewer turns are not worth it.
constexpr std::int64_t kLeast = 12;

const AxisTerm* term_of(const Axis& axis, Dim dim) {
    const auto found = std::find_if(axis.terms.begin(), axis.terms.end(),
                                    [&](const AxisTerm& term) { return term.dim == dim; });
    return found == axis.terms.end() ? nullptr : &*found;
}

/// Whether a turn is whole and nothing of what it touches along its dimension is padding.
bool lies_inside(const Layer& root, Dim dim, std::int64_t size, std::int64_t turn) {
    Box box = root.space.box();
    box[dim] = {turn * size, (turn + 1) * size};
    if (box[dim].end > root.space.extent(dim)) {
        return false;
    }
    for (const Operand& operand : root.space.operands) {
        for (const Axis& axis : operand.projection.axes) {
            const Range touched = reach(axis, box);
            if (term_of(axis, dim) != nullptr && (touched.begin < 0 || touched.end > axis.extent)) {
                return false;
            }
        }
    }
    return true;
}

bool runs_forward(const Layer& root, Dim dim) {
    return std::none_of(root.space.operands.begin(), root.space.operands.end(),
                        [&](const Operand& operand) {
                            const auto& axes = operand.projection.axes;
                            return operand.projection.gather ||
                                   std::any_of(axes.begin(), axes.end(), [&](const Axis& axis) {
                                       const AxisTerm* term = term_of(axis, dim);
                                       return term != nullptr && term->coefficient < 0;
                                   });
                        });
}

void shorten(Layer& layer, Dim dim, std::int64_t by) {
    layer.space.mask.reset();
    layer.space.extents[index(dim)] -= by;
    for (Operand& operand : layer.space.operands) {
        for (Axis& axis : operand.projection.axes) {
            if (const AxisTerm* term = term_of(axis, dim)) {
                axis.extent -= by * term->coefficient;
            }
        }
    }
}

}  // namespace

std::optional<EqualTurns> find_equal_turns(const Layer& root, const LayerTiling& plan) {
    EqualTurns found;
    std::int64_t turns = 0;
    for (const Dim dim : all_dims()) {
        const std::int64_t parts = ceil_divide(root.space.extent(dim), plan.tile[index(dim)]);
        if (parts > turns) {
            turns = parts;
            found.dim = dim;
        }
    }
    found.size = plan.tile[index(found.dim)];
    if (turns < kLeast || !runs_forward(root, found.dim)) {
        return std::nullopt;
    }
    // Equal ones have such beside them too.
    std::int64_t first = 1;
    while (first < turns && !lies_inside(root, found.dim, found.size, first)) {
        ++first;
    }
    std::int64_t last = turns - 1;
    while (last > first && !lies_inside(root, found.dim, found.size, last)) {
        --last;
    }
    found.equal = first + 1;
    found.turns = last - found.equal;
    if (found.turns < kLeast / 2) {
        return std::nullopt;
    }
    found.shorter = root;
    shorten(found.shorter, found.dim, (found.turns - 1) * found.size);
    return found;
}

}  // namespace memwall
