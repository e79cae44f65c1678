// SPDX-License-Identifier: Apache-2.0
// The least traffic of a whole network at the outermost memory, whatever its schedule.
#pragma once

#include <functional>

#include "arch/tiling/hierarchy.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// What all memories between the DRAM and the lanes hold together.
Bytes on_chip_capacity(const Hierarchy& hierarchy);

/// What a round must read of weights and state beyond what the chip can hold.
Bytes network_bound(const Network& network, Bytes capacity);
/// Where a machine stores operands in another way: what a layer touches of one.
Bytes network_bound(const Network& network, Bytes capacity,
                    const std::function<Bytes(const Layer&, const Operand&)>& stored);
/// What a round reads of the network's inputs and writes of its outputs, where they come from the
/// outermost memory and go back there: anew in every round, whatever the chip can hold.
Bytes in_and_out(const Network& network);

}  // namespace memwall
