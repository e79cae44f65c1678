// SPDX-License-Identifier: Apache-2.0
// Finds blocks of equal layers in a planned network (those of a transformer), so that a program
// need not say the same again for each.
#pragma once

#include <cstddef>
#include <optional>

#include "arch/program.hpp"
#include "arch/tiling/network_plan.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Blocks of fused layers that follow one that is equal to them in every respect.
struct EqualBlocks {
    std::size_t begin = 0;   ///< fused layer that begins the first block to be left out
    std::size_t period = 0;  ///< fused layers of a block
    std::size_t count = 0;   ///< blocks that may be left out
    Repetition layers;       ///< the same in layers of the network

    [[nodiscard]] bool leaves_out(std::size_t f) const {
        return f >= begin && f < begin + period * count;
    }
    /// The fused layer of the program that stands for one that is left out.
    [[nodiscard]] std::size_t stand_in(std::size_t f) const {
        return begin - period + (f - begin) % period;
    }
};

/// Nothing where there are too few to be worth it. Several blocks before those left out, and one
/// after them, are not among them.
std::optional<EqualBlocks> find_equal_blocks(const Network& network, const NetworkPlan& plan);

}  // namespace memwall
