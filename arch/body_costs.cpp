// SPDX-License-Identifier: Apache-2.0
#include "arch/body_costs.hpp"

#include <algorithm>
#include <cmath>

#include "arch/dram_access.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// The time of `cycles` edges of a clock, from edge 0.
Picoseconds duration(const ClockDomain& clock, double cycles) {
    return clock.time_of(Cycles(static_cast<std::int64_t>(std::ceil(cycles * (1 - 1e-9)))));
}

}  // namespace

Bound bound_of(const Machine& machine, const Component& component) {
    const auto& cards = machine.parts().cards;
    switch (component.kind) {
        case ComponentKind::dram:
            return Bound::dram;
        case ComponentKind::sram:
        case ComponentKind::cache:
        case ComponentKind::register_file:
            return Bound::buffer;
        case ComponentKind::mac_array:
            return Bound::compute;
        case ComponentKind::vector_unit:
            return Bound::vector;
        case ComponentKind::mesh:
        case ComponentKind::bus:
            return Bound::interconnect;
        case ComponentKind::link:
            return cards && cards->link == component.name ? Bound::link : Bound::host;
        case ComponentKind::dma:
            return Bound::latency;
    }
    fail("unknown component kind");
}

Bound bound_of_needs(const Machine& machine, std::span<const Picoseconds> needs) {
    std::size_t most = needs.size() - 1;
    for (std::size_t place = 0; place + 1 < needs.size(); ++place) {
        most = needs[place] > needs[most] ? place : most;
    }
    return most + 1 == needs.size() ? Bound::latency
                                    : bound_of(machine, machine.components()[most / 2]);
}

namespace {

/// Cycles of the busiest of the links that share a place.
struct LinkCycles {
    std::size_t place = 0;
    ComponentId component;
    double cycles = 0;
};

std::size_t place_of(const Machine& machine, LinkId id) {
    const std::vector<Link>& links = machine.links();
    const ComponentId component = links[id.position()].component;
    const bool second = id.position() > 0 && links[id.position() - 1].component == component;
    const bool two_way = machine.component(component).kind != ComponentKind::mesh;
    return resource_place(component, second && two_way);
}

ShortList<LinkCycles, 4> link_cycles(const Move& move, const Machine& machine) {
    ShortList<LinkCycles, 4> all;
    for (const LinkUse& use : move.links) {
        const Link& link = machine.links()[use.link.position()];
        const std::size_t place = place_of(machine, use.link);
        auto found = std::find_if(all.begin(), all.end(),
                                  [&](const LinkCycles& of) { return of.place == place; });
        const double cycles = static_cast<double>(use.bytes.count()) / link.bytes_per_cycle;
        if (found == all.end()) {
            all.push_back({place, link.component, cycles});
        } else {
            found->cycles = std::max(found->cycles, cycles);
        }
    }
    return all;
}

}  // namespace

MoveDemand demand(const Move& move, const Machine& machine, const ClockDomain& clock) {
    MoveDemand demand{};
    const auto passes = [&](Picoseconds time) {
        demand.on_links = std::max(demand.on_links, clock.edge_at_or_after(time));
        demand.longest = std::max(demand.longest, time);
    };
    for (const LinkCycles& need : link_cycles(move, machine)) {
        const ClockDomain& own = machine.clock(machine.component(need.component).clock);
        const Picoseconds time = duration(own, need.cycles);
        demand.needs.push_back({need.place, time});
        passes(time);
    }
    for (std::size_t d = 0; d < machine.drams().size() && !move.dram.empty(); ++d) {
        const DramConfig& dram = machine.dram(DramId(d));
        std::int64_t bytes = 0;  // of all accesses to this DRAM, one after another
        Picoseconds in_order;    // where each is rounded as in the replay
        Picoseconds later = Picoseconds(INT64_MAX);
        for (const DramAccess& access : move.dram) {
            if (access.dram == DramId(d)) {
                const Bytes served = least_served(access, dram.burst);
                bytes += served.count();
                in_order += dram.bus_time(served.count() / dram.burst.count());
                later = std::min(later, dram.data_latency(access.write));
            }
        }
        const double seconds = static_cast<double>(bytes) / dram.peak().count();
        const Picoseconds time = dram.model == DramModel::simple
                                     ? in_order
                                     : Picoseconds(static_cast<std::int64_t>(seconds * 1e12));
        if (time > demand.on_dram) {
            demand.dram = DramId(d);
            demand.on_dram = time;
            demand.data_latency = later;
        }
        demand.needs.push_back({resource_place(machine.drams()[d]), time});
        demand.longest = std::max(demand.longest, time);
    }
    if (move.occupies.count() > 0) {
        demand.occupied = clock.time_of(move.occupies);
        passes(demand.occupied);
    }
    return demand;
}

