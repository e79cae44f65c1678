// SPDX-License-Identifier: Apache-2.0
#include "sim/occupancy.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

namespace {

std::int64_t capacity_of(const Component& component) {
    if (const auto* memory = std::get_if<MemoryConfig>(&component.config)) {
        return checked_multiply(memory->capacity.count(), component.instances);
    }
    if (const auto* dram = std::get_if<DramConfig>(&component.config)) {
        return dram->capacity.count();
    }
    return 0;
}

}  // namespace

Occupancy::Occupancy(const Machine& machine) {
    for (const Component& component : machine.components()) {
        memories_.push_back({component.name, capacity_of(component), 0, 0});
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
