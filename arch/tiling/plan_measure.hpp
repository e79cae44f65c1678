// SPDX-License-Identifier: Apache-2.0
// What a plan takes as a program, by the analytic engine or the replay.
#pragma once

#include <cstdint>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome_figures.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/network_plan.hpp"
#include "workloads/network.hpp"

namespace memwall {

class PlanMeasure {
public:
    /// `batch`: of the whole network. All others must outlive it.
    PlanMeasure(std::int64_t batch, const Machine& machine, const Hierarchy& hierarchy,
                const Cores& cores, const MapperOptions& options)
        : batch_(batch),
          machine_(machine),
          hierarchy_(hierarchy),
          cores_(cores),
          options_(options) {}

    /// What an item takes in a plan's steady rounds as a program; from a standing start, where one
    /// batch is all there is. `network`: the part of the batch that runs together. Throws
    /// InputError where more goes through the DRAM than it holds, Interrupted where it is
    /// cancelled.
    [[nodiscard]] OutcomeFigures operator()(const Network& network, const NetworkPlan& plan) const;
    /// The same by the replay of the options, of which there is one.
    [[nodiscard]] OutcomeFigures replayed(const Network& network, const NetworkPlan& plan) const;

private:
    [[nodiscard]] OutcomeFigures run(const Network& network, const NetworkPlan& plan,
                                     const Replayer& replay) const;
    [[nodiscard]] Picoseconds host_time(const Network& network) const;
    [[nodiscard]] Picoseconds counted_time(const Network& network, const Outcome& outcome,
                                           Picoseconds least) const;

    std::int64_t batch_;
    const Machine& machine_;
    const Hierarchy& hierarchy_;
    const Cores& cores_;
    const MapperOptions& options_;
};

}  // namespace memwall
