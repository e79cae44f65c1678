// SPDX-License-Identifier: Apache-2.0
// The static schedule of a split network: when each step starts in a steady stream of rounds,
// relative to the layers that begin.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial/arrivals.hpp"

namespace memwall {

/// When a step of a round starts, in cycles after a layer began in that round or some rounds
/// before.
struct ScheduledStart {
    std::size_t layer = 0;
    std::int64_t rounds_before = 0;
    Cycles start_at = Cycles(-1);

    friend bool operator==(const ScheduledStart&, const ScheduledStart&) = default;
};
using Schedule = std::vector<std::vector<ScheduledStart>>;  ///< by agent and step of the round

/// A schedule, and the time from round to round of a long stream with nothing contended.
struct SteadySchedule {
    Schedule schedule;
    Picoseconds round;
};

/// The schedule of a steady round: a program without one is run for more and more rounds until two
/// in a row are alike, with rounds behind them that keep the networks as busy as they always are.
/// Nothing is contended, so the replay finds the same.
SteadySchedule steady_schedule(const Network& network, const Machine& machine, const Chip& chip,
                               const Cores& cores, const SpatialNetwork& layers,
                               const MapperOptions& options);

}  // namespace memwall
