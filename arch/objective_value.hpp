// SPDX-License-Identifier: Apache-2.0
// What a mapping is judged by, from its time, energy and traffic in whatever units.
#pragma once

#include <array>

#include "arch/mapper.hpp"
#include "base/error.hpp"

namespace memwall {

inline constexpr std::array kMappingObjectives = {
    MappingObjective::latency, MappingObjective::energy, MappingObjective::energy_delay,
    MappingObjective::traffic};

/// What an objective makes least. Inline: searches ask for it all the time.
inline double objective_value(MappingObjective objective, double time, double energy,
                              double traffic) {
    switch (objective) {
        case MappingObjective::latency:
            return time;
        case MappingObjective::energy:
            return energy;
        case MappingObjective::energy_delay:
            return energy * time;
        case MappingObjective::traffic:
            return traffic;
    }
    fail("unknown objective");
}

}  // namespace memwall
