// SPDX-License-Identifier: Apache-2.0
#include "sim/occupancy.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

Occupancy::Occupancy(const Machine& machine) {
    for (const Component& component : machine.components()) {
        memories_.push_back({component.name, component.capacity().count(), 0, 0});
    }
}

void Occupancy::reserve(std::span<const OccupancyChange> changes, Picoseconds now) {
    for (const OccupancyChange& change : changes) {
        Memory& memory = memories_[change.memory.position()];
        memory.held = checked_add(memory.held, change.reserved);
        memory.peak = std::max(memory.peak, memory.held);
        if (memory.held > memory.capacity) {
            fail("memory '" + memory.name + "' would hold " + std::to_string(memory.held) +
                 " B at " + std::to_string(now.count()) + " ps; its capacity is " +
                 std::to_string(memory.capacity) + " B");
        }
    }
}

void Occupancy::release(std::span<const OccupancyChange> changes, Picoseconds now) {
    for (const OccupancyChange& change : changes) {
        Memory& memory = memories_[change.memory.position()];
        memory.held = checked_subtract(memory.held, change.released);
        if (memory.held < 0) {
            fail("memory '" + memory.name + "' gives back " + std::to_string(-memory.held) +
                 " B more than it holds at " + std::to_string(now.count()) + " ps");
        }
    }
}

}  // namespace memwall
