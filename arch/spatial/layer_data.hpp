// SPDX-License-Identifier: Apache-2.0
// Everything about a split layer that does not change from step to step: cores, traffic, chunks.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/fused_layer.hpp"
#include "arch/spatial/chip.hpp"
#include "arch/spatial/exchange.hpp"
#include "arch/spatial/layer_plan.hpp"

namespace memwall {

/// A chunk of every core's results: ranges within a core's tile.
struct OutputChunk {
    Range channels;                ///< of K
    Range positions;               ///< of the dimension that chunks are cut along
    std::int64_t cycles = 0;       ///< of computing it, once its last piece of weights is there
    std::int64_t lead_cycles = 0;  ///< of the reduction turns before, all pieces but the last
    std::int64_t pieces = 1;       ///< of weights that arrive for it; 0: those of the chunk before
};

/// Weights that some cores share, and where they lie.
struct WeightGroup {
    struct Home {
        Router at;
        std::int64_t bytes = 0;
    };

    std::vector<std::size_t> members;  ///< cores of the layer
    std::int64_t bytes = 0;
    std::vector<Home> homes;   ///< all of the bytes, each once
    std::int64_t experts = 0;  ///< that the bytes are of; 0: no mixture, every member needs all
    std::vector<Range> drawn = {};  ///< of a mixture, by member: experts_by_part()
};

struct SpatialLayer {
    const FusedLayer* fused = nullptr;
    const SpatialPlan* plan = nullptr;
    bool loads_weights = false;   ///< else they are where an earlier layer has them, or it has none
    std::vector<Box> boxes;       ///< by core
    std::vector<GridCore> cores;  ///< by core
    std::vector<Range> owned;     ///< by core: the channels (K) whose results it ends up with
    Dim chunked = Dim::P;         ///< positions are cut along this
    std::vector<OutputChunk> chunks;
    std::int64_t pieces = 0;   ///< of weights, all chunks together
    std::int64_t shares = 1;   ///< cores that share an output, or a row that is normalised over
    bool shares_rows = false;  ///< the latter: they exchange statistics, and own their parts

    std::vector<WeightGroup> weight_groups;  ///< none of a table from which rows are drawn
    std::vector<LinkUse> weight_links;       ///< the whole layer's weights
    std::int64_t weight_hops = 0;
    Bytes weights_read, weights_delivered;
    std::int64_t weight_distance = 0;
    std::int64_t weight_busiest = 0;       ///< bytes on the busiest link
    std::int64_t weight_local_cycles = 0;  ///< a core's own weights into its lanes' buffer

    std::vector<LinkUse> sum_links;
    std::int64_t sum_hops = 0;
    Bytes sums;
    std::int64_t sum_distance = 0;
    std::int64_t sum_busiest = 0;  ///< bytes on the busiest link

    Router program_home;  ///< where the layer's program lies
    std::vector<LinkUse> program_links;
    std::int64_t program_hops = 0;
    std::int64_t program_distance = 0;

    std::vector<Holder> results;  ///< where the output lies
};

/// The inputs of the layer that one of its operands reads, by the cores that need them.
std::vector<Taker> takers(const Network& network, const SpatialLayer& layer,
                          const Operand& operand);

/// Whether a layer can begin to sum over the channels that its maker finishes first: every core
/// needs as large a part of each of the maker's chunks.
bool reduces_by_channels(const Network& network, const Layer& root, const Operand& operand,
                         const SpatialLayer& reader, const SpatialLayer& maker);

SpatialLayer make_layer(const Network& network, const Machine& machine, const Chip& chip,
                        const Cores& cores, const FusedLayer& fused, const SpatialPlan& plan);

/// Whether a layer finds its weights where an earlier one has them: both share them and are split
/// alike.
bool has_weights_of(const SpatialLayer& layer, const SpatialLayer& earlier);

/// What a core computes of a chunk; and of what it ends up with the results. Perhaps empty.
Box chunk_box(const SpatialLayer& layer, const OutputChunk& chunk, std::size_t core);
Box owned_box(const SpatialLayer& layer, const OutputChunk& chunk, std::size_t core);

/// Bytes of the sums of one chunk in a core.
std::int64_t chunk_sums(const Network& network, const SpatialLayer& layer);

/// Words of results in all cores together.
std::int64_t held_words(const SpatialLayer& layer);

/// The cores that share the outputs of one core, in the order of their chain.
std::vector<std::vector<std::size_t>> chains_of(const SpatialLayer& layer);

}  // namespace memwall
