// SPDX-License-Identifier: Apache-2.0
// The experts of a mixture that cores meet which divide its tokens by expert.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_split.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The weights of a layer whose tokens choose their expert; nullptr for any other.
const Operand* expert_weights(const Layer& layer);

/// By part of the positions, in the order of CoreSplit::boxes: the experts that it meets, of those
/// that the whole layer draws, numbered from 0. MODEL: the tokens of an expert are brought together
/// and divided in this order, an equal share for each expert drawn.
std::vector<Range> experts_by_part(const IterationSpace& space, const Projection& weights,
                                   const CoreSplit& split);

/// The most that a part of these extents meets, where all others are as large.
std::int64_t most_experts(const IterationSpace& space, const Projection& weights,
                          const Extents& part);

/// Bytes of weights that a core with such a part reads at most; all of a matrix that nobody
/// chooses.
Bytes most_weights(const IterationSpace& space, const Operand& weights, const Extents& part);

}  // namespace memwall
