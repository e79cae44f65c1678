// SPDX-License-Identifier: Apache-2.0
// Executes a mapped program on integers and compares what comes out with the layers' definitions:
// how a mapping is proven right.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/executor_memory.hpp"
#include "arch/machine.hpp"
#include "arch/program.hpp"
#include "workloads/network.hpp"

namespace memwall {

struct ExecutionOptions {
    std::uint32_t seed = 1;  ///< of the values, and of the order of steps
    /// Memories that keep the last fillings of a tensor and nothing older: what the buffers beside
    /// the arrays can hold.
    std::vector<BufferedMemory> buffered;
};

struct ExecutionReport {
    std::int64_t steps = 0;
    std::int64_t points = 0;   ///< of all iteration spaces, as often as they were computed
    std::int64_t outputs = 0;  ///< words that were compared
};

/// Runs all rounds of `program`, which was mapped from `network` (with the batch of a round) with
/// MapperOptions::images. Weights and inputs begin, and outputs end, at the host link, or in the
/// dram where there is none; each round has other inputs. Steps start in a seeded random order
/// among those whose tokens hold, and take effect some steps later, an agent's in order: so a
/// missing token is found. Throws InternalError, naming layer, tensor and place, where a word is
/// read that is not there, where an output is wrong, and where nothing can go on.
ExecutionReport execute(const Network& network, const Machine& machine, const Program& program,
                        const ExecutionOptions& options);

}  // namespace memwall
