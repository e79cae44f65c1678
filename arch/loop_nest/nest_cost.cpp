// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_cost.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

double as_double(std::int64_t value) {
    return static_cast<double>(value);
}

// MODEL: a level keeps or skips each of a layer's first 27 operands by itself, and those behind
// them, where a concat joins that many, with the others of their role.
std::uint32_t keep_bit_of(const Operand& operand, std::size_t o) {
    constexpr std::size_t kAlone = kKeepBits - kTensorRoleCount;
    return 1U << (o < kAlone ? o : kAlone + static_cast<std::size_t>(operand.role));
}

}  // namespace

NestCost::NestCost(const IterationSpace& space, const NestMachine& machine,
                   const NestPrices& prices)
    : machine_(machine), prices_(prices), space_(space), levels_(machine.memories.size()) {
    ensure(levels_ <= kMostNestMemories, "a hierarchy has no more memories than it may");
    points_ = as_double(space.counted_points(space.box()));
    passes_.assign(space.operands.size(), 1);
    for (const SpatialAxis& axis : machine.memories.back().axes) {
        packs_ = packs_ || axis.packs;
    }
    of_axis_.assign(machine.memories.back().axes.size(), 1);
    lying_.assign(of_axis_.size(), 0);
    for (const Dim dim : all_dims()) {
        if (space.extent(dim) > 1) {
            extents_[dims_.size()] = space.extent(dim);
            groups_ |= dim == Dim::G || dim == Dim::H ? 1U << dims_.size() : 0U;
            dims_.push_back(dim);
        }
    }
    for (std::size_t o = 0; o < space_.operands.size(); ++o) {
        const Operand& operand = space_.operands[o];
        FastOperand fast;
        fast.role = operand.role;
        fast.keep_bit = keep_bit_of(operand, o);
        fast.updated = operand.updated;
        fast.word = word_bits(space_, o, false) / 8.0;
        fast.sum = word_bits(space_, o, true) / 8.0;
        for (const Axis& axis : operand.projection.axes) {
            FastAxis of;
            of.axis = &axis;
            of.place = fast.extents.size();
            fast.extents.push_back(axis.extent);
            for (const AxisTerm& term : axis.terms) {
                const auto d = static_cast<std::size_t>(
                    std::find(dims_.begin(), dims_.end(), term.dim) - dims_.begin());
                if (d < dims_.size() && term.coefficient != 0) {
                    of.dims.push_back(d);
                    of.coefficients.push_back(std::abs(term.coefficient));
                    fast.relevant |= 1U << d;
                }
            }
            of.whole = touched_indices(axis, space_.box());
            if (of.dims.size() == 2) {
                of.sums.assign(static_cast<std::size_t>((extents_[of.dims[0]] + 1) *
                                                        (extents_[of.dims[1]] + 1)),
                               -1);
                of.tiles = of.sums;
            }
            if (!of.dims.empty()) {
                of.slot = slots_++;
                fast.axes.push_back(std::move(of));
            }
        }
        operands_.push_back(std::move(fast));
    }
    // Lanes have a word of each operand.
    axis_words_.assign((levels_ + 1) * slots_, 1);
    words_.assign((levels_ + 1) * operands_.size(), 1);
}

void NestCost::count_loops(const NestPoint& point) const {
    // Divisions are what takes time here: most levels neither spread a dimension nor step over it.
    std::array<std::uint32_t, kMostNestMemories> active;
    std::uint32_t cut = 0;
    above_[0].fill(1);
    beside_[0].fill(1);
    for (std::size_t l = 0; l < levels_; ++l) {
        cut_[l] = cut;
        active[l] = 0;
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            const std::int64_t inner = point.held[l + 1][d];
            const std::int64_t held = point.held[l][d];
            const std::int64_t spread = point.parts[l][d];
            if (inner == held || (spread == 1 && inner >= held)) {
                outer_[l][d] = inner;
                parts_[l][d] = 1;
                steps_[l][d] = 1;
                above_[l + 1][d] = above_[l][d];
                beside_[l + 1][d] = beside_[l][d];
                continue;
            }
            const std::int64_t outer = spread > 1 ? std::min(held, inner * spread) : inner;
            outer_[l][d] = outer;
            parts_[l][d] = spread > 1 ? ceil_divide(outer, inner) : 1;
            steps_[l][d] = outer < held ? ceil_divide(held, outer) : 1;
            above_[l + 1][d] = above_[l][d] * as_double(steps_[l][d]);
            beside_[l + 1][d] = beside_[l][d] * as_double(parts_[l][d]);
            cut |= outer < held ? 1U << d : 0U;
            active[l] |= 1U << d;
        }
    }
    ends_ = 0;
    for (std::size_t l = levels_; l-- > 0;) {
        begins_[l + 1] = ends_;
        for (std::size_t i = active[l] == 0 ? 0 : dims_.size(); i-- > 0;) {
            const std::uint8_t d = point.order[l][i];
            if ((active[l] >> d & 1U) != 0) {
                loops_[ends_++] = {d, static_cast<std::uint8_t>(l), as_double(steps_[l][d]),
                                   as_double(parts_[l][d])};
            }
        }
    }
}

