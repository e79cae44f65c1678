// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_counts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "arch/loop_nest/tile_sums.hpp"
#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

double in_bytes(std::int64_t words, int bits) {
    return static_cast<double>(words) * bits / 8.0;
}

class NestCounter {
public:
    NestCounter(const IterationSpace& space, const LoopNest& nest, const NestMachine& machine)
        : space_(space), nest_(nest), machine_(machine) {
        ensure(nest.levels.size() == machine.memories.size(), "a nest has the machine's levels");
        work_ = lane_work(nest, machine, space.extents, 0);
    }

    NestCounts run() {
        for (std::size_t o = 0; o < space_.operands.size(); ++o) {
            count_operand(o);
        }
        hold();
        count_steps();
        counts_.cycles = cycles();
        return std::move(counts_);
    }

private:
    [[nodiscard]] std::vector<PlacedLoop> loops_above(std::size_t level) const {
        std::vector<PlacedLoop> loops;
        for (std::size_t l = 0; l < level && l < nest_.levels.size(); ++l) {
            for (const Loop& loop : nest_.levels[l].loops) {
                loops.push_back({loop, l});
            }
        }
        return loops;
    }

    void count_operand(std::size_t o) {
        std::size_t parent = 0;
        for (std::size_t child = 1; child <= nest_.levels.size(); ++child) {
            if (child == nest_.levels.size() || nest_.levels[child].keeps[o]) {
                counts_.boundaries.push_back(boundary(o, parent, child));
                parent = child;
            }
        }
    }

    // MODEL: a systolic array has a way in for each row or column: windows that overlap side by
    // side are read each for itself (im2col).
    [[nodiscard]] Sharing sharing(bool outputs, bool lanes) const {
        return outputs                              ? Sharing::sums
               : lanes && machine_.array.systolic() ? Sharing::copies
                                                    : Sharing::multicast;
    }

    [[nodiscard]] BoundaryTraffic boundary(std::size_t o, std::size_t parent,
                                           std::size_t child) const {
        const Operand& operand = space_.operands[o];
        const bool lanes = child == nest_.levels.size();
        const bool outputs = operand.role == TensorRole::outputs;
        const bool stays = !lanes || machine_.lanes_keep == o;
        const bool halo = !lanes && nest_.levels[child].keeps_halo && !outputs;
        const std::size_t visited = lanes && work_.turns.folded() ? nest_.levels.size() - 1 : 0;
        const std::vector<PlacedLoop> loops = loops_above(child);
        const auto sums = [&](Instances instances) {
            return TileSums(space_, operand.projection, loops, parent, instances, machine_,
                            sharing(outputs, lanes), walks_);
        };
        const auto all = [&](const TileSums& of) {
            return stays ? of.fetched(halo, visited) : of.every_visit();
        };
        const auto moved = [&](const TileSums& of) {
            return lanes ? work_.turns.passing(all(of), operand.projection, work_.layout) : all(of);
        };
        BoundaryTraffic traffic;
        traffic.operand = o;
        traffic.parent = parent;
        traffic.child = child;
        if (machine_.stays(parent, child, operand.role)) {
            return traffic;
        }
        traffic.stretch = parent == 0 ? burst_stretch(o, child) : 1;
        traffic.fills = fills(child, operand.projection);
        const TileSums shared = sums(Instances::shared);
        const TileSums of_parent = sums(Instances::parent);
        const TileSums of_child = sums(Instances::one);
        traffic.first_tile = shared.first_tiles();
        traffic.parent_first = of_parent.first_tiles();
        traffic.child_first = of_child.first_tiles();
        const std::int64_t down = moved(shared);
        if (!outputs) {
            traffic.reads = down;
            traffic.deliveries = all(sums(Instances::all));
            traffic.parent_down = moved(of_parent);
            traffic.child_down = moved(of_child);
            if (operand.updated) {  // all that came goes back
                traffic.drains = traffic.updates = traffic.finals = traffic.reads;
                traffic.parent_up = traffic.parent_down;
                traffic.child_up = traffic.child_down;
            }
            return traffic;
        }
        traffic.updates = down;
        // MODEL: the additions along a systolic array are those of its multiply-accumulates.
        // Turns of lanes count a last, smaller one like the others: no fewer leave than arrive.
        traffic.drains =
            lanes && machine_.array.systolic() ? down : std::max(down, all(sums(Instances::all)));
        traffic.parent_up = moved(of_parent);
        traffic.child_up = moved(of_child);
        // The first visit of a sum starts from zero; a sum that comes back goes to one instance.
        const auto started = [&](Instances instances) {
            return TileSums(space_, operand.projection, loops, parent, instances, machine_,
                            Sharing::any, walks_)
                .distinct();
        };
        traffic.reads = traffic.updates - started(Instances::shared);
        traffic.deliveries = traffic.reads;
        traffic.parent_down = traffic.parent_up - started(Instances::parent);
        traffic.child_down = traffic.child_up - of_child.distinct();
        traffic.finals =
            summed_above(loops, parent) ? 0 : touched_words(operand.projection, space_.box());
        return traffic;
    }

