// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_routes.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "arch/expert_parts.hpp"

namespace memwall {
namespace {

/// Cores that need the same weights. Those of an array differ by channel and reduction only.
std::vector<std::vector<std::size_t>> cores_that_share(const SpatialLayer& layer, const Layer& root,
                                                       const Operand& weights) {
    std::vector<std::vector<std::size_t>> groups;
    if (root.macs() > 0) {
        std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> by_part;
        for (std::size_t c = 0; c < layer.cores.size(); ++c) {
            by_part[{layer.cores[c].channel, layer.cores[c].reduction}].push_back(c);
        }
        for (auto& [part, members] : by_part) {
            groups.push_back(std::move(members));
        }
        return groups;
    }
    std::vector<Region> regions;
    for (std::size_t c = 0; c < layer.cores.size(); ++c) {
        const Region region = image(weights.projection, layer.boxes[c]);
        const auto same = std::find(regions.begin(), regions.end(), region);
        if (same == regions.end()) {
            regions.push_back(region);
            groups.push_back({c});
        } else {
            groups[static_cast<std::size_t>(same - regions.begin())].push_back(c);
        }
    }
    return groups;
}

/// `local`: bytes of the fullest core's own weights.
void set_weight_traffic(SpatialLayer& layer, const MeshTraffic& traffic, std::int64_t local,
                        const Machine& machine, const Chip& chip) {
    layer.weight_links = traffic.links(machine, chip.model_network);
    layer.weight_hops = traffic.hop_bytes();
    layer.weight_distance = traffic.longest();
    layer.weight_busiest = traffic.busiest();
    const std::int64_t width = chip.core_memory_config->read_width.count();
    layer.weight_local_cycles = width > 0 ? ceil_divide(local, width) : 0;
}

/// The draws of a box, numbered in the layer: every combination of the dimensions that draw.
std::vector<std::int64_t> draws_of(const Axis& rows, const IterationSpace& space, const Box& box) {
    std::vector<std::int64_t> draws = {0};
    for (const AxisTerm& term : rows.terms) {
        std::vector<std::int64_t> finer;
        for (const std::int64_t draw : draws) {
            for (std::int64_t at = box[term.dim].begin; at < box[term.dim].end; ++at) {
                finer.push_back(draw * space.extent(term.dim) + at);
            }
        }
        draws = std::move(finer);
    }
    return draws;
}

/// MODEL: a table from which rows are drawn lies in equal bands of rows in all cores; the rows
/// drawn lie at equal distances over it and travel over the model network.
void route_draws(SpatialLayer& layer, const Layer& root, const Operand& table,
                 const Machine& machine, const Chip& chip) {
    const Axis& rows = table.projection.axes.front();
    const std::int64_t all =
        static_cast<std::int64_t>(draws_of(rows, root.space, root.space.box()).size());
    MeshTraffic traffic(*chip.mesh);
    std::int64_t most = 0;
    for (std::size_t c = 0; c < layer.boxes.size(); ++c) {
        Region drawn = image(table.projection, layer.boxes[c]);
        drawn[0] = {0, 1};
        const std::int64_t bytes = stored_bytes(words(drawn), table.precision).count();
        std::int64_t received = 0;
        for (const std::int64_t draw : draws_of(rows, root.space, layer.boxes[c])) {
            const std::int64_t core = (2 * draw + 1) * chip.cores / (2 * all);
            traffic.multicast({core % chip.mesh->columns, core / chip.mesh->columns},
                              Destinations({layer.cores[c].at}), bytes);
            received += bytes;
        }
        layer.weights_read += Bytes(received);
        layer.weights_delivered += Bytes(received);
        most = std::max(most, received);
    }
    set_weight_traffic(layer, traffic, most, machine, chip);
}

/// MODEL: every core of those that have the same part of the experts' matrices stores an equal part
/// of each expert; an expert goes to the cores whose tokens draw it. Bytes of the fullest core.
std::int64_t route_experts(SpatialLayer& layer, const WeightGroup& group, MeshTraffic& traffic) {
    std::vector<std::int64_t> received(group.members.size());
    const std::int64_t drawn = group.drawn.back().end;
    for (std::int64_t expert = 0; expert < drawn; ++expert) {
        std::int64_t bytes = 0;
        std::vector<Router> at;
        for (const WeightGroup::Home& home : group.homes) {
            bytes += share(home.bytes, expert, group.experts);
        }
        for (std::size_t m = 0; m < group.members.size(); ++m) {
            if (group.drawn[m].begin <= expert && expert < group.drawn[m].end) {
                at.push_back(layer.cores[group.members[m]].at);
                received[m] += bytes;
            }
        }
        const Destinations to(std::move(at));
        for (const WeightGroup::Home& home : group.homes) {
            traffic.multicast(home.at, to, share(home.bytes, expert, group.experts));
        }
        layer.weights_read += Bytes(bytes);
        layer.weights_delivered += Bytes(bytes) * to.count();
    }
    return *std::max_element(received.begin(), received.end());
}

}  // namespace

bool shares_rows(const Layer& root, const CoreSplit& split) {
    return std::any_of(root.space.whole_dims.begin(), root.space.whole_dims.end(),
                       [&](Dim dim) { return split.parts(dim) > 1; });
}

/// MODEL: each weight is stored in one core of the cores that need it, equal parts in each, and
/// streamed to the others over the model network.
void route_weights(SpatialLayer& layer, const Layer& root, const Machine& machine,
                   const Chip& chip) {
    const Operand* weights = root.space.find(TensorRole::weights);
    if (weights == nullptr) {
        return;
    }
    const bool chosen = expert_weights(root) != nullptr;
    if (weights->projection.gather && !chosen) {
        route_draws(layer, root, *weights, machine, chip);
        return;
    }
    const std::vector<Range> drawn =
        chosen ? experts_by_part(root.space, weights->projection, layer.plan->split)
               : std::vector<Range>();
    for (std::vector<std::size_t>& members : cores_that_share(layer, root, *weights)) {
        WeightGroup group;
        group.bytes = stored_bytes(words(image(weights->projection, layer.boxes[members.front()])),
                                   weights->precision)
                          .count();
        const auto count = static_cast<std::int64_t>(members.size());
        for (std::int64_t m = 0; m < count; ++m) {
            group.homes.push_back({layer.cores[members[static_cast<std::size_t>(m)]].at,
                                   share(group.bytes, m, count)});
        }
        group.experts = chosen ? weights->projection.axes.front().extent : 0;
        group.drawn = drawn;
        group.members = std::move(members);
        layer.weight_groups.push_back(std::move(group));
    }
    route_from_homes(layer, machine, chip);
}

void route_from_homes(SpatialLayer& layer, const Machine& machine, const Chip& chip) {
    MeshTraffic traffic(*chip.mesh);
    std::int64_t local = 0;
    layer.weights_read = layer.weights_delivered = Bytes(0);
    for (const WeightGroup& group : layer.weight_groups) {
        if (group.experts > 0) {
            local = std::max(local, route_experts(layer, group, traffic));
            continue;
        }
        std::vector<Router> at;
        for (const std::size_t member : group.members) {
            at.push_back(layer.cores[member].at);
        }
        const Destinations to_all(at);
        for (const WeightGroup::Home& home : group.homes) {
            traffic.multicast(home.at, to_all, home.bytes);
        }
        layer.weights_read += Bytes(group.bytes);
        layer.weights_delivered +=
            Bytes(group.bytes) * static_cast<std::int64_t>(group.members.size());
        local = std::max(local, group.bytes);
    }
    set_weight_traffic(layer, traffic, local, machine, chip);
}

/// MODEL: all cores run the same program of a layer, each on addresses of its own. It is stored
/// once, the programs of a network in one core after the other, and goes to all cores as one
/// multicast over the instruction network.
void route_program(SpatialLayer& layer, std::size_t f, const Machine& machine, const Chip& chip) {
    const std::int64_t columns = chip.mesh->columns;
    const std::int64_t lane = static_cast<std::int64_t>(f) % chip.cores;
    layer.program_home = {lane % columns, lane / columns};
    if (chip.program == Bytes(0)) {
        return;
    }
    std::vector<Router> all;
    for (std::int64_t core = 0; core < chip.cores; ++core) {
        all.push_back({core % columns, core / columns});
    }
    MeshTraffic traffic(*chip.mesh);
    traffic.multicast(layer.program_home, Destinations(std::move(all)), chip.program.count());
    layer.program_links = traffic.links(machine, chip.instruction_network);
    layer.program_hops = traffic.hop_bytes();
    layer.program_distance = traffic.longest();
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
            const Router left = layer.cores[chain[r]].at;
            const Router right = layer.cores[chain[r + 1]].at;
            traffic.multicast(left, Destinations({right}), behind);
            traffic.multicast(right, Destinations({left}), before);
            layer.sums += Bytes(before + behind);
        }
    }
    layer.sum_links = traffic.links(machine, chip.partial_sum_network);
    layer.sum_hops = traffic.hop_bytes();
    layer.sum_distance = traffic.longest() * (layer.shares - 1);
    layer.sum_busiest = traffic.busiest();
}

