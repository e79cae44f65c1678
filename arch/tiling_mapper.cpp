// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling_mapper.hpp"

#include <algorithm>
#include <optional>

#include "arch/core_work.hpp"
#include "arch/tiling/emit.hpp"
#include "arch/tiling/network_plan.hpp"
#include "base/error.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

Cores cores_of(const Hierarchy& hierarchy) {
    Cores cores;
    cores.array = hierarchy.array;
    cores.vector = hierarchy.vector;
    cores.operands = hierarchy.operands;
    cores.weights = hierarchy.operands;
    cores.accumulators = hierarchy.accumulators;
    cores.array_config = hierarchy.array_config;
    cores.vector_config = hierarchy.vector_config;
    cores.read_width = hierarchy.operands_config->read_width;
    return cores;
}

/// What runs through the machine together: the whole batch or an equal part of it.
struct Choice {
    Network network;
    NetworkPlan plan;
};

Choice choose(const Network& network, const Hierarchy& hierarchy, const ClockDomain& clock,
              const Cores& cores, Effort effort) {
    std::optional<Choice> best;
    std::optional<InputError> refusal;
    for (std::int64_t items = network.batch(); items >= 1; --items) {
        if (network.batch() % items != 0) {
            continue;
        }
        PassPlanner passes(hierarchy, cores, effort == Effort::thorough);
        Network part = with_batch(network, items);
        try {
            NetworkPlan plan = plan_network(part, hierarchy, clock, passes);
            if (!best || plan.cycles_per_item < best->plan.cycles_per_item * (1 - 1e-9)) {
                best = Choice{std::move(part), std::move(plan)};
            }
        } catch (const InputError& error) {
            refusal = error;
        }
    }
    if (!best) {
        throw InputError(*refusal);
    }
    return std::move(*best);
}

/// "64 k x 4 c x 2 p on 128 cores" of a split.
std::string text(const Extents& whole, const Extents& tile) {
    std::string parts;
    for (const Dim dim : all_dims()) {
        const std::int64_t pieces = ceil_divide(whole[index(dim)], tile[index(dim)]);
        if (pieces > 1) {
            parts += (parts.empty() ? "" : " x ") + std::to_string(pieces) + " " + name(dim);
        }
    }
    return parts.empty() ? "whole" : parts;
}

std::string summary(const Network& network, const FusedLayer& fused, const LayerPlan& plan,
                    const std::vector<bool>& kept) {
    const Layer& root = network.layer(fused.root);
    std::string line = "tiles " + text(root.space.extents, plan.tile) + ", passes " +
                       text(plan.tile, plan.passes.pass) + ", cores " +
                       text(plan.passes.pass, plan.passes.core);
    if (fused.weights.valid()) {
        line += plan.weights_resident ? ", weights resident" : ", weights from dram";
    }
    line += kept[fused.output.position()] ? ", outputs kept" : ", outputs to dram";
    return line;
}

double utilization(const Network& network, const Cores& cores, std::int64_t count,
                   const FusedLayer& fused, const LayerPlan& plan) {
    const Layer& root = network.layer(fused.root);
    if (root.macs() == 0) {
        return 0;
    }
    const ArrayShape* shape = array_shape(*cores.array_config, root.precision);
    return static_cast<double>(root.macs()) /
           (plan.core_cycles * static_cast<double>(shape->macs_per_cycle() * count));
}

}  // namespace

Mapping TilingMapper::map(const Network& network, const Machine& machine,
                          const MapperOptions& options) const {
    const Hierarchy hierarchy(machine);
    const Cores cores = cores_of(hierarchy);
    check_layers(network, machine, cores);
    const ClockDomain& clock = machine.clock(machine.component(hierarchy.array).clock);
    const Choice choice = choose(network, hierarchy, clock, cores, options.effort);
    Mapping mapping;
    mapping.sub_batch = choice.network.batch();
    mapping.outermost = hierarchy.dram;
    MapperOptions of_part = options;
    of_part.rounds = checked_multiply(options.rounds, network.batch() / mapping.sub_batch);
    mapping.program = emit_tiling(choice.network, machine, hierarchy, cores, choice.plan, of_part);
    mapping.layers.resize(network.layers().size());
    const Bytes capacity = hierarchy.buffer_config->capacity +
                           hierarchy.operands_config->capacity * hierarchy.cores +
                           (hierarchy.accumulators_config != nullptr
                                ? hierarchy.accumulators_config->capacity * hierarchy.cores
                                : Bytes(0));
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        LayerMapping& layer = mapping.layers[l];
        layer.layer = LayerId(l);
        layer.bound = io_lower_bound(choice.network.layer(layer.layer).space, capacity);
        layer.bound_applies = mapping.program.layers[l].bound_applies;
    }
    for (std::size_t f = 0; f < choice.plan.fused.size(); ++f) {
        const FusedLayer& fused = choice.plan.fused[f];
        LayerMapping& layer = mapping.layers[fused.root.position()];
        layer.summary = summary(choice.network, fused, choice.plan.layers[f], choice.plan.kept);
        layer.utilization =
            utilization(choice.network, cores, hierarchy.cores, fused, choice.plan.layers[f]);
        for (const LayerId epilogue : fused.epilogues) {
            mapping.layers[epilogue.position()].fused = true;
            mapping.layers[epilogue.position()].summary =
                "on the way out of " + choice.network.layer(fused.root).name;
        }
    }
    const Bytes weights = network.weight_bytes();
    mapping.network_bound = weights > capacity ? weights - capacity : Bytes(0);
    return mapping;
}

}  // namespace memwall