    // MODEL: a DRAM moves whole bursts: a tile takes as long as the bursts that its runs of words
    // begin. What lies side by side in instances is one tile.
    [[nodiscard]] double burst_stretch(std::size_t o, std::size_t child) const {
        const Projection& projection = space_.operands[o].projection;
        Extents tile = tile_at(nest_, space_.extents, child);
        for (std::size_t l = 0; l < std::min(child, nest_.levels.size()); ++l) {
            Extents left = tile_at(nest_, space_.extents, l);
            for (const Loop& loop : nest_.levels[l].loops) {
                const std::size_t d = index(loop.dim);
                tile[d] *= loop.spatial ? steps_of(loop, left[d]) : 1;
                left[d] = std::min(left[d], loop.tile);
            }
        }
        for (std::size_t d = 0; d < tile.size(); ++d) {
            tile[d] = std::min(tile[d], space_.extents[d]);
        }
        const Box box = whole_box(tile);
        return machine_.burst_stretch(
            o, word_bits(space_, o, false) / 8.0, projection.axes.size(),
            [&](std::size_t a) {
                return static_cast<double>(touched_indices(projection.axes[a], box));
            },
            [&](std::size_t a) { return static_cast<double>(projection.axes[a].extent); });
    }

    /// Whether the instances of the parent have parts of the same sums.
    [[nodiscard]] bool summed_above(const std::vector<PlacedLoop>& loops,
                                    std::size_t parent) const {
        return std::any_of(loops.begin(), loops.end(), [&](const PlacedLoop& at) {
            return at.loop.spatial && at.level < parent && space_.is_reduction(at.loop.dim);
        });
    }

    void hold() {
        const std::size_t levels = nest_.levels.size();
        counts_.held.assign(levels, std::vector<HeldTile>(space_.operands.size()));
        counts_.bytes.assign(levels, 0);
        for (std::size_t l = 0; l < levels; ++l) {
            const Extents tile = tile_at(nest_, space_.extents, l);
            for (std::size_t o = 0; o < space_.operands.size(); ++o) {
                if (!nest_.levels[l].keeps[o]) {
                    continue;
                }
                HeldTile& held = counts_.held[l][o];
                const Operand& operand = space_.operands[o];
                held.words = tile_words(operand.projection, tile);
                held.changes = changes(l, operand.projection);
                held.partial = operand.role == TensorRole::outputs && partial(l, o);
                const std::int64_t slots = held.changes && nest_.levels[l].double_buffered ? 2 : 1;
                const std::int64_t bits =
                    checked_multiply(held.words, word_bits(space_, o, held.partial));
                counts_.bytes[l] += checked_multiply(ceil_divide(bits, 8), slots);
            }
        }
    }

    [[nodiscard]] bool changes(std::size_t level, const Projection& projection) const {
        Extents tile = space_.extents;
        bool steps = false;
        for (const PlacedLoop& at : loops_above(level)) {
            std::int64_t& size = tile[index(at.loop.dim)];
            steps = steps ||
                    (!at.loop.spatial && at.loop.tile < size && relevant(projection, at.loop.dim));
            size = std::min(size, at.loop.tile);
        }
        return steps;
    }

