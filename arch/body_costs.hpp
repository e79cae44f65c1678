// SPDX-License-Identifier: Apache-2.0
// What a step's body asks of each resource and counts: found once a body, however often it is done.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "arch/link_shares.hpp"
#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

/// The bound that waiting for a component of a machine stands for.
Bound bound_of(const Machine& machine, const Component& component);

/// The place of a component among the resources of a machine; `second`: of its second link, where
/// its two work at the same time (the ports of a memory, the directions of a link).
inline std::size_t resource_place(ComponentId component, bool second = false) {
    return component.position() * 2 + (second ? 1 : 0);
}
/// Places of a machine's resources, and one for what units are taken for beside them.
inline std::size_t resource_places(const Machine& machine) {
    return machine.components().size() * 2 + 1;
}
/// The kind of the resource whose need is the largest; `needs`: by their places.
Bound bound_of_needs(const Machine& machine, std::span<const Picoseconds> needs);

/// The time that a move needs of a resource with nothing else running.
struct ResourceNeed {
    std::size_t place = 0;
    Picoseconds time;
};

/// The time that a move needs on each resource with nothing else running, and their largest: links
/// side by side, a DRAM at its peak, the unit's own occupation.
struct MoveDemand {
    ShortList<ResourceNeed, 4> needs;  ///< but for the unit's own
    Picoseconds occupied;              ///< its unit
    DramId dram;                       ///< the one that it uses longest
    Picoseconds on_dram;               ///< of that one
    Picoseconds data_latency;          ///< of that one: what its data come later, at least
    Cycles on_links;                   ///< the longest but for the DRAM, in whole cycles
    Picoseconds longest;
};
MoveDemand demand(const Move& move, const Machine& machine, const ClockDomain& clock);

/// Rows that a DRAM opened for a body, each of the times that it was done.
struct RowsOpened {
    DramId dram;
    std::int64_t rows = 0;
    std::int64_t times = 1;
};
/// Adds rows that were opened for a body to `activations` (as Outcome::activations), to each layer
/// by the bytes that the body counts for it.
void share_activations(const Program& program, const Machine& machine, const StepBody& body,
                       const RowsOpened& opened, std::vector<std::int64_t>& activations);

/// The bodies of a program that were done, and how often.
class BodyCosts {
public:
    struct Row {
        const StepBody* body = nullptr;
        MoveDemand demand;        ///< of a move
        LinkDemand links;         ///< likewise
        bool announced = false;   ///< `links`, to those who share them
        std::int64_t number = 0;  ///< in the order in which they were first done
        std::int64_t counted = 0;
        std::int64_t loaded = 0;
        std::size_t first_component = 0;  ///< of components()
        std::size_t components = 0;
    };

    BodyCosts(const Program& program, const Machine& machine);

    Row& row(const StepBody& body) {
        for (std::size_t at = place_of(body);; at = (at + 1) & (places_.size() - 1)) {
            if (places_[at].body == &body) {
                return *places_[at].row;
            }
            if (places_[at].body == nullptr) {
                return add_row(body, at);
            }
        }
    }
    /// That a body keeps busy, each once: its unit's own, those of its links and its DRAMs.
    [[nodiscard]] std::span<const ComponentId> components(const Row& row) const {
        return std::span(components_).subspan(row.first_component, row.components);
    }
    [[nodiscard]] const std::deque<Row>& rows() const { return rows_; }
    /// Adds the actions of all that were counted or loaded, and the DRAM's bursts and rows.
    void add_to(Outcome& outcome) const;

private:
    /// Of a table that is looked up by a body's address, its size a power of two.
    struct RowPlace {
        const StepBody* body = nullptr;
        Row* row = nullptr;
    };

    [[nodiscard]] std::size_t place_of(const StepBody& body) const {
        constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
        return (reinterpret_cast<std::uintptr_t>(&body) * kMix >> 32U) & (places_.size() - 1);
    }
    Row& add_row(const StepBody& body, std::size_t place);
    void find_components(Row& row);

    const Program& program_;
    const Machine& machine_;
    const ClockDomain& clock_;
    std::vector<RowPlace> places_;
    std::deque<Row> rows_;  ///< in the order in which they were first done
    std::vector<ComponentId> components_;
};

}  // namespace memwall
