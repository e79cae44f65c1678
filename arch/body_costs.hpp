// SPDX-License-Identifier: Apache-2.0
// What a step's body asks of each resource and counts: found once a body, however often it is done.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

/// The bound that waiting for a component of a machine stands for.
Bound bound_of(const Machine& machine, const Component& component);

/// The time that a move needs on each kind of resource with nothing else running, and their
/// largest: links side by side, a DRAM at its peak, the unit's own occupation.
struct MoveDemand {
    std::array<Picoseconds, kBoundCount> by_bound{};
    Picoseconds longest;
    DramId dram;      ///< the one that it uses longest
    Cycles on_links;  ///< the longest but for the DRAM, in whole cycles
};
MoveDemand demand(const Move& move, const Machine& machine, const ClockDomain& clock);

/// The bodies of a program that were done, and how often.
class BodyCosts {
public:
    struct Row {
        const StepBody* body = nullptr;
        MoveDemand demand;        ///< of a move
        std::int64_t number = 0;  ///< in the order in which they were first done
        std::int64_t counted = 0;
        std::int64_t loaded = 0;
    };

    BodyCosts(const Program& program, const Machine& machine);

    Row& row(const StepBody& body);
    /// Adds the actions of all that were counted or loaded, and the DRAM's bursts and rows.
    void add_to(Outcome& outcome) const;

private:
    const Machine& machine_;
    const ClockDomain& clock_;
    std::unordered_map<const StepBody*, std::size_t> numbers_;
    std::deque<Row> rows_;  ///< in the order in which they were first done
};

}  // namespace memwall
