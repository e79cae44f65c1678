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
            }
            if (!of.dims.empty()) {
                fast.axes.push_back(std::move(of));
            }
        }
        operands_.push_back(std::move(fast));
    }
}

void NestCost::count_loops(const NestPoint& point) const {
    // Divisions are what takes time here: most levels neither spread a dimension nor step over it.
    std::uint32_t cut = 0;
    for (std::size_t l = 0; l < levels_; ++l) {
        cut_[l] = cut;
        std::uint32_t active = 0;
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            const std::int64_t inner = point.held[l + 1][d];
            const std::int64_t held = point.held[l][d];
            const bool spread = point.parts[l][d] > 1;
            const std::int64_t outer = spread ? std::min(held, inner * point.parts[l][d]) : inner;
            outer_[l][d] = outer;
            parts_[l][d] = spread ? ceil_divide(outer, inner) : 1;
            steps_[l][d] = outer < held ? ceil_divide(held, outer) : 1;
            cut |= outer < held ? 1U << d : 0U;
            active |= outer < held || spread ? 1U << d : 0U;
        }
        active_[l] = active;
    }
}

double NestCost::turns_by_axis(const Sizes& extents, const Sizes& parts,
                               const NestPoint::Places& axis) const {
    const std::vector<SpatialAxis>& axes = machine_.memories.back().axes;
    std::int64_t groups_at_once = std::numeric_limits<std::int64_t>::max();
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
        }
    }
    return as_double(joined_groups_.turns(std::max<std::int64_t>(1, groups_at_once)));
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
        std::int64_t instances = 1;
        for (std::size_t l = 0; l < last; ++l) {
            instances *= parts_[l][d];
        }
        mine[d] = ceil_divide(extents_[d], instances);
    }
    turns_ = turns_by_axis(mine, parts_[last], axis);
    // Those are of all blocks: steps are counted block by block.
    std::fill(lying_.begin(), lying_.end(), 0);
    for (std::size_t d = 0; d < dims_.size(); ++d) {
        if (parts_[last][d] == 1) {
            continue;
        }
        double blocks = 1;
        for (std::size_t l = 0; l < levels_; ++l) {
            blocks *= as_double(steps_[l][d]);
        }
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

bool NestCost::counted_fits(const NestPoint& point) const {
    for (std::size_t l = 1; l < levels_; ++l) {
        if (machine_.memories[l].capacity == 0) {
            continue;
        }
        double bytes = 0;
        for (std::size_t o = 0; o < operands_.size(); ++o) {
            const FastOperand& operand = operands_[o];
            if ((point.keeps[l] & operand.keep_bit) == 0) {
                continue;
            }
            const bool changes = (operand.relevant & cut_[l]) != 0;
            double word = operand.word;
            if (operand.role == TensorRole::outputs) {
                std::size_t child = l + 1;
                while (child < levels_ && (point.keeps[child] & operand.keep_bit) == 0) {
                    ++child;
                }
                word = brings_sums(point, o, l, child) ? operand.sum : word;
            }
            const bool two = changes && !machine_.memories[l].single_buffered;
            bytes += std::ceil(words_held(point, o, l) * word) * (two ? 2 : 1);
        }
        if (bytes > as_double(machine_.memories[l].capacity)) {
            return false;
        }
    }
    return true;
}

double NestCost::counted_steps() const {
    double steps = turns_;
    for (std::size_t l = 0; l < levels_; ++l) {
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            steps *= as_double(steps_[l][d]);
        }
    }
    return steps;
}

std::optional<NestFigures> NestCost::figures_below(const NestPoint& point,
                                                   MappingObjective objective, double most) const {
    count_loops(point);
    count_turns(point);
    NestFigures least;
    least.cycles = counted_steps() * as_double(machine_.cycles_a_step);
    least.joules = points_ * prices_.point + least.cycles * prices_.static_per_cycle;
    if (least.of(objective) > most || !counted_fits(point)) {
        return std::nullopt;
    }
    return counted_figures(point, least, objective, most);
}

