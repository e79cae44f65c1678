// SPDX-License-Identifier: Apache-2.0
// The memory of every core, allocated: what stays at its bottom, and above it what comes and goes,
// each at the lowest address where it meets nothing that lives at the same time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/spatial/core_blocks.hpp"

namespace memwall {

/// Bytes of one core by kind, and of the gaps between.
struct CoreUse {
    std::array<Bytes, kBlockKinds> by_kind{};

    [[nodiscard]] Bytes of(BlockKind kind) const { return by_kind[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] Bytes total() const;
};

struct CoreMemory {
    std::vector<CoreBlock> blocks;
    Bytes top;  ///< one behind the highest address that is ever used

    /// What lives while a fused layer runs.
    [[nodiscard]] CoreUse use_at(std::size_t layer, std::size_t layers) const;
};

struct CoreMemories {
    std::vector<CoreMemory> cores;  ///< by lane
    Bytes capacity;                 ///< of each
    Bytes alignment;                ///< a block begins at a multiple of this
    bool weights_moved = false;     ///< out of cores that were too full
};

/// Gives every block an address. Weights of cores that are too full move to others, and their
/// traffic follows. Throws InputError where they still are, with the fullest core and its layer,
/// and Interrupted where `options` say so.
CoreMemories allocate_core_memories(const Network& network, const Machine& machine,
                                    const Chip& chip, const MapperOptions& options,
                                    SpatialNetwork& layers);

}  // namespace memwall
