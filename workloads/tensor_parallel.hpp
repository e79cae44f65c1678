// SPDX-License-Identifier: Apache-2.0
// A network as one of several cards computes it that share each of its layers (Shoeybi et al.,
// Megatron-LM, arXiv 1909.08053).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/layer_shares.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// What one card does. All do the same on different parts of weights and caches, so one stands for
/// all of them.
struct TensorParallelPart {
    Network network;  ///< with a layer for each collective, named LAYER.all_reduce
    std::vector<std::string> undivided;  ///< layers with MACs that every card does whole
    std::vector<std::string> copied;     ///< those of which several cards do the same part
};

/// The share of one of `cards` cards; 1: the network as it is. The batch is the same on all.
TensorParallelPart tensor_parallel_part(const Network& network, std::int64_t cards,
                                        PartsInside inside = PartsInside::gathered);

}  // namespace memwall
