// SPDX-License-Identifier: Apache-2.0
// What each memory holds while a program runs: never more than its capacity.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall {

/// Bytes by component, all instances together. Throws InternalError the moment a memory would hold
/// more than its capacity or gives back more than it holds.
class Occupancy {
public:
    explicit Occupancy(const Machine& machine);

    void reserve(std::span<const OccupancyChange> changes, Picoseconds now);
    void release(std::span<const OccupancyChange> changes, Picoseconds now);
    [[nodiscard]] Bytes held(ComponentId memory) const {
        return Bytes(memories_[memory.position()].held);
    }
    [[nodiscard]] Bytes peak(ComponentId memory) const {
        return Bytes(memories_[memory.position()].peak);
    }

private:
    struct Memory {
        std::string name;
        std::int64_t capacity = 0;
        std::int64_t held = 0;
        std::int64_t peak = 0;
    };
    std::vector<Memory> memories_;
};

}  // namespace memwall
