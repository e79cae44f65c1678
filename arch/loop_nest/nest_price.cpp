// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_price.hpp"

#include <algorithm>
#include <cmath>

#include "arch/core_split.hpp"
#include "arch/io_bound.hpp"
#include "base/error.hpp"

namespace memwall {

NestPrices nest_prices(const Machine& machine, const NestHierarchy& hierarchy, const Layer& layer) {
    const Precision any = Precision::int8;
    const auto joules = [&](ComponentId id, Action action, Precision precision) {
        return machine.energy_of(id, action, precision).value;
    };
    NestPrices prices;
    const std::size_t levels = hierarchy.levels().size();
    for (const HierarchyLevel& level : hierarchy.levels()) {
        prices.levels.push_back(
            {joules(level.memory, Action::read, any), joules(level.memory, Action::write, any)});
    }
    prices.transfer.assign(levels, std::vector<double>(levels + 1, 0));
    prices.copy = prices.transfer;
    for (std::size_t parent = 0; parent < levels; ++parent) {
        for (std::size_t child = parent + 1; child <= levels; ++child) {
            for (const ComponentId bus : hierarchy.buses_between(parent, child)) {
                prices.transfer[parent][child] += joules(bus, Action::transfer, any);
                prices.copy[parent][child] += joules(bus, Action::hop, any);
            }
        }
    }
    if (layer.space.macs() > 0) {
        const ArrayShape* shape = array_shape(hierarchy.array_config(), layer.precision);
        ensure(shape != nullptr, "layers without lanes are refused before");
        prices.point = joules(hierarchy.array(), Action::mac, shape->precision);
        prices.addition =
            joules(hierarchy.array(), Action::accumulate, layer.precision.accumulator);
    } else {
        prices.point = joules(hierarchy.vector(), Action::vector, any) *
                       static_cast<double>(layer.space.vector_operations_per_point);
    }
    const ClockId clock = machine.component(hierarchy.array()).clock;
    prices.static_per_cycle = machine.standing_power().count() /
                              static_cast<double>(machine.clock(clock).frequency().count());
    return prices;
}

NestFigures nest_figures(const IterationSpace& space, const NestPrices& prices,
                         const NestCounts& counts) {
    NestFigures figures;
    figures.cycles = counts.cycles;
    const std::size_t levels = prices.levels.size();
    for (const BoundaryTraffic& at : counts.boundaries) {
        const bool outputs = space.operands[at.operand].role == TensorRole::outputs;
        const double whole = word_bits(space, at.operand, false) / 8.0;
        const double word = outputs ? word_bits(space, at.operand, true) / 8.0 : whole;
        const auto bytes_up = [&](std::int64_t words, std::int64_t finals) {
            return static_cast<double>(finals) * whole + static_cast<double>(words - finals) * word;
        };
        const double reads = static_cast<double>(at.reads) * word;
        const double deliveries = static_cast<double>(at.deliveries) * word;
        const double updates = bytes_up(at.updates, at.finals);
        const double drains = bytes_up(at.drains, at.drained_finals());
        const LevelPrice& parent = prices.levels[at.parent];
        figures.joules += reads * parent.read + updates * parent.write;
        figures.joules += (reads + updates) * prices.transfer[at.parent][at.child] +
                          (deliveries - reads) * prices.copy[at.parent][at.child];
        figures.joules += static_cast<double>(at.additions()) * prices.addition;
        if (at.child < levels) {
            const LevelPrice& child = prices.levels[at.child];
            figures.joules += deliveries * child.write + drains * child.read;
        }
        figures.bytes += at.parent == 0 ? reads + updates : 0;
    }
    figures.joules += static_cast<double>(space.counted_points(space.box())) * prices.point;
    figures.joules += counts.cycles * prices.static_per_cycle;
    return figures;
}

IoBound nest_io_bound(const IterationSpace& space, const NestMachine& machine, Bytes capacity) {
    if (!machine.has_resident()) {
        return io_lower_bound(space, capacity);
    }
    IoBound bound;
    for (const Operand& operand : space.operands) {
        if (operand.role == TensorRole::weights || operand.role == TensorRole::state) {
            bound.compulsory +=
                stored_bytes(touched_words(operand.projection, space.box()), operand.precision);
        }
    }
    return bound;
}

double nest_bound(const Layer& layer, const NestMachine& machine, const NestPrices& prices,
                  MappingObjective objective) {
    double below = 0;  // bytes of all memories below the outermost
    for (const NestMemory& memory : machine.memories) {
        below += static_cast<double>(memory.capacity) * static_cast<double>(memory.instances);
    }
    const auto points = static_cast<double>(layer.space.counted_points(layer.space.box()));
    const double steps =
        std::ceil(points / machine.lanes()) * static_cast<double>(machine.cycles_a_step);
    // Each fold of a systolic array holds a word a lane of the operand that stays.
    double filling = 0;
    if (machine.array.systolic() && machine.lanes_keep) {
        const Projection& kept = layer.space.operands[*machine.lanes_keep].projection;
        const auto words = static_cast<double>(touched_words(kept, layer.space.box()));
        const double folds =
            machine.array.loads_ahead ? 1 : std::max(1.0, std::ceil(words / machine.lanes()));
        filling = folds * static_cast<double>(machine.array.load + machine.array.skew) *
                  static_cast<double>(machine.cycles_a_step);
    }
    const auto capacity = static_cast<std::int64_t>(std::min(below, 9e15));
    NestFigures bound;
    bound.bytes =
        static_cast<double>(nest_io_bound(layer.space, machine, Bytes(capacity)).bytes().count());
    const double width = machine.memories.front().read_width;
    bound.cycles = std::max(steps + filling, width > 0 ? bound.bytes / width : 0);
    const LevelPrice& dram = prices.levels.front();
    bound.joules = points * prices.point + bound.bytes * std::min(dram.read, dram.write) +
                   bound.cycles * prices.static_per_cycle;
    return bound.of(objective);
}

}  // namespace memwall
