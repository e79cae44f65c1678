// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/layer_passes.hpp"

#include <algorithm>

#include "arch/core_work.hpp"
#include "arch/tiling/pass_costs.hpp"

namespace memwall {

LayerPasses::LayerPasses(const Network& of_network, const FusedLayer& layer,
                         const Layer& root_layer, const LayerTiling& layer_plan)
    : network(of_network),
      fused(layer),
      root(root_layer),
      plan(layer_plan),
      sequence(pass_sequence(root, layer_plan)) {}

Box LayerPasses::tile_box(std::size_t p) const {
    Box tile = pass(p).box;
    for (const Dim dim : all_dims()) {
        const std::int64_t size = plan.tile[index(dim)];
        const std::int64_t begin = tile[dim].begin / size * size;
        tile[dim] = {begin, std::min(begin + size, root.space.extent(dim))};
    }
    return tile;
}

std::size_t LayerPasses::first_pass(std::size_t p) const {
    while (!pass(p).starts) {
        --p;
    }
    return p;
}

CoreSplit LayerPasses::split(const Box& box) const {
    CoreSplit split;
    for (const Dim dim : all_dims()) {
        split.extents[index(dim)] = box[dim].size();
        split.tile[index(dim)] = std::min(plan.passes.core[index(dim)], box[dim].size());
    }
    return split;
}

std::vector<CoreBox> LayerPasses::core_boxes(const Box& box) const {
    const CoreSplit full{plan.passes.pass, plan.passes.core};
    std::vector<CoreBox> found;
    for (const Box& part : split(box).boxes(box)) {
        std::int64_t lane = 0;
        for (const Dim dim : all_dims()) {
            const std::int64_t number = (part[dim].begin - box[dim].begin) / full.tile[index(dim)];
            lane = lane * full.parts(dim) + number;
        }
        found.push_back({static_cast<std::size_t>(lane), part});
    }
    return found;
}

std::vector<CoreBox> LayerPasses::owners(std::size_t p) const {
    std::vector<CoreBox> found;
    std::vector<Region> seen;
    for (const CoreBox& core : core_boxes(first_box(p))) {
        const Region part = results(core.box);
        if (std::find(seen.begin(), seen.end(), part) == seen.end()) {
            seen.push_back(part);
            found.push_back(core);
        }
    }
    return found;
}

std::vector<Box> LayerPasses::drained_parts(std::size_t p) const {
    if (plan.drained == plan.passes.pass) {
        return {first_box(p)};
    }
    Extents part = plan.drained;
    for (const Dim dim : kReductionDims) {
        part[index(dim)] = root.space.extent(dim);
    }
    return cut(first_box(p), part, true);
}

std::int64_t LayerPasses::drains() const {
    if (plan.drained == plan.passes.pass) {
        return sequence.finished;
    }
    std::int64_t parts = 0;
    for (std::size_t p = 0; p < sequence.passes.size(); ++p) {
        parts += pass(p).finishes ? static_cast<std::int64_t>(drained_parts(p).size()) : 0;
    }
    return parts;
}

std::int64_t LayerPasses::tiles() const {
    return static_cast<std::int64_t>(sequence.tile_visits.back().size());
}

const Visit& LayerPasses::tile_of_results(std::size_t p) const {
    return sequence.tile_visits.back()[pass(p).tile_visit.back()];
}

Region LayerPasses::results(const Box& box) const {
    return image(root.space.outputs().projection, box);
}

Region LayerPasses::operand_region(std::size_t i, const Box& box) const {
    const Layer& epilogue = network.layer(fused.operand_of[i]);
    return image(fused.operand(network, i).projection, box_of_results(epilogue, results(box)));
}

}  // namespace memwall
