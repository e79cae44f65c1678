// SPDX-License-Identifier: Apache-2.0
// Words that a point of the mapspace moves of one operand, as products of loops and tiles.
#include <algorithm>

#include "arch/loop_nest/nest_cost.hpp"
#include "arch/loop_nest/nest_steps.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

double as_double(std::int64_t value) {
    return static_cast<double>(value);
}

}  // namespace

/// Words of a window over all its tiles of p x r, each tile on its own.
double NestCost::window_sum(const FastAxis& axis, std::int64_t p, std::int64_t r) const {
    double& known = axis.sums[window_slot(axis, p, r)];
    if (known >= 0) {
        return known;
    }
    const std::int64_t all_p = extents_[axis.dims[0]];
    const std::int64_t all_r = extents_[axis.dims[1]];
    std::int64_t words = 0;
    Box box = space_.box();
    Range& rows = box[dims_[axis.dims[0]]];
    Range& window = box[dims_[axis.dims[1]]];
    for (std::int64_t y = 0; y < all_p; y += p) {
        rows = {y, std::min(y + p, all_p)};
        for (std::int64_t k = 0; k < all_r; k += r) {
            window = {k, std::min(k + r, all_r)};
            words += leaves(*axis.axis, box) ? touched_indices(*axis.axis, box)
                                             : window_words(rows.size(), axis.coefficients[0],
                                                            window.size(), axis.coefficients[1]);
        }
    }
    known = as_double(words);
    return known;
}

/// Words of one tile of p x r.
double NestCost::window_tile(const FastAxis& axis, std::int64_t p, std::int64_t r) const {
    double& known = axis.tiles[window_slot(axis, p, r)];
    if (known < 0) {
        known = as_double(std::min(window_words(p, axis.coefficients[0], r, axis.coefficients[1]),
                                   axis.axis->extent));
    }
    return known;
}

double NestCost::tile_words(const FastAxis& axis, const Sizes& tile) const {
    const std::size_t terms = axis.dims.size();
    if (terms == 1) {
        return as_double(std::min(tile[axis.dims[0]], axis.axis->extent));
    }
    if (terms == 2) {
        return window_tile(axis, tile[axis.dims[0]], tile[axis.dims[1]]);
    }
    Extents extents = unit_extents();
    for (const std::size_t d : axis.dims) {
        extents[index(dims_[d])] = tile[d];
    }
    return as_double(std::min(axis.axis->extent, touched_indices(*axis.axis, whole_box(extents))));
}

double NestCost::burst_stretch(const NestPoint& point, std::size_t o, std::size_t child) const {
    if (machine_.memories.front().burst == 0) {
        return 1;
    }
    const FastOperand& operand = operands_[o];
    Sizes tile = point.held[child];
    for (std::size_t d = 0; d < dims_.size(); ++d) {
        tile[d] *= static_cast<std::int64_t>(beside_[child][d]);
        tile[d] = std::min(tile[d], extents_[d]);
    }
    return machine_.burst_stretch(
        o, operand.word, operand.extents.size(),
        [&](std::size_t a) {
            const auto axis = std::find_if(operand.axes.begin(), operand.axes.end(),
                                           [&](const FastAxis& of) { return of.place == a; });
            return axis == operand.axes.end() ? 1.0 : tile_words(*axis, tile);
        },
        [&](std::size_t a) { return as_double(operand.extents[a]); });
}

double NestCost::measure_tile(const NestPoint& point, std::size_t o, std::size_t level) const {
    double words = 1;
    for (const FastAxis& axis : operands_[o].axes) {
        const double along = tile_words(axis, point.held[level]);
        axis_words_[level * slots_ + axis.slot] = along;
        words *= along;
    }
    words_[level * operands_.size() + o] = words;
    return words;
}

/// The loop along which a memory's windows slide: the innermost one above it that changes what it
/// holds of the operand. One step where the memory keeps no halo.
NestCost::Slide NestCost::slide_of(const NestPoint& point, const FastOperand& operand,
                                   std::size_t child) const {
    if (child == levels_ || !machine_.memories[child].slides) {
        return {};
    }
    for (std::size_t l = child; l-- > 0;) {
        for (std::size_t i = dims_.size(); i-- > 0;) {
            const std::size_t d = point.order[l][i];
            if (steps_[l][d] > 1 && (operand.relevant >> d & 1U) != 0) {
                return {d, steps_[l][d]};
            }
        }
    }
    return {};
}

/// As NestCounter: lanes that take a block in turns load it again for each step of a level above.
std::size_t NestCost::visited_above(std::size_t child) const {
    return child == levels_ && folded_ ? levels_ - 1 : 0;
}

