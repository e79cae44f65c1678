// SPDX-License-Identifier: Apache-2.0
// How much of the arrays' dense peak was used, precision by precision.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "base/quantity.hpp"
#include "sim/ledger.hpp"

namespace memwall {

/// The seconds that the useful MACs of one row take at the dense peak of their precision; zero for
/// any other row. Recomputed MACs are taken off, skipped ones never counted.
double seconds_at_peak(const LedgerRow& row, const Machine& machine);

/// Seconds at the peak of one of `machines` over `time` seconds of all; 0 where no time passes. At
/// most 1: where the last item of a stream leaves sooner than those before it, as nothing behind it
/// takes its turn, a window counts more than was done in it; and a time is a whole number of
/// picoseconds.
double share_of_peak(double seconds, double time, std::int64_t machines = 1);

/// Sum over precisions of MACs / dense peak of `machines` such machines at that precision / time,
/// as share_of_peak().
double utilization_of(const std::vector<LedgerRow>& rows, const Machine& machine, Seconds time,
                      std::int64_t machines = 1);

}  // namespace memwall
