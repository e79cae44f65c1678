// SPDX-License-Identifier: Apache-2.0
// What a stage of cards takes its time for.
#pragma once

#include <cstdint>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "study/part_runs.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// MODEL: the time of a stage is divided by what each layer adds to it. What matrices add is the
/// reading of their weights, at the width of all core memories, or the arrays' computing where that
/// is longer, and beside it sums and vectors on their way. `run`: of the part, on
/// cards whose memory lies beside their cores; its layers are told of the last of `groups`, whose
/// time is divided as that of all is. `interval`: of the stage, exchanges included.
StageSplit stage_split(const Network& part, const PartRun& run, const Machine& machine,
                       std::int64_t groups, Seconds interval);

}  // namespace memwall
