// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest_mapper.hpp"

#include <cmath>

#include "arch/loop_nest/nest_emitter.hpp"
#include "arch/loop_nest/nest_price.hpp"
#include "arch/loop_nest/nest_text.hpp"
#include "arch/loop_nest/network_nests.hpp"
#include "arch/loop_nest/zero_words.hpp"
#include "arch/network_bound.hpp"

namespace memwall {
namespace {

Bytes capacity_below(const Machine& machine, const NestHierarchy& hierarchy) {
    Bytes sum(0);
    for (const HierarchyLevel& level : hierarchy.levels()) {
        const Component& component = machine.component(level.memory);
        if (const auto* memory = std::get_if<MemoryConfig>(&component.config)) {
            sum += memory->capacity * component.instances;
        }
    }
    return sum;
}

/// Inputs alone are looked at, by which a batch may be far too large: a search of it would take
/// long.
void check_inputs_fit(const Network& network, const Machine& machine,
                      const NestHierarchy& hierarchy) {
    const Component& dram = machine.component(hierarchy.levels().front().memory);
    const Bytes capacity = std::get<DramConfig>(dram.config).capacity;
    Bytes inputs;
    for (std::size_t t = 0; t < network.tensors().size(); ++t) {
        const bool own = network.storage(TensorId(t)) == TensorId(t);
        const bool is_input = network.tensor(TensorId(t)).kind == TensorKind::input;
        inputs += own && is_input ? network.tensor_bytes(TensorId(t)) : Bytes(0);
    }
    if (inputs > capacity) {
        throw InputError(
            {Diagnostic{dram.capacity_where,
                        "network '" + network.name() + "' does not fit the dram of machine '" +
                            machine.name() + "': its inputs alone are " + format_bytes(inputs) +
                            " of " + format_bytes(capacity)}});
    }
}

void describe(const Layer& layer, const MappedNest& nest, const std::string& note, bool loops,
              LayerMapping& mapping) {
    mapping.summary = nest_summary(nest.nest, nest.machine, layer.space.extents);
    mapping.utilization = layer.macs() > 0 ? lane_use(layer, nest.machine, nest.counts).busy : 0;
    mapping.loops = loops ? nest_code(layer, nest.nest, nest.machine, nest.counts) +
                                lane_text(layer, nest.machine, nest.counts)
                          : "";
    mapping.search = note;
    mapping.shifting = nest.counts.folds * nest.machine.array.load;
    const auto bytes = [](double count) { return Bytes(std::llround(std::ceil(count))); };
    for (const LevelTraffic& row :
         level_traffic(layer.space, nest.counts, nest.nest.levels.size())) {
        mapping.traffic.push_back({nest.machine.memories[row.level].name,
                                   layer.space.operands[row.operand].role, row.read_below,
                                   row.written_above, row.written_below, row.read_above,
                                   bytes(row.read_bytes), bytes(row.written_bytes)});
    }
}

}  // namespace

void LoopNestMapper::check(const Machine& machine) const {
    const NestHierarchy hierarchy(machine);
}

void LoopNestMapper::check_layers(const Network& network, const Machine& machine) const {
    NestHierarchy(machine).check_layers(network);
}

Mapping LoopNestMapper::map(const Network& network, const Machine& machine,
                            const MapperOptions& options) const {
    const NestHierarchy hierarchy(machine);
    check_inputs_fit(network, machine, hierarchy);
    const NetworkNests chosen = choose_network_nests(network, machine, hierarchy, options);
    Mapping mapping;
    mapping.sub_batch = network.batch();
    mapping.outermost = hierarchy.levels().front().memory;
    mapping.search_cut_after = chosen.cut_after;
    MapperOptions emitting = options;
    if (mapping.search_cut_after) {
        emitting.cancelled = [] { return false; };  // the interrupt has had its effect
    }
    mapping.program = NestEmitter(network, hierarchy, machine, chosen.nests, emitting).run();
    mapping.layers.resize(network.layers().size());
    const Bytes capacity = capacity_below(machine, hierarchy);
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        LayerMapping& layer = mapping.layers[l];
        layer.layer = LayerId(l);
        const Layer& of = network.layer(layer.layer);
        layer.bound = of.no_work ? io_lower_bound(of.space, capacity)
                                 : nest_io_bound(of.space, hierarchy.machine_for(of), capacity);
        layer.bound_applies = mapping.program.layers[l].bound_applies;
    }
    for (std::size_t n = 0; n < chosen.nests.size(); ++n) {
        const MappedNest& nest = chosen.nests[n];
        const Layer& root = network.layer(nest.root);
        describe(root, nest, chosen.notes[n], options.loops, mapping.layers[nest.root.position()]);
        for (const LayerId epilogue : nest.epilogues) {
            mapping.layers[epilogue.position()].fused = true;
            mapping.layers[epilogue.position()].summary = "on the way out of " + root.name;
        }
    }
    const double share = least_stored_share(network, machine, hierarchy.dma());
    const Bytes least =
        network_bound(network, capacity) + (hierarchy.resident() ? Bytes(0) : in_and_out(network));
    mapping.network_bound =
        Bytes(static_cast<std::int64_t>(static_cast<double>(least.count()) * share));
    return mapping;
}

}  // namespace memwall
