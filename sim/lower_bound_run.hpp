// SPDX-License-Identifier: Apache-2.0
// The same run with the least traffic at the outermost memory: what no better mapping could beat.
#pragma once

#include "sim/assemble_result.hpp"
#include "sim/result.hpp"

namespace memwall {

/// Everything as it was counted, but for the outermost memory: it moves Mapping::network_bound in
/// each round, at its peak bandwidth, and the time is the longest of that, the arrays' busy time
/// and the host link's. Leakage and clock power shrink with the time. A machine whose memory is all
/// on the chip has nothing to save: it is as it was.
AtLowerBound at_lower_bound(const RunInput& input, const RunResult& result);

}  // namespace memwall
