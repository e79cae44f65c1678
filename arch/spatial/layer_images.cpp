// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/layer_images.hpp"

#include <algorithm>

namespace memwall {
namespace {

std::int64_t lane(const Chip& chip, const SpatialLayer& layer, std::size_t core) {
    return lane_of(layer.cores[core].at, *chip.mesh);
}

/// What one core computes of a layer, from its own memories into its accumulators.
ComputePiece on_core(const Chip& chip, LayerId id, const Box& box, std::int64_t lane) {
    return {
        id,  box, {chip.core_memory, lane}, {chip.weight_buffer, lane}, {chip.accumulators, lane},
        true};
}

const Projection& outputs_of(const Network& network, const SpatialLayer& layer) {
    return network.layer(layer.fused->root).space.outputs().projection;
}

}  // namespace

StepImage weights_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                        const OutputChunk& chunk) {
    const Operand& weights = *network.layer(layer.fused->root).space.find(TensorRole::weights);
    StepImage step;
    for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
        Box box = layer.boxes[core];
        const Range all = box[Dim::K];
        box[Dim::K] = {std::min(all.end, all.begin + chunk.channels.begin),
                       std::min(all.end, all.begin + chunk.channels.end)};
        if (box.points() > 0) {
            step.moves.push_back({layer.fused->weights,
                                  image(weights.projection, box),
                                  {chip.core_memory, -1},
                                  {Place{chip.weight_buffer, lane(chip, layer, core)}},
                                  false});
        }
    }
    return step;
}

StepImage compute_image(const Chip& chip, const SpatialLayer& layer, const OutputChunk& chunk) {
    StepImage step;
    for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
        const Box box = chunk_box(layer, chunk, core);
        if (box.points() > 0) {
            step.computes.push_back(on_core(chip, layer.fused->root, box, lane(chip, layer, core)));
        }
    }
    return step;
}

StepImage rows_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                     const OutputChunk& chunk) {
    const Operand& inputs = *network.layer(layer.fused->root).space.find(TensorRole::inputs);
    StepImage step;
    for (const std::vector<std::size_t>& chain : chains_of(layer)) {
        for (const std::size_t from : chain) {
            MovePiece piece{inputs.tensor,
                            image(inputs.projection, chunk_box(layer, chunk, from)),
                            {chip.core_memory, lane(chip, layer, from)},
                            {},
                            false};
            for (const std::size_t to : chain) {
                if (to != from) {
                    piece.to.push_back({chip.core_memory, lane(chip, layer, to)});
                }
            }
            if (words(piece.region) > 0 && !piece.to.empty()) {
                step.moves.push_back(std::move(piece));
            }
        }
    }
    return step;
}

StepImage sums_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                     const OutputChunk& chunk) {
    const TensorId sums = network.layer(layer.fused->root).outputs.front();
    StepImage step;
    for (const std::vector<std::size_t>& chain : chains_of(layer)) {
        for (std::size_t owner = 0; owner < chain.size(); ++owner) {
            const Box box = owned_box(layer, chunk, chain[owner]);
            if (box.points() == 0) {
                continue;
            }
            const auto hop = [&](std::size_t from, std::size_t to) {
                step.moves.push_back({sums,
                                      image(outputs_of(network, layer), box),
                                      {chip.accumulators, lane(chip, layer, chain[from])},
                                      {Place{chip.accumulators, lane(chip, layer, chain[to])}},
                                      true});
            };
            for (std::size_t r = 0; r < owner; ++r) {
                hop(r, r + 1);
            }
            for (std::size_t r = chain.size() - 1; r > owner; --r) {
                hop(r, r - 1);
            }
        }
    }
    return step;
}

StepImage epilogue_image(const Network& network, const Chip& chip, const SpatialLayer& layer,
                         LayerId epilogue, const OutputChunk& chunk) {
    StepImage step;
    for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
        const Box box = owned_box(layer, chunk, core);
        if (box.points() > 0) {
            const Region results = image(outputs_of(network, layer), box);
            step.computes.push_back(on_core(chip, epilogue,
                                            box_of_results(network.layer(epilogue), results),
                                            lane(chip, layer, core)));
        }
    }
    return step;
}

void add_results(const Network& network, const Chip& chip, const SpatialLayer& layer,
                 const OutputChunk& chunk, StepImage& to) {
    const TensorId results = network.layer(layer.fused->last()).outputs.front();
    for (std::size_t core = 0; core < layer.boxes.size(); ++core) {
        const Box box = owned_box(layer, chunk, core);
        if (box.points() > 0) {
            to.moves.push_back({results,
                                image(outputs_of(network, layer), box),
                                {chip.accumulators, lane(chip, layer, core)},
                                {Place{chip.core_memory, lane(chip, layer, core)}},
                                false});
        }
    }
}

}  // namespace memwall