double NestCost::turns_by_axis(const Sizes& extents, const Sizes& parts,
                               const NestPoint::Places& axis) const {
    const std::vector<SpatialAxis>& axes = machine_.memories.back().axes;
    std::int64_t groups_at_once = std::numeric_limits<std::int64_t>::max();
    folded_ = false;
    joined_groups_.clear();
    for (std::size_t a = 0; a < axes.size(); ++a) {
        joined_.clear();
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            if (parts[d] == 1 || axis[d] != a) {
                continue;
            }
            const std::int64_t full = std::min(parts[d], extents[d]);
            const std::int64_t rest = extents[d] % full;
            const std::array<EqualBlocks, 2> blocks = {{{full, extents[d] / full}, {rest, 1}}};
            const bool beside = axes[a].packs && (groups_ >> d & 1U) != 0;
            (beside ? joined_groups_ : joined_).join(blocks.data(), rest > 0 ? 2 : 1);
        }
        of_axis_[a] = as_double(axes[a].packs ? joined_.turns(axes[a].size) : joined_.count());
        if (axes[a].packs) {
            groups_at_once = std::min(groups_at_once, axes[a].size / joined_.largest());
            folded_ = folded_ || joined_.largest() > axes[a].size;
        }
    }
    groups_at_once = std::max<std::int64_t>(1, groups_at_once);
    folded_ = folded_ || joined_groups_.largest() > groups_at_once;
    return as_double(joined_groups_.turns(groups_at_once));
}

double NestCost::turns_over(const Sizes& extents, const Sizes& parts,
                            const NestPoint::Places& axis) const {
    double turns = turns_by_axis(extents, parts, axis);
    for (const double of_axis : of_axis_) {
        turns *= of_axis;
    }
    return turns;
}

void NestCost::count_turns(const NestPoint& point) const {
    if (!packs_) {
        return;
    }
    const std::size_t last = levels_ - 1;
    const NestPoint::Places& axis = point.axis[last];
    Sizes mine{};  // of the first instance
    for (std::size_t d = 0; d < dims_.size(); ++d) {
        mine[d] = ceil_divide(extents_[d], static_cast<std::int64_t>(beside_[last][d]));
    }
    turns_ = turns_by_axis(mine, parts_[last], axis);
    // Those are of all blocks: steps are counted block by block.
    std::fill(lying_.begin(), lying_.end(), 0);
    for (std::size_t d = 0; d < dims_.size(); ++d) {
        if (parts_[last][d] == 1) {
            continue;
        }
        const double blocks = above_[levels_][d];
        const bool beside = machine_.memories[last].axes[axis[d]].packs && (groups_ >> d & 1U) != 0;
        (beside ? turns_ : of_axis_[axis[d]]) /= blocks;
        lying_[axis[d]] |= (groups_ >> d & 1U) != 0 ? 0U : 1U << d;
    }
    for (const double of_axis : of_axis_) {
        turns_ *= of_axis;
    }
    for (std::size_t o = 0; o < operands_.size(); ++o) {
        passes_[o] = 1;
        for (std::size_t a = 0; a < of_axis_.size(); ++a) {
            passes_[o] *= (operands_[o].relevant & lying_[a]) != 0 ? 1 : of_axis_[a];
        }
    }
}

bool NestCost::fits(const NestPoint& point) const {
    count_loops(point);
    count_turns(point);
    return counted_fits(point);
}

bool NestCost::fits_as_built(const NestPoint& point) const {
    return fits(point) && one_slot_ == 0;
}

bool NestCost::counted_fits(const NestPoint& point) const {
    one_slot_ = 0;
    for (std::size_t l = 1; l < levels_; ++l) {
        double bytes = 0;
        double next = 0;  // of the tiles that come while these are used
        for (std::size_t o = 0; o < operands_.size(); ++o) {
            const FastOperand& operand = operands_[o];
            if ((point.keeps[l] & operand.keep_bit) == 0) {
                continue;
            }
            const double words = measure_tile(point, o, l);
            const bool changes = (operand.relevant & cut_[l]) != 0;
            double word = operand.word;
            if (operand.role == TensorRole::outputs) {
                std::size_t child = l + 1;
                while (child < levels_ && (point.keeps[child] & operand.keep_bit) == 0) {
                    ++child;
                }
                word = brings_sums(o, l, child) ? operand.sum : word;
            }
            bytes += std::ceil(words * word);
            next += changes ? std::ceil(words * word) : 0;
        }
        const auto capacity = as_double(machine_.memories[l].capacity);
        if (capacity == 0) {
            continue;
        }
        if (bytes > capacity) {
            return false;
        }
        if (!machine_.memories[l].single_buffered && bytes + next > capacity) {
            if (!may_take_both_halves_) {
                return false;
            }
            one_slot_ |= 1U << l;
        }
    }
    return true;
}

double NestCost::counted_steps() const {
    double steps = turns_;
    for (std::size_t d = 0; d < dims_.size(); ++d) {
        steps *= above_[levels_][d];
    }
    return steps;
}

LoopNest NestCost::nest(const NestPoint& point) const {
    LoopNest nest;
    Sizes left = extents_;
    const bool has_room = fits(point);
    for (std::size_t l = 0; l < levels_; ++l) {
        NestLevel level;
        level.double_buffered = has_room ? has_two_slots(l) : !machine_.memories[l].single_buffered;
        level.keeps_halo = machine_.memories[l].slides;
        for (std::size_t o = 0; o < operands_.size(); ++o) {
            level.keeps.push_back(l == 0 || (point.keeps[l] & keep_bit(o)) != 0);
        }
        for (std::size_t i = 0; i < dims_.size(); ++i) {
            const std::size_t d = point.order[l][i];
            const std::int64_t outer =
                std::min(point.held[l][d], point.held[l + 1][d] * point.parts[l][d]);
            if (outer < left[d]) {
                level.loops.push_back({dims_[d], outer, false, 0});
                left[d] = outer;
            }
        }
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            if (point.held[l + 1][d] < left[d]) {
                level.loops.push_back({dims_[d], point.held[l + 1][d], true, point.axis[l][d]});
                left[d] = point.held[l + 1][d];
            }
        }
        nest.levels.push_back(std::move(level));
    }
    return nest;
}

}  // namespace memwall
