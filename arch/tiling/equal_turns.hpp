// SPDX-License-Identifier: Apache-2.0
// Tiles of a layer that repeat along one of its dimensions, so that a program need not say the same
// again for each.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/tiling/network_plan.hpp"

namespace memwall {

/// A layer's turns along one dimension: its tiles that have the same place there. Most of them are
/// equal, in themselves and in what they share with the turn before and after.
struct EqualTurns {
    Dim dim = Dim::P;
    std::int64_t size = 1;   ///< of a turn along the dimension
    std::int64_t equal = 0;  ///< the first turn that stands for others
    std::int64_t turns = 1;  ///< how many it stands for, itself included
    Layer shorter;           ///< without those others, and without a mask: else the same layer

    /// Whether a pass of the shorter layer is in the turn that stands for others.
    [[nodiscard]] bool stands(const Box& pass) const { return pass[dim].begin / size == equal; }
};

/// Along the dimension with the most tiles; nothing where they are too few to be worth it, or where
/// the data choose what a tile reads.
std::optional<EqualTurns> find_equal_turns(const Layer& root, const LayerTiling& plan);

}  // namespace memwall
