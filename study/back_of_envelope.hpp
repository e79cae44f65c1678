// SPDX-License-Identifier: Apache-2.0
// What a model on the back of an envelope says: to see what the mechanisms of the others are worth.
#pragma once

#include "arch/machine.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// The time of one batch: of each layer with its epilogues the multiplications at the arrays' peak,
/// then its inputs, weights and outputs once at the DRAM's; nothing overlaps and nothing stays on
/// the chip. `machine` has a DRAM and lanes for the network.
Seconds back_of_envelope(const Network& network, const Machine& machine);

}  // namespace memwall
