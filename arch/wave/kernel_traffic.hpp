// SPDX-License-Identifier: Apache-2.0
// What of the kernels' traffic passes the shared cache.
#pragma once

#include "arch/wave/kernel_plan.hpp"

namespace memwall {

/// Fills the fetches and stores of all kernels: those of a round in the steady state, with what the
/// round before has left in the cache.
void find_memory_traffic(const Network& network, const Hierarchy& gpu, WavePlan& plan);

}  // namespace memwall
