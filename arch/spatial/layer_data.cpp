// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_data.hpp"

#include <algorithm>
#include <map>

#include "arch/expert_parts.hpp"
#include "arch/spatial/layer_routes.hpp"
#include "arch/stored_regions.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Cuts every core's tile into about kOutputChunks chunks: by turns of output lanes, and within a
/// single turn by positions, since results appear position by position in the last reduction turn.
void cut_chunks(SpatialLayer& layer, const Layer& root, const Chip& chip, const Cores& cores) {
    const Extents& tile = layer.plan->split.tile;
    const ArrayShape* shape =
        root.macs() > 0 ? array_shape(*cores.array_config, root.precision) : nullptr;
    const std::int64_t unit = shape ? shape->outputs : 1;
    const std::int64_t channels = tile[index(Dim::K)];
    const std::int64_t units = ceil_divide(channels, unit);
    // Several groups in one core stay together: a part of each would be no part of the tensor.
    // So do the words of a row that is normalised over: none is done before all have been seen.
    const bool together = tile[index(Dim::G)] > 1 || root.space.normalises(Dim::K);
    const std::int64_t channel_cuts = together ? 1 : std::min(units, kOutputChunks);
    const std::int64_t channel_step = ceil_divide(units, channel_cuts) * unit;
    for (const Dim dim : {Dim::P, Dim::Q, Dim::N}) {
        if (!root.space.normalises(dim) && (root.space.normalises(layer.chunked) ||
                                            tile[index(dim)] > tile[index(layer.chunked)])) {
            layer.chunked = dim;
        }
    }
    const std::int64_t extent = tile[index(layer.chunked)];
    const bool one_turn = channel_step <= unit || root.space.normalises(Dim::K);
    const std::int64_t position_cuts =
        one_turn && !root.space.normalises(layer.chunked)
            ? std::min(extent, ceil_divide(kOutputChunks, channel_cuts))
            : 1;
    const std::int64_t position_step = ceil_divide(extent, position_cuts);

    Extents weights_tile = tile;
    weights_tile[index(Dim::K)] = std::min(channels, channel_step);
    const Operand* weights = root.space.find(TensorRole::weights);
    const std::int64_t weight_bytes =
        weights ? most_weights(root.space, *weights, weights_tile).count() : 0;
    const std::int64_t turns = shape ? reduction_turns(*cores.array_config, *shape, tile) : 1;
    const std::int64_t slot =
        std::max<std::int64_t>(1, chip.weight_buffer_config->capacity.count() / kWeightSlots);
    for (std::int64_t k = 0; k < channels; k += channel_step) {
        for (std::int64_t p = 0; p < extent; p += position_step) {
            OutputChunk chunk;
            chunk.channels = {k, std::min(k + channel_step, channels)};
            chunk.positions = {p, std::min(p + position_step, extent)};
            Extents part = tile;
            part[index(Dim::K)] = chunk.channels.size();
            const std::int64_t whole = core_cycles(cores, root, part);
            if (shape == nullptr) {
                part[index(layer.chunked)] = chunk.positions.size();
                chunk.cycles = core_cycles(cores, root, part);
                chunk.pieces = 0;
                if (weights != nullptr && p == 0) {
                    chunk.pieces = std::clamp(ceil_divide(weight_bytes, slot), std::int64_t{1},
                                              std::max<std::int64_t>(1, chunk.cycles));
                    chunk.lead_cycles = chunk.cycles - ceil_divide(chunk.cycles, chunk.pieces);
                    chunk.cycles -= chunk.lead_cycles;
                }
                layer.pieces += chunk.pieces;
                layer.chunks.push_back(chunk);
                continue;
            }
            const std::int64_t all_turns = turns * ceil_divide(chunk.channels.size(), unit);
            const std::int64_t last_turn = whole / all_turns;
            const std::int64_t share = last_turn * chunk.positions.end / extent -
                                       last_turn * chunk.positions.begin / extent;
            chunk.cycles = share;
            chunk.pieces = 0;
            if (p == 0) {
                chunk.pieces = weights == nullptr
                                   ? 0
                                   : std::clamp(ceil_divide(weight_bytes, slot),
                                                std::min<std::int64_t>(2, all_turns), all_turns);
                chunk.lead_cycles = whole - last_turn;
            }
            layer.pieces += chunk.pieces;
            layer.chunks.push_back(chunk);
        }
    }
}

/// The first axis along which `dim` moves; the rank where there is none.
std::size_t axis_of(const Projection& projection, Dim dim) {
    const auto found =
        std::find_if(projection.axes.begin(), projection.axes.end(), [&](const Axis& axis) {
            return std::any_of(axis.terms.begin(), axis.terms.end(),
                               [&](const AxisTerm& term) { return term.dim == dim; });
        });
    return static_cast<std::size_t>(found - projection.axes.begin());
}

}  // namespace

