// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/design.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "arch/mapper.hpp"
#include "arch/spatial/emitter.hpp"
#include "arch/spatial/layer_routes.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Layers that share weights and are split alike find them in the same cores, and rows are drawn
/// from wherever the table lies. Others have a copy of their own.
void find_loads(const Network& network, std::vector<SpatialLayer>& layers) {
    const auto draws = [&](const SpatialLayer& layer) {
        const Operand* weights = network.layer(layer.fused->root).space.find(TensorRole::weights);
        return weights != nullptr && weights->projection.gather.has_value();
    };
    std::map<TensorId, std::vector<SpatialLayer*>> readers;  // in order
    for (SpatialLayer& layer : layers) {
        if (layer.fused->weights.valid()) {
            readers[layer.fused->weights].push_back(&layer);
        }
    }
    for (const auto& [weights, sharers] : readers) {
        const bool multiplied = !std::all_of(sharers.begin(), sharers.end(),
                                             [&](const auto* layer) { return draws(*layer); });
        for (auto layer = sharers.begin(); layer != sharers.end(); ++layer) {
            if (draws(**layer) && multiplied) {
                continue;
            }
            (*layer)->loads_weights = std::none_of(
                sharers.begin(), layer,
                [&](const SpatialLayer* earlier) { return has_weights_of(**layer, *earlier); });
        }
    }
}

/// Two slots of every input and output of the network must fit the frame buffer.
void check_frame_buffer(const Network& network, const Machine& machine, const Chip& chip,
                        const SpatialNetwork& result) {
    Bytes at_edge;
    std::vector<TensorId> edges;
    for (const Arrival& arrival : result.arrivals) {
        const bool edge = arrival.maker < 0 || arrival.reader == result.layers.size();
        if (edge && std::find(edges.begin(), edges.end(), arrival.tensor) == edges.end()) {
            edges.push_back(arrival.tensor);
            at_edge += network.tensor_bytes(arrival.tensor) * 2;
        }
    }
    const Component& frame_buffer = machine.component(chip.frame_buffer);
    const Bytes frames = std::get<MemoryConfig>(frame_buffer.config).capacity;
    if (at_edge > frames) {
        throw DoesNotFit(
            {Diagnostic{frame_buffer.capacity_where,
                        "network '" + network.name() +
                            "' does not fit the frame buffer of machine '" + machine.name() +
                            "': two slots of its inputs and outputs take " + format_bytes(at_edge) +
                            ", " + format_bytes(at_edge - frames) + " more than there is"}});
    }
}

}  // namespace

SpatialDesign design_spatial(const Network& network, const Machine& machine, const Chip& chip,
                             const Cores& cores, const std::vector<FusedLayer>& fused,
                             const std::vector<SpatialPlan>& plans, std::int64_t rounds_apart,
                             const MapperOptions& options) {
    SpatialDesign design;
    design.layers.rounds_apart = rounds_apart;
    for (std::size_t f = 0; f < fused.size(); ++f) {
        throw_if_cancelled(options);
        design.layers.layers.push_back(
            make_layer(network, machine, chip, cores, fused[f], plans[f]));
        route_program(design.layers.layers.back(), f, machine, chip);
    }
    find_loads(network, design.layers.layers);
    find_arrivals(network, machine, chip, options, design.layers);
    check_frame_buffer(network, machine, chip, design.layers);
    design.memories = allocate_core_memories(network, machine, chip, options, design.layers);
    design.steady = steady_schedule(network, machine, chip, cores, design.layers, options);
    return design;
}

Program emit_spatial(const Network& network, const Machine& machine, const Chip& chip,
                     const Cores& cores, const SpatialDesign& design,
                     const MapperOptions& options) {
    return SpatialEmitter(network, machine, chip, cores, design.layers, options,
                          &design.steady.schedule)
        .run(options.rounds);
}

}  // namespace memwall