NestCost::Moved NestCost::moved(const NestPoint& point, std::size_t o, std::size_t parent,
                                std::size_t child) const {
    const FastOperand& operand = operands_[o];
    const bool lanes = child == levels_;
    const std::size_t visited = visited_above(child);
    bool changed = lanes && machine_.lanes_keep != o;
    const bool outputs = operand.role == TensorRole::outputs;
    double visits = 1;
    Moved moved;
    for (std::size_t k = begins_[child]; k < ends_; ++k) {
        const ActiveLoop& loop = loops_[k];
        const bool relevant = (operand.relevant >> loop.d & 1U) != 0;
        if (loop.steps > 1) {
            changed = changed || relevant || loop.level < visited;
            visits *= changed && !relevant ? loop.steps : 1;
            moved.fills *= changed ? loop.steps : 1;
        }
        if (loop.parts > 1 && !relevant) {
            const bool above = loop.level < parent;
            const NestMemory& memory = machine_.memories[loop.level];
            const bool shares = outputs ? memory.reduces : memory.multicasts;
            moved.all *= loop.parts;
            moved.shared *= above || !shares ? loop.parts : 1;
            moved.parent *= !above && !shares ? loop.parts : 1;
            moved.started *= above ? loop.parts : 1;
        }
    }
    moved.all *= visits;  // each turn has lanes of its own
    visits *= lanes ? passes_[o] : 1;
    moved.shared *= visits;
    moved.parent *= visits;
    moved.child *= visits;
    const Sizes& tile = point.held[child];
    const Slide slide = slide_of(point, operand, child);
    for (const FastAxis& axis : operand.axes) {
        const double words = axis_words_[child * slots_ + axis.slot];
        double times = 1;   // an instance has a tile
        double spread = 1;  // parts of an instance of the parent
        for (const std::size_t d : axis.dims) {
            times *= above_[child][d];
            spread *= beside_[child][d] / beside_[parent][d];
        }
        const bool slides = axis.dims.size() == 2 && slide.steps > 1 && slide.dim == axis.dims[0];
        const auto along = [&](std::int64_t size) {
            return slides ? std::min(extents_[slide.dim], size * slide.steps) : size;
        };
        moved.child *= slides ? times / as_double(slide.steps) *
                                    window_tile(axis, along(tile[axis.dims[0]]), tile[axis.dims[1]])
                              : times * words;
        moved.started_parent *= std::min(as_double(axis.whole), times * words * spread);
        moved.started *= as_double(axis.whole);
        if (axis.dims.size() != 2) {
            const auto whole = as_double(axis.whole);
            moved.all *= whole;
            moved.shared *= whole;
            moved.parent *= std::min(whole, times * words * spread);
            moved.tile *= std::min(whole, words * spread);
            continue;
        }
        // Instances side by side share a window where no loop of it steps inside them.
        const std::size_t p = axis.dims[0];
        const std::size_t r = axis.dims[1];
        std::int64_t merged_p = tile[p];
        std::int64_t merged_r = tile[r];
        bool open = !outputs && !(lanes && machine_.array.systolic());
        for (std::size_t l = child; l-- > parent && open;) {
            if (machine_.memories[l].multicasts) {
                merged_p = outer_[l][p];
                merged_r = outer_[l][r];
            }
            open = steps_[l][p] == 1 && steps_[l][r] == 1 && machine_.memories[l].multicasts;
        }
        moved.all *= window_sum(axis, along(tile[p]), tile[r]);
        const double shared = window_sum(axis, along(merged_p), merged_r);
        moved.shared *= shared;
        const double above = as_double(extents_[p]) * beside_[parent][p] /
                             (above_[child][p] * beside_[child][p]) / as_double(tile[p]);
        moved.parent *= shared / std::max(1.0, above);
        moved.tile *= window_tile(axis, merged_p, merged_r);
    }
    return moved;
}

/// Whether some of what comes up is not finished: sums that go on later, or of several instances.
bool NestCost::brings_sums(std::size_t o, std::size_t parent, std::size_t child) const {
    const FastOperand& operand = operands_[o];
    const bool lanes = child == levels_;
    const std::size_t visited = visited_above(child);
    bool changed = lanes && machine_.lanes_keep != o;
    if (lanes && passes_[o] > 1) {
        return true;
    }
    for (std::size_t k = begins_[child]; k < ends_; ++k) {
        const ActiveLoop& loop = loops_[k];
        const bool relevant = (operand.relevant >> loop.d & 1U) != 0;
        const bool adds = loop.level >= parent && machine_.memories[loop.level].reduces;
        changed = changed || loop.level < visited;
        if (!relevant && ((loop.steps > 1 && changed) || (loop.parts > 1 && !adds))) {
            return true;
        }
        changed = changed || (relevant && loop.steps > 1);
    }
    return false;
}

bool NestCost::spreads(std::size_t l) const {
    return std::any_of(parts_[l].begin(),
                       parts_[l].begin() + static_cast<std::ptrdiff_t>(dims_.size()),
                       [](std::int64_t parts) { return parts > 1; });
}

bool NestCost::moves_too_often() const {
    for (std::size_t l = 2; l < levels_ && !spreads(l - 2) && !machine_.in_elements(l); ++l) {
        double steps = 1;
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            steps *= above_[l][d];
        }
        if (steps > as_double(kMostSteps)) {
            return true;
        }
    }
    return false;
}

bool NestCost::gathers(const NestPoint& point) const {
    double steps = 1;
    for (std::size_t l = 1; l < levels_; ++l) {
        for (std::size_t d = 0; d < dims_.size(); ++d) {
            steps *= as_double(steps_[l - 1][d]);
        }
        const bool moved = l == 1 || (steps <= as_double(kMostSteps) && !spreads(l - 2) &&
                                      !machine_.in_elements(l));
        if (!moved) {
            return false;
        }
        if ((point.keeps[l] & operands_.back().keep_bit) != 0) {
            return machine_.memories[l].instances == 1;
        }
    }
    return false;
}

}  // namespace memwall