std::vector<Taker> takers(const Network& network, const SpatialLayer& layer,
                          const Operand& operand) {
    return takers_of(network, operand.tensor, operand.projection, layer.boxes, layer.cores);
}

bool reduces_by_channels(const Network& network, const Layer& root, const Operand& operand,
                         const SpatialLayer& reader, const SpatialLayer& maker) {
    const Tensor& view = network.tensor(operand.tensor);
    const Projection& made_as = network.layer(maker.fused->root).space.outputs().projection;
    const bool same_channels =
        axis_of(operand.projection, Dim::C) == axis_of(made_as, Dim::K) &&
        view.shape == network.tensor(network.storage(operand.tensor)).shape &&
        relevant(operand.projection, Dim::C) && !relevant(operand.projection, Dim::K) &&
        root.space.extent(Dim::G) == 1 && root.macs() > 0;
    if (!same_channels || root.space.is_plain_reduction(Dim::R)) {
        return false;
    }
    const std::int64_t read = reader.plan->split.tile[index(Dim::C)];
    const std::int64_t made = maker.plan->split.tile[index(Dim::K)];
    return read == root.space.extent(Dim::C) || read % made == 0;
}

SpatialLayer make_layer(const Network& network, const Machine& machine, const Chip& chip,
                        const Cores& cores, const FusedLayer& fused, const SpatialPlan& plan) {
    const Layer& root = network.layer(fused.root);
    SpatialLayer layer;
    layer.fused = &fused;
    layer.plan = &plan;
    layer.boxes = plan.split.boxes(root.space.box());
    MeshConfig within = *chip.mesh;
    if (plan.columns > 0) {
        within.columns = plan.columns;
        within.rows = plan.rows;
    }
    layer.cores = place_cores(plan.split, plan.layout, within, root.space.whole_dims);
    layer.shares_rows = shares_rows(root, plan.split);
    cut_chunks(layer, root, chip, cores);
    route_weights(layer, root, machine, chip);
    if (layer.shares_rows) {
        route_statistics(layer, root, machine, chip);
    } else {
        route_sums(layer, root, machine, chip);
    }
    for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
        Box box = layer.boxes[core];
        box[Dim::K] = layer.owned[core];
        if (box.points() == 0) {
            continue;
        }
        const Region region = image(root.space.outputs().projection, box);
        layer.results.push_back(
            {layer.cores[core].at,
             stored_region(network, network.layer(fused.last()).outputs.front(), region)});
    }
    return layer;
}

bool has_weights_of(const SpatialLayer& layer, const SpatialLayer& earlier) {
    return earlier.fused->weights == layer.fused->weights &&
           earlier.plan->layout == layer.plan->layout &&
           earlier.plan->split.extents == layer.plan->split.extents &&
           earlier.plan->split.tile == layer.plan->split.tile;
}

Box chunk_box(const SpatialLayer& layer, const OutputChunk& chunk, std::size_t core) {
    Box box = layer.boxes[core];
    const auto trim = [](Range& range, const Range& within) {
        range = {std::min(range.end, range.begin + within.begin),
                 std::min(range.end, range.begin + within.end)};
    };
    trim(box[Dim::K], chunk.channels);
    trim(box[layer.chunked], chunk.positions);
    return box;
}

Box owned_box(const SpatialLayer& layer, const OutputChunk& chunk, std::size_t core) {
    Box box = chunk_box(layer, chunk, core);
    box[Dim::K] = intersection(box[Dim::K], layer.owned[core]);
    return box;
}

std::int64_t chunk_sums(const Network& network, const SpatialLayer& layer) {
    const Layer& root = network.layer(layer.fused->root);
    const Bytes sums =
        stored_bytes(result_words(root, layer.plan->split.tile), root.precision.accumulator);
    return ceil_divide(sums.count(), static_cast<std::int64_t>(layer.chunks.size()));
}

std::int64_t held_words(const SpatialLayer& layer) {
    std::int64_t held = 0;
    for (const Holder& holder : layer.results) {
        held += words(holder.region);
    }
    return held;
}

std::vector<std::vector<std::size_t>> chains_of(const SpatialLayer& layer) {
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> chains;
    for (std::size_t c = 0; c < layer.cores.size(); ++c) {
        chains[{layer.cores[c].channel, layer.cores[c].position}].push_back(c);
    }
    std::vector<std::vector<std::size_t>> sorted;
    for (auto& [key, chain] : chains) {
        std::sort(chain.begin(), chain.end(), [&](std::size_t a, std::size_t b) {
            return layer.cores[a].reduction < layer.cores[b].reduction;
        });
        sorted.push_back(std::move(chain));
    }
    return sorted;
}

}  // namespace memwall
