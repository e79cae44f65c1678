// SPDX-License-Identifier: Apache-2.0
// Programs of tiled machines: made to be executed, what they move, and whether they are right.
#pragma once

#include <cstdint>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "workloads/network.hpp"

namespace memwall::test {

/// Three rounds that the executor can run.
Mapping mapped_to_execute(const Network& network, const Machine& machine, Effort effort);

/// Bytes that a round after the first moves at the DRAM.
std::int64_t dram_bytes(const Mapping& mapping, const Machine& machine);

/// Words of results that were found right, in buffers of two slots beside the arrays. Throws
/// InternalError where one is wrong.
std::int64_t proved_outputs(const Network& network, const Machine& machine, const Mapping& mapping);

}  // namespace memwall::test
