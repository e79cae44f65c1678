// SPDX-License-Identifier: Apache-2.0
// A network over cards that have a part of each of its layers: one of them is run, with the
// collectives as layers of its own, and stands for all.
#pragma once

#include <functional>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Runs what one card does.
using CardPartRunner = std::function<RunResult(const Network& part)>;

/// A batch on the cards of a machine, counted on all of them. Throws InputError where the DRAM of a
/// card can't hold its part.
RunResult run_tensor_parallel(const Network& network, const Machine& machine,
                              const CardPartRunner& run);

/// What one card of the machine does of a network: all of it where it has no such cards.
Network part_on_card(const Network& network, const Machine& machine);

}  // namespace memwall