// MODEL: a row is opened for the access whose burst waits for it, and counts for the layer that the
// access works for; a step that moves bytes of several layers shares its rows by these.
void share_activations(const Program& program, const Machine& machine, const StepBody& body,
                       const RowsOpened& opened, std::vector<std::int64_t>& activations) {
    if (opened.rows == 0 || opened.times == 0) {
        return;
    }
    const std::size_t d = opened.dram.position();
    const auto moves = [&](const ActionKey& key) {
        return key.component == machine.drams()[d] && key.layer.valid() &&
               (key.action == Action::read || key.action == Action::write);
    };
    std::int64_t all = 0;
    for (const ActionCount& action : body.actions) {
        all += moves(program.actions.key(action.row)) ? action.count : 0;
    }
    std::int64_t before = 0;  // bytes, then the rows that belong to them
    for (const ActionCount& action : body.actions) {
        const ActionKey& key = program.actions.key(action.row);
        if (moves(key) && action.count > 0) {
            const auto rows_of = [&](std::int64_t bytes) {
                return bytes == all ? opened.rows
                                    : static_cast<std::int64_t>(static_cast<double>(opened.rows) *
                                                                static_cast<double>(bytes) /
                                                                static_cast<double>(all));
            };
            const std::int64_t after = before + action.count;
            activations[key.layer.position() * machine.drams().size() + d] +=
                (rows_of(after) - rows_of(before)) * opened.times;
            before = after;
        }
    }
}

BodyCosts::BodyCosts(const Program& program, const Machine& machine)
    : program_(program), machine_(machine), clock_(machine.clock(program.clock)), places_(256) {}

BodyCosts::Row& BodyCosts::add_row(const StepBody& body, std::size_t place) {
    const auto* move = std::get_if<Move>(&body.what);
    Row& row = rows_.emplace_back();
    row.body = &body;
    row.number = static_cast<std::int64_t>(rows_.size()) - 1;
    if (move != nullptr) {
        row.demand = demand(*move, machine_, clock_);
        row.links = link_demand(*move, machine_);
    }
    find_components(row);
    places_[place] = {&body, &row};
    if (rows_.size() * 2 > places_.size()) {
        places_.assign(places_.size() * 4, {});
        for (Row& known : rows_) {
            std::size_t at = place_of(*known.body);
            while (places_[at].body != nullptr) {
                at = (at + 1) & (places_.size() - 1);
            }
            places_[at] = {known.body, &known};
        }
    }
    return row;
}

void BodyCosts::find_components(Row& row) {
    row.first_component = components_.size();
    const auto add = [&](ComponentId component) {
        const auto known = components(row);
        if (std::find(known.begin(), known.end(), component) == known.end()) {
            components_.push_back(component);
            ++row.components;
        }
    };
    if (row.body->unit.valid()) {
        add(program_.units[row.body->unit.position()].component);
    }
    if (const auto* move = std::get_if<Move>(&row.body->what)) {
        for (const LinkUse& use : move->links) {
            add(machine_.links()[use.link.position()].component);
        }
        for (const DramAccess& access : move->dram) {
            add(machine_.drams()[access.dram.position()]);
        }
    }
}

void BodyCosts::add_to(Outcome& outcome) const {
    for (const Row& row : rows_) {
        for (const ActionCount& action : row.body->actions) {
            const auto add = [&](std::int64_t& total, std::int64_t times) {
                total = checked_add(total, checked_multiply(action.count, times));
            };
            add(outcome.counts[action.row.position()], row.counted);
            add(outcome.load_counts[action.row.position()], row.loaded);
        }
        const auto* move = std::get_if<Move>(&row.body->what);
        const std::int64_t times = row.counted + row.loaded;
        if (move == nullptr || times == 0) {
            continue;
        }
        for (const DramAccess& access : move->dram) {
            const DramConfig& dram = machine_.dram(access.dram);
            DramOutcome& done = outcome.drams[access.dram.position()];
            const std::int64_t rows = rows_opened(access, dram);
            done.bursts += least_served(access, dram.burst).count() / dram.burst.count() * times;
            done.row_misses += rows * times;
            share_activations(program_, machine_, *row.body, {access.dram, rows, row.counted},
                              outcome.activations);
            outcome.load_activations[access.dram.position()] += rows * row.loaded;
        }
    }
}

}  // namespace memwall
