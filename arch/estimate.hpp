// SPDX-License-Identifier: Apache-2.0
// The analytic engine: a program's counts, exactly as the replay would count them, and a time that
// the replay does not beat, but for the order in which requests come.
#pragma once

#include <functional>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/outcome_recorder.hpp"
#include "arch/program.hpp"

namespace memwall {

/// Runs the steps of `program` in their order of dependence: units serve one step after another and
/// share ports, buses and links; those of a mesh are never shared and a DRAM always streams at its
/// peak. Throws InternalError where the program deadlocks.
/// Rounds that would do what rounds before them did, at times later by as much, are not walked but
/// added: the outcome is the same. `observe`, if given, sees every step of an agent in the order in
/// which they start, and all are walked. `cancelled`, if given, is asked now and then; true ends
/// the run, which throws Interrupted.
using StepObserver = std::function<void(AgentId, const Step&, const StepTimes&)>;
Outcome estimate(const Program& program, const Machine& machine, const Window& window,
                 const StepObserver& observe = {}, const std::function<bool()>& cancelled = {});
/// The same where every move has its links to itself: takes less time than any replay, but for the
/// order in which requests come.
Outcome estimate_without_sharing(const Program& program, const Machine& machine,
                                 const Window& window, const std::function<bool()>& cancelled = {});

}  // namespace memwall
