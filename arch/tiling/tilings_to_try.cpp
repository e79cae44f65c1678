// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/tilings_to_try.hpp"

#include <algorithm>

#include "arch/core_split.hpp"
#include "arch/split_search.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Dimensions that tiles may be cut along.
std::vector<Dim> dims_of_tiles(const Layer& layer) {
    std::vector<Dim> found;
    for (const Dim dim : cut_order(true)) {
        const bool sums =
            std::find(kReductionDims.begin(), kReductionDims.end(), dim) != kReductionDims.end();
        if (layer.space.extent(dim) > 1 && !layer.space.normalises(dim) &&
            (!sums || layer.macs() > 0)) {
            found.push_back(dim);
        }
    }
    return found;
}

/// Sizes of a tile: half, a quarter, one.
std::vector<std::int64_t> sizes_of(std::int64_t extent) {
    std::vector<std::int64_t> sizes;
    for (const std::int64_t parts : {std::int64_t{2}, std::int64_t{4}, extent}) {
        const std::int64_t size = ceil_divide(extent, parts);
        if (size < extent && (sizes.empty() || size < sizes.back())) {
            sizes.push_back(size);
        }
    }
    return sizes;
}

GivenTiling tiled(const Extents& tile) {
    GivenTiling tiling;
    tiling.tile = tile;
    return tiling;
}

void add_tiles(const Layer& layer, std::vector<GivenTiling>& found) {
    const std::vector<Dim> dims = dims_of_tiles(layer);
    for (std::size_t i = 0; i < dims.size(); ++i) {
        for (const std::int64_t size : sizes_of(layer.space.extent(dims[i]))) {
            Extents tile = layer.space.extents;
            tile[index(dims[i])] = size;
            found.push_back(tiled(tile));
            for (std::size_t k = i + 1; k < dims.size(); ++k) {
                for (const std::int64_t other : sizes_of(layer.space.extent(dims[k]))) {
                    Extents both = tile;
                    both[index(dims[k])] = other;
                    found.push_back(tiled(both));
                }
            }
        }
    }
}

void add_splits(const Layer& layer, std::int64_t cores, std::vector<GivenTiling>& found) {
    SplitRules rules;
    rules.cores = cores;
    const Extents whole = layer.space.extents;
    for (const Dim dim : dims_to_cut(layer.space, rules)) {
        Extents core = whole;
        core[index(dim)] = ceil_divide(whole[index(dim)], cores);
        GivenTiling tiling = tiled(whole);
        tiling.pass = GivenPass{whole, std::nullopt, core};
        found.push_back(tiling);
    }
}

}  // namespace

bool is_short(const Network& network, const NetworkPlan& plan) {
    constexpr std::int64_t kFewPasses = 256;
    std::int64_t passes = 0;
    for (std::size_t f = 0; f < plan.fused.size(); ++f) {
        const LayerTiling& layer = plan.layers[f];
        passes += pieces(network.layer(plan.fused[f].root).space.extents, layer.tile) *
                  pieces(layer.tile, layer.passes.pass);
    }
    return passes <= kFewPasses;
}

std::vector<GivenTiling> tilings_to_try(const Network& network, const FusedLayer& fused,
                                        const Hierarchy& hierarchy) {
    const Layer& layer = network.layer(fused.root);
    std::vector<GivenTiling> found;
    if (updates_operands(layer.space) || layer.space.extent(Dim::G) > 1 ||
        layer.space.extent(Dim::H) > 1) {
        return found;
    }
    add_splits(layer, hierarchy.cores, found);
    add_tiles(layer, found);
    return found;
}

}  // namespace memwall
