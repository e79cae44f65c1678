// SPDX-License-Identifier: Apache-2.0
// What holds in every replay, cheap enough to be checked in each. A violation is our mistake: an
// InternalError with a sentence. What holds of energies is in result_checks.
#pragma once

#include <functional>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

/// A move writes at its destinations exactly the bytes that it says it delivers. Moves whose
/// destinations count no writes (a link off the chip) are left alone.
void check_delivery(const Program& program, const Step& step);

/// Times are in order; nothing is busy for longer than there was time, alone or summed over layers;
/// no memory held more than its capacity; a DRAM served at least the bytes that were counted.
void check_outcome(const Program& program, const Machine& machine, const Outcome& outcome);

/// The same counts as the analytic engine's, and no less time but for what the order of requests
/// does: 1 %. Where links are shared that can be more: then it is no less than what `unshared`, if
/// given, makes (estimate_without_sharing()).
void check_against_estimate(const Program& program, const Outcome& simulated,
                            const Outcome& estimated,
                            const std::function<Outcome()>& unshared = {});

}  // namespace memwall