    /// Tiles of an operand that an instance of a level gets, one after another.
    [[nodiscard]] std::int64_t fills(std::size_t level, const Projection& projection) const {
        Extents tile = space_.extents;
        std::int64_t visits = 1;  // of all loops in time so far
        std::int64_t fills = 1;   // up to the innermost that changes the tile
        for (const PlacedLoop& at : loops_above(level)) {
            std::int64_t& size = tile[index(at.loop.dim)];
            const std::int64_t steps = at.loop.spatial ? 1 : steps_of(at.loop, size);
            visits = checked_multiply(visits, steps);
            fills = steps > 1 && relevant(projection, at.loop.dim) ? visits : fills;
            size = std::min(size, at.loop.tile);
        }
        return fills;
    }

    /// Whether a level holds sums: where all that comes from below is finished, it holds results.
    [[nodiscard]] bool partial(std::size_t level, std::size_t o) const {
        return counts_.boundary(o, level).partials() > 0;
    }

    void count_steps() {
        counts_.folds = 1;
        if (machine_.lanes_keep) {
            const BoundaryTraffic& kept = counts_.boundary(*machine_.lanes_keep, lanes_parent());
            counts_.folds = work_.turns.times(std::max(kept.child_up, kept.child_down));
        }
        Extents size = space_.extents;
        for (const PlacedLoop& at : loops_above(nest_.levels.size())) {
            std::int64_t& left = size[index(at.loop.dim)];
            if (at.loop.spatial) {
                counts_.lanes = checked_multiply(counts_.lanes, steps_of(at.loop, left));
            }
            left = std::min(left, at.loop.tile);
        }
        counts_.steps = work_.steps();
        counts_.array_cycles = machine_.array.cycles(counts_.steps, counts_.folds);
        if (machine_.networks) {
            count_passes();
        }
    }

    void count_passes() {
        PassTimes times;
        for (const BoundaryTraffic& at : counts_.boundaries) {
            if (machine_.in_elements(at.parent) || !machine_.in_elements(at.child)) {
                continue;
            }
            const bool outputs = space_.operands[at.operand].role == TensorRole::outputs;
            const int bits = word_bits(space_, at.operand, outputs && at.partials() > 0);
            const std::int64_t held =
                at.child < nest_.levels.size() ? counts_.held[at.child][at.operand].words : 0;
            times.add(*machine_.networks, at.operand, outputs, in_bytes(at.reads, bits),
                      in_bytes(at.updates, bits), in_bytes(at.first_tile, bits),
                      held > 0 ? static_cast<double>(ceil_divide(at.child_down, held)) : 0);
        }
        const auto whole = [](double cycles) {
            return static_cast<std::int64_t>(std::ceil(cycles - 1e-6));
        };
        counts_.folds = std::max<std::int64_t>(1, whole(times.passes));
        counts_.ramp = whole(times.ramp());
        counts_.array_cycles = std::max(counts_.steps, whole(times.streaming)) + counts_.ramp;
    }

    /// The memory that the lanes have the operand from that they keep.
    [[nodiscard]] std::size_t lanes_parent() const {
        std::size_t level = nest_.levels.size() - 1;
        while (level > 0 && !nest_.levels[level].keeps[*machine_.lanes_keep]) {
            --level;
        }
        return level;
    }

    [[nodiscard]] double cycles() const {
        const PortLoads loads = port_loads(space_, machine_, counts_, 0);
        const double lanes =
            static_cast<double>(counts_.array_cycles) * static_cast<double>(machine_.cycles_a_step);
        return cycles_with_ports(lanes, nest_, machine_, loads, 0, 1) + loads.ends;
    }

    const IterationSpace& space_;
    const LoopNest& nest_;
    const NestMachine& machine_;
    LaneWork work_;
    mutable TileWalks walks_;
    NestCounts counts_;
};

}  // namespace

