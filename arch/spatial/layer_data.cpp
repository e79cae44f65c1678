// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_data.hpp"

#include <algorithm>
#include <map>
#include <numeric>

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
    const std::int64_t channel_cuts = tile[index(Dim::G)] > 1 ? 1 : std::min(units, kOutputChunks);
    const std::int64_t channel_step = ceil_divide(units, channel_cuts) * unit;
    for (const Dim dim : {Dim::P, Dim::Q, Dim::N}) {
        if (tile[index(dim)] > tile[index(layer.chunked)]) {
            layer.chunked = dim;
        }
    }
    const std::int64_t extent = tile[index(layer.chunked)];
    const bool one_turn = channel_step <= unit;
    const std::int64_t position_cuts =
        one_turn ? std::min(extent, ceil_divide(kOutputChunks, channel_cuts)) : 1;
    const std::int64_t position_step = ceil_divide(extent, position_cuts);

    Extents weights_tile = tile;
    weights_tile[index(Dim::K)] = std::min(channels, channel_step);
    const Operand* weights = root.space.find(TensorRole::weights);
    const std::int64_t weight_bytes =
        weights ? most_bytes(weights->projection, weights->precision, weights_tile).count() : 0;
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

/// MODEL: each weight is stored in one core of the cores that need it, equal parts in each, and
/// streamed to the others over the model network.
void route_weights(SpatialLayer& layer, const Layer& root, const Machine& machine,
                   const Chip& chip) {
    const Operand* weights = root.space.find(TensorRole::weights);
    if (weights == nullptr) {
        return;
    }
    std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> groups;
    for (std::size_t c = 0; c < layer.cores.size(); ++c) {
        groups[{layer.cores[c].channel, layer.cores[c].reduction}].push_back(c);
    }
    MeshTraffic traffic(*chip.mesh);
    std::int64_t local = 0;
    for (const auto& [key, members] : groups) {
        const std::int64_t slice =
            stored_bytes(words(image(weights->projection, layer.boxes[members.front()])),
                         weights->precision)
                .count();
        std::vector<Router> at;
        for (const std::size_t member : members) {
            at.push_back(layer.cores[member].at);
        }
        const auto count = static_cast<std::int64_t>(members.size());
        for (std::int64_t m = 0; m < count; ++m) {
            traffic.multicast(at[static_cast<std::size_t>(m)], at, share(slice, m, count));
        }
        layer.weights_read += Bytes(slice);
        layer.weights_delivered += Bytes(slice * count);
        local = std::max(local, slice);
    }
    layer.weight_links = traffic.links(machine, chip.model_network);
    layer.weight_hops = traffic.hop_bytes();
    layer.weight_distance = traffic.longest();
    layer.weight_busiest = traffic.busiest();
    const std::int64_t width = chip.core_memory_config->read_width.count();
    layer.weight_local_cycles = width > 0 ? ceil_divide(local, width) : 0;
}

/// MODEL: cores that share outputs form a chain of neighbours. Each ends up with an equal part of
/// the channels: partial sums travel towards it from both ends and are added on the way.
void route_sums(SpatialLayer& layer, const Layer& root, const Machine& machine, const Chip& chip) {
    MeshTraffic traffic(*chip.mesh);
    const Projection& outputs = root.space.outputs().projection;
    layer.owned.resize(layer.boxes.size());
    for (const std::vector<std::size_t>& chain : chains_of(layer)) {
        const Box& box = layer.boxes[chain.front()];
        const auto shares = static_cast<std::int64_t>(chain.size());
        layer.shares = std::max(layer.shares, shares);
        const Range all = box[Dim::K];
        std::vector<std::int64_t> bytes;
        for (std::int64_t r = 0; r < shares; ++r) {
            const Range own = {all.begin + all.size() * r / shares,
                               all.begin + all.size() * (r + 1) / shares};
            layer.owned[chain[static_cast<std::size_t>(r)]] = own;
            Box part = box;
            part[Dim::K] = own;
            bytes.push_back(own.size() == 0 ? 0
                                            : stored_bytes(words(image(outputs, part)),
                                                           root.precision.accumulator)
                                                  .count());
        }
        std::int64_t before = 0;
        std::int64_t behind = std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
        for (std::size_t r = 0; r + 1 < chain.size(); ++r) {
            before += bytes[r];
            behind -= bytes[r];
            traffic.multicast(layer.cores[chain[r]].at, {layer.cores[chain[r + 1]].at}, behind);
            traffic.multicast(layer.cores[chain[r + 1]].at, {layer.cores[chain[r]].at}, before);
            layer.sums += Bytes(before + behind);
        }
    }
    layer.sum_links = traffic.links(machine, chip.partial_sum_network);
    layer.sum_hops = traffic.hop_bytes();
    layer.sum_distance = traffic.longest() * (layer.shares - 1);
    layer.sum_busiest = traffic.busiest();
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
    layer.cores = place_cores(plan.split, plan.layout, *chip.mesh);
    cut_chunks(layer, root, chip, cores);
    route_weights(layer, root, machine, chip);
    route_sums(layer, root, machine, chip);
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
