// SPDX-License-Identifier: Apache-2.0
// A layer whose tiles are given by hand: what they cost, if they fit beside what else is decided.
#include "arch/tiling/layer_tiles.hpp"
#include "arch/tiling/pass_costs.hpp"

namespace memwall {

std::optional<LayerTiling> LayerTiler::plan_given(const FusedLayer& fused, const Streams& streams,
                                                  const GivenTiling& given) {
    const Layer& root = network_.layer(fused.root);
    const std::int64_t bits = operand_bits(network_, fused);
    const bool deep = pieces(root.space.extents, *given.tile, kReductionDims) > 1;
    LayerTiling plan;
    if (deep) {
        plan = streamed_once(fused, root, streams);
    }
    plan.tile = *given.tile;
    const auto passes = given.pass ? passes_.plan_given(root, plan.tile, bits, *given.pass, aim_)
                                   : passes_.plan(root, plan.tile, bits, aim_, deep);
    if (!passes) {
        return std::nullopt;
    }
    set_passes(root, *passes, plan);
    plan.drained = passes->pass;
    if (deep) {
        plan.positions_outer = given.positions_outer.value_or(plan.positions_outer);
        plan.drained = drained_part(fused, root, streams, whole_sums(root.space, plan.tile));
        cost_deep(fused, root, streams, plan);
    } else {
        cost(fused, root, streams, plan, given.positions_outer);
    }
    const Operand* weights = root.space.find(TensorRole::weights);
    const bool slot_fits = !streams.weights || weights == nullptr ||
                           most_bytes(weights->projection, weights->precision, plan.tile).count() <=
                               streams.weight_slot;
    const std::int64_t moving =
        arriving_bytes(fused, root, streams, plan.tile) +
        leaving_bytes(fused, root, streams, deep ? plan.drained : plan.tile);
    if (!slot_fits || moving > streams.stage) {
        return std::nullopt;
    }
    finish(fused, root, streams, plan);
    return plan;
}

}  // namespace memwall