bool fits(const NestCounts& counts, const NestMachine& machine) {
    for (std::size_t l = 0; l < counts.bytes.size(); ++l) {
        const std::int64_t capacity = machine.memories[l].capacity;
        if (capacity > 0 && counts.bytes[l] > capacity) {
            return false;
        }
    }
    return true;
}

PortLoads port_loads(const IterationSpace& space, const NestMachine& machine,
                     const NestCounts& counts, std::size_t below) {
    const std::size_t levels = machine.memories.size();
    PortLoads loads;
    loads.read.assign(levels, 0);
    loads.written.assign(levels, 0);
    loads.filled.assign(levels, 0);
    loads.waited.assign(levels, 0);
    for (const BoundaryTraffic& at : counts.boundaries) {
        if (at.child <= below) {
            continue;
        }
        const bool outputs = space.operands[at.operand].role == TensorRole::outputs;
        const int sums = word_bits(space, at.operand, outputs && at.partials() > 0);
        const int whole = word_bits(space, at.operand, false);
        const std::int64_t finals = at.finals > 0 ? at.parent_up - at.parent_down : 0;
        const double up =
            at.stretch * (in_bytes(finals, whole) + in_bytes(at.parent_up - finals, sums));
        const double down = at.stretch * in_bytes(at.parent_down, sums);
        const NestMemory& parent = machine.memories[at.parent];
        loads.read[at.parent] += down;
        loads.written[at.parent] += up;
        if (at.child == levels) {
            continue;
        }
        const NestMemory& child = machine.memories[at.child];
        const double share =
            at.parent_up > 0 ? up / at.stretch / static_cast<double>(at.parent_up) : 0;
        const double child_down = in_bytes(at.child_down, sums);
        const double child_up = share * static_cast<double>(at.child_up);
        loads.written[at.child] += child_down;
        loads.read[at.child] += child_up;
        if (!machine.hands_on(at.child, at.operand)) {
            loads.filled[at.child] += passing_cycles(parent, down, child, child_down) +
                                      passing_cycles(child, child_up, parent, up);
            loads.waited[at.child] =
                std::max(loads.waited[at.child], static_cast<double>(at.fills) * parent.latency);
        }
        const double first = in_bytes(at.parent_first, whole);
        const double part = in_bytes(at.child_first, whole);
        loads.ends += outputs ? passing_cycles(child, part, parent, first)
                              : passing_cycles(parent, first, child, part);
    }
    return loads;
}

// MODEL: time of a nest. Every level fills one buffer while it is read from the other, so the
// slowest of the lanes and of all ports decides, after the first fill and before the last drain. A
// level with single buffers adds its fills to the time of what lies below; each fill from a DRAM
// has the latency of its data, but for weights that elements take before a pass begins. Of two
// buffers one is used while the other is filled: two fills and two uses follow each other.
double cycles_with_ports(double lanes, const LoopNest& nest, const NestMachine& machine,
                         const PortLoads& loads, std::size_t outermost, double share) {
    double time = lanes;
    for (std::size_t l = nest.levels.size(); l-- > outermost;) {
        time = std::max(time,
                        share * port_cycles(machine.memories[l], loads.read[l], loads.written[l]));
        if (!machine.in_elements(l)) {
            time = cycles_with_fills(time, share * (loads.filled[l] + loads.waited[l]),
                                     loads.waited[l] > 0, nest.levels[l].double_buffered);
        }
    }
    return time;
}

const BoundaryTraffic& NestCounts::boundary(std::size_t operand, std::size_t parent) const {
    const auto found = std::find_if(
        boundaries.begin(), boundaries.end(),
        [&](const BoundaryTraffic& at) { return at.operand == operand && at.parent == parent; });
    ensure(found != boundaries.end(), "a boundary begins at a level that keeps the operand");
    return *found;
}

NestCounts count_nest(const IterationSpace& space, const LoopNest& nest,
                      const NestMachine& machine) {
    return NestCounter(space, nest, machine).run();
}

int word_bits(const IterationSpace& space, std::size_t operand, bool partial) {
    const Operand& of = space.operands[operand];
    const int own = bits(of.precision);
    return partial ? std::max(own, bits(space.accumulator)) : own;
}

}  // namespace memwall
