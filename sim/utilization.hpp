// SPDX-License-Identifier: Apache-2.0
// How much of the arrays' dense peak was used, precision by precision.
#pragma once

#include <vector>

#include "arch/machine.hpp"
#include "base/quantity.hpp"
#include "sim/ledger.hpp"

namespace memwall {

/// The seconds that the useful MACs of one row take at the dense peak of their precision; zero for
/// any other row. Recomputed MACs are taken off, skipped ones never counted.
double seconds_at_peak(const LedgerRow& row, const Machine& machine);

/// Sum over precisions of MACs / dense peak at that precision / time; 0 where no time passes.
double utilization_of(const std::vector<LedgerRow>& rows, const Machine& machine, Seconds time);

}  // namespace memwall
