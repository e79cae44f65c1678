// SPDX-License-Identifier: Apache-2.0
#include "arch/link_shares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace memwall {
namespace {

/// What rounding may add to the load of a link that is just full.
constexpr double kRounding = 1e-9;
constexpr std::size_t kMaskBits = 64;
constexpr auto kNever = Picoseconds(std::numeric_limits<std::int64_t>::max());

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
            demand.mask |= std::uint64_t{1} << use.link.position() % kMaskBits;
        }
    }
    return demand;
}

LinkShares::LinkShares(const Machine& machine) : loads_(machine.links().size()) {}

Picoseconds LinkShares::send(std::size_t lane, const LinkDemand& demand, Picoseconds now,
                             Picoseconds from) {
    advance(now);
    const auto overlaps = [&](const Flow& flow) { return (flow.demand->mask & demand.mask) != 0; };
    Flow flow{&demand, lane, demand.alone, from, from + demand.alone};
    const bool begins =
        from <= now && !has_lane(now_.running, lane) && !has_lane(now_.waiting, lane);
    const bool alone = std::none_of(now_.running.begin(), now_.running.end(), overlaps) &&
                       std::none_of(now_.waiting.begin(), now_.waiting.end(), overlaps);
    (begins ? now_.running : now_.waiting).push_back(flow);
    if (begins && alone) {
        return flow.end;
    }
    if (begins) {
        share(now_.running, now);
        const Picoseconds end = now_.running.back().end;
        if (end <= next_event(now_)) {
            return end;
        }
    }
    ahead_ = now_;
    Picoseconds at = now;
    while (has_lane(ahead_.running, lane) || has_lane(ahead_.waiting, lane)) {
        at = next_event(ahead_);
        settle(ahead_, at);
    }
    return at;
}

bool LinkShares::has_lane(const std::vector<Flow>& flows, std::size_t lane) {
    return std::any_of(flows.begin(), flows.end(),
                       [&](const Flow& flow) { return flow.lane == lane; });
}

void LinkShares::advance(Flows& flows, Picoseconds until) {
    for (Picoseconds at = next_event(flows); at <= until; at = next_event(flows)) {
        settle(flows, at);
    }
}

/// When a flow ends or begins.
Picoseconds LinkShares::next_event(const Flows& flows) {
    Picoseconds next = kNever;
    for (const Flow& flow : flows.running) {
        next = std::min(next, flow.end);
    }
    for (const Flow& flow : flows.waiting) {
        if (flow.since < next && !has_lane(flows.running, flow.lane)) {
            next = flow.since;
        }
    }
    return next;
}

/// Lets flows end and begin at `now`.
void LinkShares::settle(Flows& flows, Picoseconds now) {
    std::uint64_t changed = 0;  // links
    std::uint64_t kept = 0;
    std::erase_if(flows.running, [&](const Flow& flow) {
        const bool over = flow.end <= now;
        (over ? changed : kept) |= flow.demand->mask;
        return over;
    });
    std::erase_if(flows.waiting, [&](Flow& flow) {
        if (flow.since > now || has_lane(flows.running, flow.lane)) {
            return false;
        }
        flow.since = now;
        flow.end = now + flow.left;
        kept |= changed & flow.demand->mask;
        changed |= flow.demand->mask;
        flows.running.push_back(flow);
        return true;
    });
    if ((changed & kept) != 0) {
        share(flows.running, now);
    }
}

/// Finds the speeds from `now` on.
void LinkShares::share(std::vector<Flow>& running, Picoseconds now) {
    for (Flow& flow : running) {
        const Picoseconds passed = now - flow.since;
        const double done = std::nearbyint(static_cast<double>(passed.count()) * flow.speed);
        const auto moved = flow.speed < 1 ? Picoseconds(static_cast<std::int64_t>(done)) : passed;
        flow.left = std::max(Picoseconds(0), flow.left - moved);
        flow.since = now;
    }
    if (!carry_all(running)) {
        find_speeds(running);
    }
    for (Flow& flow : running) {
        const double time = std::ceil(static_cast<double>(flow.left.count()) / flow.speed);
        flow.end =
            now + (flow.speed < 1 ? Picoseconds(static_cast<std::int64_t>(time)) : flow.left);
    }
}

/// Whether the links carry all flows at full speed; then that is theirs.
bool LinkShares::carry_all(std::vector<Flow>& running) {
    for (const std::size_t link : loaded_) {
        loads_[link] = {};
    }
    loaded_.clear();
    bool carried = true;
    for (Flow& flow : running) {
        flow.speed = 1;
        for (const LinkDemand::Use& use : flow.demand->uses) {
            LinkLoad& on = loads_[use.link];
            if (on.load == 0) {
                loaded_.push_back(use.link);
            }
            on.load += use.load;
            on.weight += use.load / flow.demand->bytes;
            carried = carried && on.load <= 1 + kRounding;
        }
    }
    return carried;
}

/// Raises the speeds of all alike, in bytes a second, until a link is full or a flow at its own
/// full speed; holds those, and goes on with the rest.
void LinkShares::find_speeds(std::vector<Flow>& running) {
    for (const std::size_t link : loaded_) {
        loads_[link].load = 0;  // from here on that of flows with a speed
    }
    for (Flow& flow : running) {
        flow.speed = 0;
    }
    double bytes = 0;
    for (std::size_t open = running.size(); open > 0;) {
        double least = std::numeric_limits<double>::infinity();
        for (const Flow& flow : running) {
            if (flow.speed == 0) {
                least = std::min(least, most_bytes(*flow.demand));
            }
        }
        bytes = std::max(bytes, least);  // it only grows: rounding must not let it fall
        for (Flow& flow : running) {
            if (flow.speed == 0 && most_bytes(*flow.demand) <= bytes * (1 + kRounding)) {
                hold(flow, bytes);
                --open;
            }
        }
    }
}

/// To which the fullest of its links, and its own full speed, lets a flow without a speed rise.
double LinkShares::most_bytes(const LinkDemand& demand) const {
    double most = demand.bytes;
    for (const LinkDemand::Use& use : demand.uses) {
        const LinkLoad& on = loads_[use.link];
        most = std::min(most, (1 - on.load) / on.weight);
    }
    return most;
}

void LinkShares::hold(Flow& flow, double bytes) {
    flow.speed = std::min(1.0, bytes / flow.demand->bytes);
    for (const LinkDemand::Use& use : flow.demand->uses) {
        LinkLoad& on = loads_[use.link];
        on.load += use.load * flow.speed;
        on.weight -= use.load / flow.demand->bytes;
    }
}

void LinkShares::put_off(Picoseconds later) {
    for (auto* flows : {&now_.running, &now_.waiting}) {
        for (Flow& flow : *flows) {
            flow.since += later;
            flow.end += later;
        }
    }
}

}  // namespace memwall
