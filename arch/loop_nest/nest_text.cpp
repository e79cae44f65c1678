// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "arch/loop_text.hpp"
#include "base/parse.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

std::string held_text(const Layer& layer, const NestLevel& level, const std::vector<HeldTile>& held,
                      bool outermost) {
    std::string text;
    for (std::size_t o = 0; o < layer.space.operands.size(); ++o) {
        if (!level.keeps[o]) {
            continue;
        }
        text += (text.empty() ? "" : ", ") + std::string(name(layer.space.operands[o].role));
        if (!outermost) {
            const bool two = held[o].changes && level.double_buffered;
            text += std::string(two ? " 2 x " : " ") + format_count(held[o].words);
        }
    }
    return text.empty() ? "nothing" : text;
}

/// "1 fold", "12,000 folds".
std::string counted(std::int64_t count, const std::string& one, const std::string& many) {
    return format_count(count) + " " + (count == 1 ? one : many);
}

std::string counted(std::int64_t count, const std::string& one) {
    return counted(count, one, one + "s");
}

}  // namespace

std::string nest_code(const Layer& layer, const LoopNest& nest, const NestMachine& machine,
                      const NestCounts& counts) {
    std::string code;
    std::string indent;
    Extents left = layer.space.extents;
    for (std::size_t l = 0; l < nest.levels.size(); ++l) {
        const NestLevel& level = nest.levels[l];
        const NestMemory& memory = machine.memories[l];
        code += indent + memory.name + " holds " + held_text(layer, level, counts.held[l], l == 0);
        if (memory.capacity > 0) {
            code += " (" + format_bytes(Bytes(counts.bytes[l])) + " of " +
                    format_bytes(Bytes(memory.capacity)) + ")";
        }
        code += level.keeps_halo ? ", halos stay\n" : "\n";
        const bool last = l + 1 == nest.levels.size();
        const std::int64_t turns = last ? turns_of_block(nest, machine, layer.space.extents) : 1;
        if (turns > 1) {
            indent += "  ";
            code += indent + "for turn of the lanes in " + std::to_string(turns) + "\n";
        }
        for (const Loop& loop : level.loops) {
            std::int64_t& size = left[index(loop.dim)];
            const std::int64_t steps = steps_of(loop, size);
            if (steps > 1) {
                indent += "  ";
                code += indent +
                        loop_line(loop.dim, size, loop.tile,
                                  loop.spatial ? memory.axes[loop.axis].name : "") +
                        "\n";
            }
            size = std::min(size, loop.tile);
        }
        indent += "  ";
    }
    return code + indent + (layer.macs() > 0 ? "multiply-accumulate\n" : layer.op + "\n");
}

std::string nest_summary(const LoopNest& nest, const NestMachine& machine, const Extents& whole) {
    std::string text;
    Extents left = whole;
    for (std::size_t l = 0; l < nest.levels.size(); ++l) {
        std::string loops;
        for (const Loop& loop : nest.levels[l].loops) {
            std::int64_t& size = left[index(loop.dim)];
            const std::int64_t steps = steps_of(loop, size);
            size = std::min(size, loop.tile);
            if (steps > 1) {
                loops += " " + std::to_string(steps) + std::string(loop.spatial ? " x " : " ") +
                         name(loop.dim);
            }
        }
        if (!loops.empty()) {
            text += (text.empty() ? "" : ", ") + machine.memories[l].name + loops;
        }
    }
    return text.empty() ? "one step" : text;
}

LaneUse lane_use(const Layer& layer, const NestMachine& machine, const NestCounts& counts) {
    const auto each = static_cast<double>(machine.cycles_a_step);
    const double cycles = counts.cycles / each;
    LaneUse use;
    use.busy = static_cast<double>(layer.space.counted_points(layer.space.box())) /
               (cycles * machine.lanes());
    use.filling =
        static_cast<double>(machine.networks ? counts.ramp : counts.array_cycles - counts.steps) /
        cycles;
    use.idle = std::max(0.0, static_cast<double>(counts.steps) / cycles - use.busy);
    use.waiting = std::max(0.0, 1 - use.busy - use.filling - use.idle);
    return use;
}

std::string lane_text(const Layer& layer, const NestMachine& machine, const NestCounts& counts) {
    const LaneUse use = lane_use(layer, machine, counts);
    std::string text;
    if (machine.array.systolic()) {
        const std::int64_t each = machine.array.load + machine.array.skew;
        text = counted(counts.folds, "fold") + " of " +
               counted(ceil_divide(counts.steps, counts.folds), "step") + ", " +
               counted(each, "cycle") + " " +
               (machine.array.loads_ahead ? "to fill and drain\n" : "each to fill and drain\n");
    }
    if (machine.networks) {
        text = counted(counts.folds, "pass", "passes") + ", " +
               counted(ceil_divide(counts.ramp, counts.folds), "cycle") + " each to fill\n";
    }
    text += fmt::format("lanes, by these counts: {:.1f} % busy, ", use.busy * 100);
    if (machine.array.systolic() || machine.networks) {
        text += fmt::format("{:.1f} % filling{}, ", use.filling * 100,
                            machine.networks ? "" : " and draining");
    }
    return text + fmt::format("{:.1f} % idle beside them, {:.1f} % waiting for memories\n",
                              use.idle * 100, use.waiting * 100);
}

std::vector<LevelTraffic> level_traffic(const IterationSpace& space, const NestCounts& counts,
                                        std::size_t levels) {
    std::vector<LevelTraffic> rows;
    const auto row = [&](std::size_t level, std::size_t operand) -> LevelTraffic& {
        const auto found = std::find_if(rows.begin(), rows.end(), [&](const LevelTraffic& at) {
            return at.level == level && at.operand == operand;
        });
        if (found != rows.end()) {
            return *found;
        }
        rows.push_back({level, operand});
        return rows.back();
    };
    const auto bytes = [&](std::size_t operand, std::int64_t words, bool sums) {
        return static_cast<double>(words) * word_bits(space, operand, sums) / 8.0;
    };
    for (const BoundaryTraffic& at : counts.boundaries) {
        const bool sums = space.operands[at.operand].role == TensorRole::outputs;
        LevelTraffic& parent = row(at.parent, at.operand);
        parent.read_below += at.reads;
        parent.written_below += at.updates;
        parent.read_bytes += bytes(at.operand, at.reads, sums);
        parent.written_bytes +=
            bytes(at.operand, at.finals, false) + bytes(at.operand, at.updates - at.finals, sums);
        if (at.child < levels) {
            LevelTraffic& child = row(at.child, at.operand);
            child.written_above += at.deliveries;
            child.read_above += at.drains;
            child.written_bytes += bytes(at.operand, at.deliveries, sums);
            child.read_bytes += bytes(at.operand, at.drained_finals(), false) +
                                bytes(at.operand, at.drains - at.drained_finals(), sums);
        }
    }
    std::sort(rows.begin(), rows.end(), [](const LevelTraffic& a, const LevelTraffic& b) {
        return std::pair(a.level, a.operand) < std::pair(b.level, b.operand);
    });
    return rows;
}

}  // namespace memwall
