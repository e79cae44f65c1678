// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling_mapper.hpp"

#include "arch/core_work.hpp"
#include "arch/network_bound.hpp"
#include "arch/tiling/choose_plan.hpp"
#include "arch/tiling/emit.hpp"
#include "arch/tiling/tiling_text.hpp"

namespace memwall {
namespace {

double utilization(const Network& network, const Cores& cores, std::int64_t count,
                   const FusedLayer& fused, const LayerTiling& plan) {
    const Layer& root = network.layer(fused.root);
    if (root.macs() == 0) {
        return 0;
    }
    const ArrayShape* shape = array_shape(*cores.array_config, root.precision);
    return static_cast<double>(root.macs()) /
           (plan.core_cycles * static_cast<double>(shape->macs_per_cycle() * count));
}

}  // namespace

void TilingMapper::check(const Machine& machine) const {
    const Hierarchy parts(machine);
}

void TilingMapper::check_layers(const Network& network, const Machine& machine) const {
    memwall::check_layers(network, machine, tiled_cores(Hierarchy(machine)));
}

Mapping TilingMapper::map(const Network& network, const Machine& machine,
                          const MapperOptions& options) const {
    const Hierarchy hierarchy(machine);
    const Cores cores = tiled_cores(hierarchy);
    const PlanChoice choice = choose_plan(network, machine, hierarchy, cores, options);
    Mapping mapping;
    mapping.sub_batch = choice.network.batch();
    mapping.outermost = hierarchy.dram;
    mapping.search_cut_after = choice.cut_after;
    MapperOptions of_part = options;
    if (mapping.search_cut_after) {
        of_part.cancelled = [] { return false; };  // the interrupt has had its effect
    }
    of_part.rounds = checked_multiply(options.rounds, network.batch() / mapping.sub_batch);
    mapping.program = emit_tiling(choice.network, machine, hierarchy, cores, choice.plan, of_part);
    mapping.layers.resize(network.layers().size());
    const Bytes capacity = on_chip_capacity(hierarchy);
    for (std::size_t l = 0; l < mapping.layers.size(); ++l) {
        LayerMapping& layer = mapping.layers[l];
        layer.layer = LayerId(l);
        layer.bound = io_lower_bound(choice.network.layer(layer.layer).space, capacity);
        layer.bound_applies = mapping.program.layers[l].bound_applies;
    }
    const std::string note = choice.compared > 0
                                 ? std::string("least ") + name(options.objective) + " of " +
                                       std::to_string(choice.compared) +
                                       " plans of the network, by the analytic engine"
                                 : "by the planner's estimate";
    for (std::size_t f = 0; f < choice.plan.fused.size(); ++f) {
        const FusedLayer& fused = choice.plan.fused[f];
        LayerMapping& layer = mapping.layers[fused.root.position()];
        layer.summary = tiling_summary(choice.network, choice.plan, f);
        layer.search = choice.given.find(f) != nullptr ? "given by hand" : note;
        layer.utilization =
            utilization(choice.network, cores, hierarchy.cores, fused, choice.plan.layers[f]);
        for (const LayerId epilogue : fused.epilogues) {
            mapping.layers[epilogue.position()].fused = true;
            mapping.layers[epilogue.position()].within = fused.root;
            mapping.layers[epilogue.position()].summary =
                "on the way out of " + choice.network.layer(fused.root).name;
        }
    }
    if (options.loops) {
        const TilingText text(choice.network, machine, hierarchy, cores, choice.plan);
        for (std::size_t f = 0; f < choice.plan.fused.size(); ++f) {
            mapping.layers[choice.plan.fused[f].root.position()].loops = text.code(f);
        }
    }
    mapping.network_bound = network_bound(choice.network, capacity);
    return mapping;
}

}  // namespace memwall
