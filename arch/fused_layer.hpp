// SPDX-License-Identifier: Apache-2.0
// What a mapper maps as one: a layer and the pointwise layers that run on its result on the way
// out.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// A layer with its epilogues. The result of all but the last is never stored.
struct FusedLayer {
    LayerId root;
    std::vector<LayerId> epilogues;   ///< in order
    std::vector<TensorId> inputs;     ///< the root's, as storage; each once
    std::vector<TensorId> operands;   ///< of the epilogues, besides the running result; as storage
    std::vector<LayerId> operand_of;  ///< the epilogue that reads operands[i]
    std::vector<std::size_t> operand_at;  ///< which operand of that epilogue it is
    TensorId weights;                     ///< none for most ops
    TensorId output;                      ///< the last one's result, as storage

    [[nodiscard]] LayerId last() const { return epilogues.empty() ? root : epilogues.back(); }
    /// operands[i] as its epilogue sees it.
    [[nodiscard]] const Operand& operand(const Network& network, std::size_t i) const {
        return network.layer(operand_of[i]).space.operands[operand_at[i]];
    }
};

/// All layers that do work, in order, each exactly once. A pointwise layer joins the layer that
/// makes the latest of its inputs, if nothing else reads that result.
std::vector<FusedLayer> fuse_layers(const Network& network);

/// Bits of the other operands of the epilogues, a word of the result.
std::int64_t operand_bits(const Network& network, const FusedLayer& fused);

/// Bytes of weights that a part of the layer reads: of a gather the rows that are drawn.
std::int64_t weight_bytes_read(const Network& network, const FusedLayer& fused,
                               const Extents& part);

}  // namespace memwall
