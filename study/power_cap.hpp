// SPDX-License-Identifier: Apache-2.0
// The clock at which a machine stays within its power cap.
#pragma once

#include <functional>
#include <optional>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "sim/result.hpp"

namespace memwall {

/// The highest clock, in the cap's steps below the machine's own, at which `steady_power` is within
/// the cap; the lowest clock where none is. `machine` has a cap.
Hertz clock_under_cap(const Machine& machine,
                      const std::function<Watts(const Machine&)>& steady_power);

/// A run at the clock that a cap leads to.
struct UnderCap {
    Hertz clock;
    std::optional<MappingObjective> plan;  ///< whose plan alone it is of
    RunResult result;
};

/// Runs a machine in a steady state, with the plan of an objective alone where one is given.
using SteadyRun = std::function<RunResult(const Machine&, std::optional<MappingObjective>)>;

/// The run of `machine`, which has a cap, that is best in what was asked for. Where a mapper
/// compares plans, each is run at the clock that the cap leads it to: one that draws less power
/// goes on at a higher clock, and may take more energy there.
UnderCap run_under_cap(const Machine& machine, MappingObjective asked, Effort effort,
                       const SteadyRun& run);

}  // namespace memwall
