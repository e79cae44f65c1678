// SPDX-License-Identifier: Apache-2.0
// Programs drawn by a seed, for what must hold for all.
#pragma once

#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall::test {

/// An array, a DMA engine with two channels, a bus, a buffer with ports, a DRAM of two channels.
Machine generated_machine();

/// Random agents over shared units, links and the DRAM, with tokens from earlier agents to later.
/// `order` says in which order the agents are registered, and how many there are.
Program generated_program(const Machine& machine, unsigned seed,
                          const std::vector<std::size_t>& order, int rounds = 2);

}  // namespace memwall::test
