// SPDX-License-Identifier: Apache-2.0
#include "arch/link_speeds.hpp"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

/// What rounding may add to the load of a link that is just full.
constexpr double kRounding = 1e-9;

}  // namespace

LinkDemand link_demand(const Move& move, const Machine& machine) {
    LinkDemand demand;
    double most_bytes = 0;
    double longest = 0;  // picoseconds
    const auto time_on = [&](const LinkUse& use) {
        const Link& link = machine.links()[use.link.position()];
        const auto hertz = static_cast<double>(machine.clock(link.clock).frequency().count());
        return static_cast<double>(use.bytes.count()) / link.bytes_per_cycle / hertz * 1e12;
    };
    for (const LinkUse& use : move.links) {
        most_bytes = std::max(most_bytes, static_cast<double>(use.bytes.count()));
        longest = std::max(longest, time_on(use));
    }
    demand.alone = Picoseconds(static_cast<std::int64_t>(longest));
    if (demand.alone.count() == 0) {
        return demand;
    }
    demand.bytes = most_bytes / longest;
    for (const LinkUse& use : move.links) {
        const Link& link = machine.links()[use.link.position()];
        if (use.bytes.count() > 0 &&
            machine.component(link.component).kind != ComponentKind::mesh) {
            demand.uses.push_back({use.link.position(), time_on(use) / longest});
            demand.mask |= link_bit(use.link.position());
        }
    }
    return demand;
}

/// The same moves meet again and again: those that came last are kept.
const std::vector<double>& LinkSpeeds::of(const std::vector<const LinkDemand*>& demands) {
    constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio
    std::uint64_t mixed = 0;
    for (const LinkDemand* demand : demands) {
        mixed = (mixed + reinterpret_cast<std::uintptr_t>(demand)) * kMix;
    }
    Known& known = known_[mixed >> 32U & (kKnown - 1)];
    if (known.demands != demands) {
        known.demands = demands;
        known.speeds.assign(demands.size(), 1.0);
        if (!carry_all(demands)) {
            find(known);
        }
    }
    return known.speeds;
}

/// Whether the links carry all moves at full speed.
bool LinkSpeeds::carry_all(const std::vector<const LinkDemand*>& demands) {
    for (const std::size_t link : loaded_) {
        loads_[link] = {};
    }
    loaded_.clear();
    bool carried = true;
    for (const LinkDemand* demand : demands) {
        for (const LinkDemand::Use& use : demand->uses) {
            LinkLoad& on = loads_[use.link];
            if (on.load == 0) {
                loaded_.push_back(use.link);
            }
            on.load += use.load;
            on.weight += use.load / demand->bytes;
            carried = carried && on.load <= 1 + kRounding;
        }
    }
    return carried;
}

/// Raises the speeds of all alike, in bytes a second, until a link is full or a flow at its own
/// full speed; holds those, and goes on with the rest.
void LinkSpeeds::find(Known& moves) {
    for (const std::size_t link : loaded_) {
        loads_[link].load = 0;  // from here on that of flows with a speed
    }
    moves.speeds.assign(moves.demands.size(), 0);
    double bytes = 0;
    for (std::size_t open = moves.demands.size(); open > 0;) {
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t f = 0; f < moves.demands.size(); ++f) {
            if (moves.speeds[f] == 0) {
                least = std::min(least, most_bytes(*moves.demands[f]));
            }
        }
        bytes = std::max(bytes, least);  // it only grows: rounding must not let it fall
        for (std::size_t f = 0; f < moves.demands.size(); ++f) {
            const LinkDemand& demand = *moves.demands[f];
            if (moves.speeds[f] == 0 && most_bytes(demand) <= bytes * (1 + kRounding)) {
                moves.speeds[f] = std::min(1.0, bytes / demand.bytes);
                hold(demand, moves.speeds[f]);
                --open;
            }
        }
    }
}

/// To which the fullest of its links, and its own full speed, lets a flow without a speed rise.
double LinkSpeeds::most_bytes(const LinkDemand& demand) const {
    double most = demand.bytes;
    for (const LinkDemand::Use& use : demand.uses) {
        const LinkLoad& on = loads_[use.link];
        most = std::min(most, (1 - on.load) / on.weight);
    }
    return most;
}

void LinkSpeeds::hold(const LinkDemand& demand, double speed) {
    for (const LinkDemand::Use& use : demand.uses) {
        LinkLoad& on = loads_[use.link];
        on.load += use.load * speed;
        on.weight -= use.load / demand.bytes;
    }
}

}  // namespace memwall
