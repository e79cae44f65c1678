// SPDX-License-Identifier: Apache-2.0
// Counts the words of a loop nest by doing it: every step of every instance, word by word.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/loop_nest/nest.hpp"

namespace memwall::test {

struct EnumeratedTraffic {
    std::int64_t reads = 0;
    std::int64_t deliveries = 0;
    std::int64_t drains = 0;
    std::int64_t updates = 0;
};

/// What operand `o` moves between `parent` and `child`, the next level that keeps it (the number of
/// levels: the lanes).
EnumeratedTraffic enumerate(const IterationSpace& space, const LoopNest& nest,
                            const NestMachine& machine, std::size_t o, std::size_t parent,
                            std::size_t child);

/// How many steps the busiest lane makes.
std::int64_t enumerate_steps(const IterationSpace& space, const LoopNest& nest);

}  // namespace memwall::test
