// SPDX-License-Identifier: Apache-2.0
// Transpositions that cost nothing, since the layers around them reach the words where they lie.
#pragma once

#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// The layers that move all words of their input, with its axes in another order, at no cost.
/// Producers and consumers of `parts` are known, and which layers rename words or take parts of
/// tensors (no_work).
std::vector<LayerId> free_transpositions(const NetworkParts& parts);

}  // namespace memwall