/// Each operand adds to all figures: the rest of them is not counted where some are too much.
std::optional<NestFigures> NestCost::counted_figures(const NestPoint& point,
                                                     const NestFigures& least,
                                                     MappingObjective objective,
                                                     double most) const {
    NestFigures figures;
    std::array<double, kMostNestMemories> read;
    std::array<double, kMostNestMemories> written;
    std::fill_n(read.begin(), levels_, 0);
    std::fill_n(written.begin(), levels_, 0);
    const auto busy = [&](std::size_t l) {
        return port_cycles(machine_.memories[l], read[l], written[l]);
    };
    NestFigures so_far = least;
    const auto is_too_much = [&](std::size_t parent) {
        so_far.cycles = std::max(so_far.cycles, busy(parent));
        so_far.joules = least.joules + figures.joules;
        so_far.bytes = figures.bytes;
        return so_far.of(objective) > most;
    };
    double folds = 1;
    double ends = 0;
    double alone = 0;  // of levels with single buffers, while nothing is computed
    PassTimes passes;
    for (std::size_t o = 0; o < operands_.size(); ++o) {
        const FastOperand& operand = operands_[o];
        const bool outputs = operand.role == TensorRole::outputs;
        std::size_t parent = 0;
        for (std::size_t child = 1; child <= levels_; ++child) {
            if (child < levels_ && (point.keeps[child] & operand.keep_bit) == 0) {
                continue;
            }
            if (machine_.stays(parent, child, operand.role)) {
                parent = child;
                continue;
            }
            const Moved words = moved(point, o, parent, child);
            if (child == levels_ && machine_.lanes_keep == o) {
                folds = words.child * turns_;
            }
            const bool enters = !machine_.in_elements(parent) && machine_.in_elements(child);
            double down = words.shared * operand.word;
            double arrives = words.all * operand.word;
            double parent_down = words.parent * operand.word;
            double child_down = words.child * operand.word;
            double up = 0;
            double leaves = 0;
            double parent_up = 0;
            double child_up = 0;
            if (operand.updated) {
                up = leaves = down;
                parent_up = parent_down;
                child_up = child_down;
            }
            if (outputs) {
                double finals = 1;
                for (const FastAxis& axis : operand.axes) {
                    finals *= as_double(axis.whole);
                }
                finals = words.started > finals ? 0 : finals;
                const double back = std::max(0.0, words.shared - words.started);
                up = (words.shared - finals) * operand.sum + finals * operand.word;
                leaves = words.all > words.shared ? words.all * operand.sum : up;
                down = back * operand.sum;
                arrives = down;
                const double own = std::min(words.parent, words.started_parent);
                const double width = finals > 0 ? operand.word : operand.sum;
                parent_down = (words.parent - own) * operand.sum;
                parent_up = parent_down + own * width;
                const double share = words.parent > 0 ? words.child / words.parent : 0;
                child_up = parent_up * share;
                child_down = parent_down * share;
                const bool in_macs = child == levels_ && machine_.array.systolic();
                figures.joules += in_macs ? 0 : (words.all - words.shared) * prices_.addition;
            }
            if (enters) {
                const double held = child < levels_ ? words_held(point, o, child) : 0;
                passes.add(*machine_.networks, o, outputs, down, up, words.tile * operand.word,
                           held > 0 ? words.child / held : 0);
            }
            if (parent == 0) {
                const double stretch = burst_stretch(point, o, child);
                parent_down *= stretch;
                parent_up *= stretch;
            }
            figures.joules +=
                down * prices_.levels[parent].read + up * prices_.levels[parent].write;
            figures.joules += (down + up) * prices_.transfer[parent][child] +
                              (arrives - down) * prices_.copy[parent][child];
            read[parent] += parent_down;
            written[parent] += parent_up;
            figures.bytes += parent == 0 ? down + up : 0;
            if (child < levels_) {
                figures.joules +=
                    arrives * prices_.levels[child].write + leaves * prices_.levels[child].read;
                written[child] += child_down;
                read[child] += child_up;
                const double tile = words.tile * operand.word;
                const NestMemory& above = machine_.memories[parent];
                const NestMemory& here = machine_.memories[child];
                if (here.single_buffered && !machine_.in_elements(child)) {
                    alone += std::max(cycles_at(parent_down, above.read_width),
                                      cycles_at(child_down, here.write_width)) +
                             std::max(cycles_at(parent_up, above.write_width),
                                      cycles_at(child_up, here.read_width));
                }
                const double part = words_held(point, o, child) * operand.word;
                ends += std::max(cycles_at(tile, outputs ? above.write_width : above.read_width),
                                 cycles_at(part, outputs ? here.read_width : here.write_width));
            }
            if (is_too_much(parent)) {
                return std::nullopt;
            }
            parent = child;
        }
    }
    figures.cycles =
        machine_.array.cycles(counted_steps(), folds) * as_double(machine_.cycles_a_step);
    if (machine_.networks) {
        figures.cycles = std::max(figures.cycles, passes.streaming) + passes.ramp();
    }
    for (std::size_t l = 0; l < levels_; ++l) {
        figures.cycles = std::max(figures.cycles, busy(l));
    }
    figures.cycles += alone + ends;
    figures.joules += points_ * prices_.point + figures.cycles * prices_.static_per_cycle;
    return figures.of(objective) > most ? std::nullopt : std::optional(figures);
}

LoopNest NestCost::nest(const NestPoint& point) const {
    LoopNest nest;
    Sizes left = extents_;
    for (std::size_t l = 0; l < levels_; ++l) {
        NestLevel level;
        level.double_buffered = !machine_.memories[l].single_buffered;
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