/// MODEL: cores that have parts of one row that is normalised over form a chain of neighbours. Two
/// sums of each row (or its maximum and sum) travel along it both ways and are brought up to date
/// on the way.
void route_statistics(SpatialLayer& layer, const Layer& root, const Machine& machine,
                      const Chip& chip) {
    constexpr std::int64_t kStatistics = 2;
    MeshTraffic traffic(*chip.mesh);
    for (const Box& box : layer.boxes) {
        layer.owned.push_back(box[Dim::K]);
    }
    for (const std::vector<std::size_t>& chain : chains_of(layer)) {
        Box row_heads = layer.boxes[chain.front()];
        for (const Dim dim : root.space.whole_dims) {
            row_heads[dim] = {0, 1};
        }
        const Bytes bytes =
            stored_bytes(row_heads.points() * kStatistics, root.precision.accumulator);
        layer.shares = std::max(layer.shares, static_cast<std::int64_t>(chain.size()));
        for (std::size_t r = 0; r + 1 < chain.size(); ++r) {
            const Router left = layer.cores[chain[r]].at;
            const Router right = layer.cores[chain[r + 1]].at;
            traffic.multicast(left, Destinations({right}), bytes.count());
            traffic.multicast(right, Destinations({left}), bytes.count());
            layer.sums += bytes * 2;
        }
    }
    layer.sum_links = traffic.links(machine, chip.partial_sum_network);
    layer.sum_hops = traffic.hop_bytes();
    layer.sum_distance = traffic.longest() * (layer.shares - 1);
    layer.sum_busiest = traffic.busiest();
}

}  // namespace memwall
