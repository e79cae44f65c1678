// SPDX-License-Identifier: Apache-2.0
// Loop nests for tests: written down in short, or drawn at random.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "arch/loop_nest/nest.hpp"
#include "tests/support/draw.hpp"

namespace memwall::test {

/// Loops in time, outer to inner, with their tiles.
std::vector<Loop> steps(const std::vector<std::pair<Dim, std::int64_t>>& tiles);
/// The same side by side, on axis 0.
std::vector<Loop> side_by_side(const std::vector<std::pair<Dim, std::int64_t>>& tiles);

/// A level that keeps all of `operands` operands.
NestLevel level(std::vector<Loop> loops, std::size_t operands);

/// Memories without limits, one instance each.
NestMachine plain_machine(std::size_t levels);

/// Loops for all of `extents` in `levels` levels: tiles that need not divide, spatial ones among
/// them, operands that skip levels.
LoopNest drawn_nest(Draw& draw, const IterationSpace& space, std::size_t levels);

}  // namespace memwall::test
