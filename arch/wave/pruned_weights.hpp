// SPDX-License-Identifier: Apache-2.0
// Weights in a pattern of zeros that the lanes of a GPU pass over.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/machine.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The pattern by which a layer's weights are pruned, where the lanes pass over its zeros.
std::optional<NMSparsity> skipped_zeros(const Network& network, const Layer& layer,
                                        const MacArrayConfig& array);

/// Multiply-accumulates of a layer without those of zeros that are passed over.
std::int64_t done_macs(const Network& network, const Layer& layer, const MacArrayConfig& array);

/// What a layer touches of an operand, as it is stored: without the zeros that the lanes pass over.
Bytes stored_operand(const Network& network, const Layer& layer, const Operand& operand,
                     const MacArrayConfig& array);

}  // namespace memwall
