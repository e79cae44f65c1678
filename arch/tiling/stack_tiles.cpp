// SPDX-License-Identifier: Apache-2.0
// The tiles of a layer in a stack: their size is given.
#include "arch/tiling/layer_tiles.hpp"
#include "arch/tiling/pass_costs.hpp"

namespace memwall {

std::optional<std::int64_t> LayerTiler::plan_restarting(std::size_t f, const Streams& streams,
                                                        const Extents& tile, LayerTiling& layer) {
    const FusedLayer& fused = fused_[f];
    const Layer& root = network_.layer(fused.root);
    const auto passes = passes_.plan(root, tile, operand_bits(network_, fused), aim_);
    if (!passes) {
        return std::nullopt;
    }
    LayerTiling plan;
    plan.tile = tile;
    plan.restarts = true;
    plan.weights_resident = layer.weights_resident;
    set_passes(root, *passes, plan);
    plan.drained = passes->pass;
    cost(fused, root, streams, plan);
    plan.exposed_cycles = exposed(fused, root, streams, plan);
    const std::int64_t arriving = arriving_bytes(fused, root, streams, tile);
    plan.start_cycles = static_cast<double>(arriving) / 2 / dram_.bytes_per_cycle;
    layer = plan;
    return arriving + leaving_bytes(fused, root, streams, plan.drained);
}

}  // namespace memwall
