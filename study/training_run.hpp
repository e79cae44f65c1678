// SPDX-License-Identifier: Apache-2.0
// The phase training_step: which network is trained at which precision, and what its result says.
#pragma once

#include <string>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "study/load.hpp"

namespace memwall {

/// The step that a resolved scenario of phase training_step asks for, with its batch. `policy`: as
/// the user gave it; "" is the network's own where that is a floating-point one, else the first of
/// bf16, fp16 and fp32 that `machine` multiplies (nullptr: bf16). Throws InputError, one sentence,
/// where the machine has no lanes for it, and with all layers that cannot be trained.
NetworkAtPrecision network_to_train(const NetworkSource& source, const Scenario& scenario,
                                    const std::string& policy, const Machine* machine);

/// Puts what is said of the step's items, its scenario and the memory that it needs into the result
/// of its one round.
void finish_training(const Network& step, const Scenario& scenario, RunResult& result);

}  // namespace memwall
