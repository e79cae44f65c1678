// SPDX-License-Identifier: Apache-2.0
// What lies in the memory of each core of a split network, from which layer to which.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/placement.hpp"
#include "arch/spatial/arrivals.hpp"
#include "arch/spatial/chip.hpp"

namespace memwall {

enum class BlockKind : std::uint8_t {
    weights,       ///< of a layer, that are homed here
    state,         ///< a cache's part that is kept here, of all users
    results,       ///< of a layer, until the last of their readers is done
    arrivals,      ///< what came in for a layer
    partial_sums,  ///< what the accumulators have no room for
    instructions,  ///< a layer's, loaded while the layer before runs
};
inline constexpr std::size_t kBlockKinds = 6;
const char* name(BlockKind kind);

/// Words that lie in one core as one. Steps are fused layers; those of the next round follow on
/// those of this one.
struct CoreBlock {
    BlockKind kind = BlockKind::weights;
    TensorId tensor;        ///< as stored; none of sums and instructions
    std::size_t layer = 0;  ///< fused layer that it is of: of arrivals their reader
    Lifetime life;
    std::int64_t address = -1;  ///< in the core's memory

    [[nodiscard]] bool stays() const {
        return kind == BlockKind::weights || kind == BlockKind::state;
    }
};

/// The blocks of every core, by lane, those that stay first, without addresses.
std::vector<std::vector<CoreBlock>> find_core_blocks(const Network& network, const Chip& chip,
                                                     const SpatialNetwork& layers);

}  // namespace memwall
