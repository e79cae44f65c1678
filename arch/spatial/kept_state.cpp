// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/kept_state.hpp"

#include <algorithm>

namespace memwall {
namespace {

/// The axis of a state along which it grows, in a shape.
std::size_t growth_axis(const Tensor& state) {
    return state.shape.size() - 2;
}

/// Positions of a state that were there before the round.
std::int64_t earlier_positions(const Network& network, TensorId state) {
    const Tensor& kept = network.tensor(state);
    std::int64_t earlier = kept.shape[growth_axis(kept)];
    for (const Tensor& tensor : network.tensors()) {
        if (tensor.alias && tensor.alias->of == state && tensor.alias->axis >= 0) {
            earlier = std::min(earlier, tensor.alias->offset);
        }
    }
    if (!kept.producer.valid()) {
        return earlier;
    }
    const Layer& maker = network.layer(kept.producer);
    if (!maker.no_work) {
        const Axis& axis = maker.space.outputs().projection.axes[growth_axis(kept) + 1];
        earlier = std::min(earlier, axis.offset);
    }
    return earlier;
}

}  // namespace

bool is_kept(const Network& network, TensorId stored) {
    return network.tensor(stored).kind == TensorKind::state;
}

// MODEL: a cache lies in the cores that read it, evenly over them, each word once; it does not move
// while it grows.
void keep_once(const Network& network, const Layer& root, std::vector<CoreSplit>& splits) {
    for (const Operand& operand : root.space.operands) {
        if (operand.role != TensorRole::state || earlier_positions(network, operand.tensor) == 0) {
            continue;
        }
        for (CoreSplit& split : splits) {
            for (const Dim dim : all_dims()) {
                if (!relevant(operand.projection, dim)) {
                    split.tile[index(dim)] = split.extents[index(dim)];
                }
            }
        }
    }
}

std::shared_ptr<const StepImage> kept_image(const Network& network, const Chip& chip,
                                            const SpatialLayer& layer) {
    auto image_of_kept = std::make_shared<StepImage>();
    for (const Operand& operand : network.layer(layer.fused->root).space.operands) {
        if (operand.role != TensorRole::state) {
            continue;
        }
        const std::size_t axis = growth_axis(network.tensor(operand.tensor)) + 1;
        const Range earlier = {0, earlier_positions(network, operand.tensor)};
        for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
            Region region = image(operand.projection, layer.boxes[core]);
            region[axis] = intersection(region[axis], earlier);
            if (words(region) > 0) {
                image_of_kept->moves.push_back(
                    {operand.tensor,
                     region,
                     {chip.host, -1},
                     {Place{chip.core_memory, lane_of(layer.cores[core].at, *chip.mesh)}},
                     false});
            }
        }
    }
    return image_of_kept->moves.empty() ? nullptr : image_of_kept;
}

}  // namespace memwall
