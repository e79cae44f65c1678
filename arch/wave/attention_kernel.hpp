// SPDX-License-Identifier: Apache-2.0
// How one kernel goes through the scores, the softmax and the context of an attention.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/tiling/hierarchy.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Blocks of queries, each of which meets blocks of keys and values one after another.
struct AttentionBlocks {
    std::int64_t rows = 0;        ///< queries of a block
    std::int64_t keys = 0;        ///< of a block; 0: all, whose scores lie in the registers at once
    std::int64_t row_blocks = 0;  ///< of a head that has keys and values of its own
    std::int64_t met_keys = 0;    ///< that a block of queries meets, on average
    double key_passes = 0;        ///< times that all keys of a head go to the cores
    std::int64_t dram_passes = 1;  ///< times that they come from the DRAM
    std::int64_t rescaling = 0;    ///< elementwise operations beside those of the softmax
};

/// The blocks of the attention whose products are `scores` and `values`, in the batch of the
/// network; none where no block fits a core.
std::optional<AttentionBlocks> attention_blocks(const Layer& scores, const Layer& values,
                                                const Hierarchy& gpu);

}  // namespace memwall
