// SPDX-License-Identifier: Apache-2.0
// Writes a network plan down as a program: fetch, feed, compute, drain and store, double-buffered
// by tokens.
#pragma once

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/tiling/network_plan.hpp"

namespace memwall {

/// The program of `plan` for one batch a round.
Program emit_tiling(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                    const Cores& cores, const NetworkPlan& plan, const MapperOptions& options);

}  // namespace memwall
