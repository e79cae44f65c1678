// SPDX-License-Identifier: Apache-2.0
// What travels over the mesh from layer to layer of a split network, into the first and out of the
// last of them: bytes, links, and beside which layer's computing.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "arch/program.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/layer_data.hpp"
#include "arch/step_image.hpp"

namespace memwall {

/// A tensor on its way into one layer.
struct Arrival {
    TensorId tensor;          ///< as stored
    std::int64_t maker = -1;  ///< fused layer; -1: an input of the network
    std::size_t reader = 0;   ///< fused layer; fused.size(): an output on its way out
    std::size_t phase = 0;    ///< travels while layer phase - 1 computes
    LayerId layer;            ///< whose counters it adds to
    TensorRole role = TensorRole::inputs;
    std::vector<LinkUse> links;
    std::int64_t hops = 0;
    std::int64_t distance = 0;
    Bytes read, delivered;
    std::vector<Bytes> by_core;  ///< delivered, by lane; none: of nothing, or on its way out
    std::vector<MovePiece> pieces;
    bool by_channels = false;   ///< the reader can begin with some of the channels
    bool for_epilogue = false;  ///< read by an epilogue, not by the layer itself
};

/// All that emission needs and that does not depend on the schedule.
struct SpatialNetwork {
    std::vector<SpatialLayer> layers;
    std::vector<Arrival> arrivals;  ///< in the order in which they travel
    /// Layers of the round before, while which the inputs of the first layer travel, part by part.
    std::vector<std::size_t> input_phases;
    /// Rounds, each of other items, until the first items come again: caches are kept of all.
    std::int64_t rounds_apart = 1;
};

/// Fills in the arrivals and input phases of a network whose layers are there; with the pieces that
/// travel where `options` ask for images. Throws Interrupted where they say so.
void find_arrivals(const Network& network, const Machine& machine, const Chip& chip,
                   const MapperOptions& options, SpatialNetwork& result);

}  // namespace memwall
