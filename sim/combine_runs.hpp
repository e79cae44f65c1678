// SPDX-License-Identifier: Apache-2.0
// One result from those of several runs, each standing for a number of steps: the tokens of a
// language model.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// A run of whole rounds, and how many rounds of the combined result it stands for, in halves:
/// steps between two sampled ones belong to both by halves.
struct RunShare {
    RunResult run;
    std::int64_t half_rounds = 2;
};

/// The sum of all shares; the scenario, items, latency and throughput are those of the first run
/// and for the caller to set. Counts are exact where they grow evenly from sample to sample, as
/// MACs do, else rounded. All runs have the same components, and layers of the run with the most.
RunResult combine_runs(std::vector<RunShare> shares);

}  // namespace memwall
