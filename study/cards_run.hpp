// SPDX-License-Identifier: Apache-2.0
// A network over several cards: divided as a pipeline, each kind of card run once, the way of the
// users over all of them composed.
#pragma once

#include <functional>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Runs a part of a network on one card. `quick`: by the analytic engine, to weigh parts.
using CardRunner =
    std::function<RunResult(const Network& part, const Scenario& rounds, bool quick)>;

/// A step of a language model for all users (the batch) on a machine with cards. `one_pass`: all
/// begin at once and go through once, as prompts do; else a step of a long stream. The result
/// counts one step. Throws InputError where the cards cannot hold it.
RunResult run_cards(const Network& network, const Machine& machine, bool one_pass,
                    const CardRunner& run);

}  // namespace memwall
