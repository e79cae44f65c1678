// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/pruned_weights.hpp"

#include <bit>

namespace memwall {

// MODEL: structured sparsity: lanes pass over the zeros of weights that keep at most as many of
// each group as they can take; kept weights come with their places in the group. What is left is
// stored.
std::optional<NMSparsity> skipped_zeros(const Network& network, const Layer& layer,
                                        const MacArrayConfig& array) {
    const bool along_depth = layer.pass == LayerPass::forward;  // where zeros are a group's
    if (!array.sparse || !layer.weights.valid() || layer.macs() == 0 || !along_depth) {
        return std::nullopt;
    }
    const std::optional<Sparsity>& pruned = network.tensor(layer.weights).sparsity;
    if (!pruned || pruned->of != array.sparse->of || pruned->kept > array.sparse->kept) {
        return std::nullopt;
    }
    return array.sparse;
}

std::int64_t done_macs(const Network& network, const Layer& layer, const MacArrayConfig& array) {
    const auto sparse = skipped_zeros(network, layer, array);
    return sparse ? ceil_divide(checked_multiply(layer.macs(), sparse->kept), sparse->of)
                  : layer.macs();
}

Bytes stored_operand(const Network& network, const Layer& layer, const Operand& operand,
                     const MacArrayConfig& array) {
    const std::int64_t touched = touched_words(operand.projection, layer.space.box());
    const auto sparse =
        operand.role == TensorRole::weights ? skipped_zeros(network, layer, array) : std::nullopt;
    if (!sparse) {
        return stored_bytes(touched, operand.precision);
    }
    // A kept word, and the number of its place in the group.
    const auto place =
        static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(sparse->of - 1)));
    const std::int64_t kept = ceil_divide(touched * sparse->kept, sparse->of);
    return Bytes(ceil_divide(kept * (bits(operand.precision) + place), 8));
}

}  // namespace memwall
