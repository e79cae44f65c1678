// SPDX-License-Identifier: Apache-2.0
// What a point of the mapspace takes, operand by operand and no further than it matters.
#include <algorithm>
#include <array>

#include "arch/loop_nest/nest_cost.hpp"

namespace memwall {
namespace {

double as_double(std::int64_t value) {
    return static_cast<double>(value);
}

}  // namespace

std::optional<NestFigures> NestCost::figures_below(const NestPoint& point,
                                                   const NestLimits& limits) const {
    count_loops(point);
    count_turns(point);
    NestFigures least;
    least.cycles = counted_steps() * as_double(machine_.cycles_a_step);
    least.joules = points_ * prices_.point + least.cycles * prices_.static_per_cycle;
    if (limits.exceeded_by(least) || !counted_fits(point)) {
        return std::nullopt;
    }
    return counted_figures(point, least, limits);
}

double NestCost::with_fills(double cycles, const LevelCycles& filled,
                            const LevelCycles& waited) const {
    for (std::size_t l = levels_; l-- > 1;) {
        if (!machine_.in_elements(l)) {
            cycles =
                cycles_with_fills(cycles, filled[l] + waited[l], waited[l] > 0, has_two_slots(l));
        }
    }
    return cycles;
}

/// Each operand adds to all figures: the rest of them is not counted where some are too much.
std::optional<NestFigures> NestCost::counted_figures(const NestPoint& point,
                                                     const NestFigures& least,
                                                     const NestLimits& limits) const {
    NestFigures figures;
    LevelCycles read;
    LevelCycles written;
    LevelCycles filled;
    LevelCycles waited;
    for (LevelCycles* by_level : {&read, &written, &filled, &waited}) {
        std::fill_n(by_level->begin(), levels_, 0);
    }
    const auto busy = [&](std::size_t l) {
        return port_cycles(machine_.memories[l], read[l], written[l]);
    };
    NestFigures so_far = least;
    const auto is_too_much = [&](std::size_t parent) {
        so_far.cycles = std::max(so_far.cycles, busy(parent));
        so_far.joules = least.joules + figures.joules;
        so_far.bytes = figures.bytes;
        return limits.exceeded_by(so_far);
    };
    double folds = 1;
    double ends = 0;
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
                const double held = child < levels_ ? words_held(o, child) : 0;
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
                if (!machine_.hands_on(child, o)) {
                    filled[child] += passing_cycles(above, parent_down, here, child_down) +
                                     passing_cycles(here, child_up, above, parent_up);
                    waited[child] = std::max(waited[child], words.fills * above.latency);
                }
                const double part = words_held(o, child) * operand.word;
                ends += outputs ? passing_cycles(here, part, above, tile)
                                : passing_cycles(above, tile, here, part);
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
    figures.cycles = with_fills(figures.cycles, filled, waited) + ends;
    figures.joules += points_ * prices_.point + figures.cycles * prices_.static_per_cycle;
    return limits.exceeded_by(figures) ? std::nullopt : std::optional(figures);
}

}  // namespace memwall
