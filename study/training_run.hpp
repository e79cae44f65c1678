// SPDX-License-Identifier: Apache-2.0
// The phase training_step: which network is trained at which precision, and what its result says.
#pragma once

#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "study/load.hpp"

namespace memwall {

struct TrainedNetwork {
    NetworkAtPrecision network;
    /// Precisions that layers have and cannot be trained in, and those in use: "int8 at bf16".
    std::vector<std::string> changed;
};

/// The step that a resolved scenario of phase training_step asks for, with its batch. `policy`: as
/// the user gave it. Without one each layer keeps its precision where that is a floating-point one
/// that `machine` multiplies; all others, of integers and of wider numbers, get the first of bf16,
/// fp16 and fp32 that it multiplies (nullptr: it multiplies all). Throws InputError, one sentence,
/// where the machine has no lanes for it, and with all layers that cannot be trained.
TrainedNetwork network_to_train(const NetworkSource& source, const Scenario& scenario,
                                const std::string& policy, const Machine* machine);

/// A sentence for a note, of what is not empty.
std::string changed_text(const std::vector<std::string>& changed);

/// Puts what is said of the step's items, its scenario and the memory that it needs into the result
/// of its one round.
void finish_training(const TrainedNetwork& trained, const Scenario& scenario, RunResult& result);

}  // namespace memwall
