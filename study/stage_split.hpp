// SPDX-License-Identifier: Apache-2.0
// What a stage of cards takes its time for.
#pragma once

#include <cstdint>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// MODEL: the time of a stage is divided by what each layer adds to it. What matrices add is the
/// reading of their weights, at the width of all core memories, or the arrays' computing where that
/// is longer, and beside it sums and vectors on their way. `run`: of the part, with all `groups`,
/// on a card whose memory lies beside its cores; `interval`: of the stage, exchanges included.
StageSplit stage_split(const Network& part, const RunResult& run, const Machine& machine,
                       std::int64_t groups, Seconds interval);

}  // namespace memwall
