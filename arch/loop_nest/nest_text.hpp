// SPDX-License-Identifier: Apache-2.0
// A loop nest in words: pseudo-code as in a text book, with the traffic of every level at every
// operand.
#pragma once

#include <string>

#include "arch/loop_nest/nest_counts.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Shares of the lanes' cycles, of all lanes while a layer runs; they add up to 1.
struct LaneUse {
    double busy = 0;     ///< multiply-accumulates
    double filling = 0;  ///< a systolic array fills, drains or is loaded
    double idle = 0;     ///< rows, columns or instances that a step has nothing for
    double waiting = 0;  ///< for memories
};
LaneUse lane_use(const Layer& layer, const NestMachine& machine, const NestCounts& counts);

/// "10 folds of 12,100 steps, 94 cycles each to fill and drain" and what lanes do, in per cent.
std::string lane_text(const Layer& layer, const NestMachine& machine, const NestCounts& counts);

/// The loops as indented pseudo-code, with what each level holds.
std::string nest_code(const Layer& layer, const LoopNest& nest, const NestMachine& machine,
                      const NestCounts& counts);

/// One line: "dram K 4 C 2 | buffer P 7 ..., 8 x 16 lanes".
std::string nest_summary(const LoopNest& nest, const NestMachine& machine, const Extents& whole);

/// The words of one operand that pass one memory.
struct LevelTraffic {
    std::size_t level = 0;
    std::size_t operand = 0;
    std::int64_t read_below = 0;     ///< to the level or lanes below
    std::int64_t written_above = 0;  ///< that came from above
    std::int64_t written_below = 0;  ///< results and sums from below
    std::int64_t read_above = 0;     ///< sent up
    double read_bytes = 0, written_bytes = 0;
};

/// By level and operand, those that a level keeps.
std::vector<LevelTraffic> level_traffic(const IterationSpace& space, const NestCounts& counts,
                                        std::size_t levels);

}  // namespace memwall
