// SPDX-License-Identifier: Apache-2.0
#include "arch/link_shares.hpp"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

constexpr auto kNever = Picoseconds(std::numeric_limits<std::int64_t>::max());

/// The time that what is left alone takes at a speed, rounded up.
Picoseconds at_speed(Picoseconds left, double speed) {
    if (speed == 1) {
        return left;
    }
    const double time = static_cast<double>(left.count()) / speed;
    const auto whole = static_cast<std::int64_t>(time);
    return Picoseconds(static_cast<double>(whole) < time ? whole + 1 : whole);
}

/// What is done in some time, as the time that it takes alone, rounded down.
Picoseconds moved(Picoseconds time, double speed) {
    const double done = static_cast<double>(time.count()) * speed;
    return speed == 1 ? time : Picoseconds(static_cast<std::int64_t>(done));
}

}  // namespace

LinkShares::LinkShares(const Machine& machine, std::size_t lanes)
    : users_(machine.links().size()), alone_(lanes), speeds_(machine.links().size()) {}

void LinkShares::announce(UnitId unit, bool several, const LinkDemand& demand, Picoseconds now) {
    for (const LinkDemand::Use& use : demand.uses) {
        UnitId& user = users_[use.link];
        if (several || (user.valid() && user != unit)) {
            share_link(use.link, now);
        }
        user = unit;
    }
}

/// From now on moves over a link are followed, those under way too.
void LinkShares::share_link(std::size_t link, Picoseconds now) {
    const std::uint64_t bit = link_bit(link);
    advance(now);
    for (std::size_t lane = 0; lane < alone_.size() && (shared_ & bit) == 0; ++lane) {
        const auto& [demand, from] = alone_[lane];
        if (demand == nullptr || (demand->mask & bit) == 0 || (demand->mask & shared_) != 0 ||
            from + demand->alone <= now) {
            continue;
        }
        const Picoseconds begin = std::max(from, now);
        const Picoseconds end = from + demand->alone;
        const Flow flow{demand, lane, end - begin, begin, end};
        if (from > now) {
            now_.waiting.push_back(flow);
        } else {
            add_running(now_, flow);
        }
    }
    shared_ |= bit;
}

Picoseconds LinkShares::send(std::size_t lane, const LinkDemand& demand, Picoseconds now,
                             Picoseconds from) {
    if ((demand.mask & shared_) == 0) {
        alone_[lane] = {&demand, from};
        return from + demand.alone;
    }
    advance(now);
    const auto overlaps = [&](const Flow& flow) { return (flow.demand->mask & demand.mask) != 0; };
    Flow flow{&demand, lane, demand.alone, from, from + demand.alone};
    const bool begins =
        from <= now && !has_lane(now_.running, lane) && !has_lane(now_.waiting, lane);
    const bool alone = std::none_of(now_.running.begin(), now_.running.end(), overlaps) &&
                       std::none_of(now_.waiting.begin(), now_.waiting.end(), overlaps);
    if (begins) {
        const std::size_t place = add_running(now_, flow);
        if (alone) {
            return flow.end;
        }
        share(now_.running, now);
        const Flow& added = now_.running[place];
        if (added.end <= next_event(now_)) {
            return added.end;
        }
        if (now_.running.size() == 2 && now_.waiting.empty()) {  // it ends last, and alone
            const Picoseconds other = now_.running[1 - place].end;
            return other + (added.left - moved(other - now, added.speed));
        }
    } else {
        now_.waiting.push_back(flow);
    }
    ahead_ = now_;
    Picoseconds at = now;
    while (has_lane(ahead_.running, lane) || has_lane(ahead_.waiting, lane)) {
        at = next_event(ahead_);
        settle(ahead_, at);
    }
    return at;
}

/// In the order of lanes, so that the same flows are known again; gives its place.
std::size_t LinkShares::add_running(Flows& flows, const Flow& flow) {
    const auto behind = std::find_if(flows.running.begin(), flows.running.end(),
                                     [&](const Flow& other) { return other.lane > flow.lane; });
    const auto place = static_cast<std::size_t>(behind - flows.running.begin());
    flows.running.insert(behind, flow);
    return place;
}

bool LinkShares::has_lane(const std::vector<Flow>& flows, std::size_t lane) {
    return std::any_of(flows.begin(), flows.end(),
                       [&](const Flow& flow) { return flow.lane == lane; });
}

void LinkShares::advance(Picoseconds now) {
    for (Picoseconds at = next_event(now_); at <= now; at = next_event(now_)) {
        settle(now_, at);
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
    std::uint64_t ended = 0;  // links
    std::uint64_t used = 0;
    std::uint64_t full = 0;
    std::erase_if(flows.running, [&](const Flow& flow) {
        const bool over = flow.end <= now;
        (over ? ended : used) |= flow.demand->mask;
        full |= !over && flow.speed < 1 ? flow.demand->mask : 0;
        return over;
    });
    bool changed = (ended & full) != 0;
    std::erase_if(flows.waiting, [&](Flow& flow) {
        if (flow.since > now || has_lane(flows.running, flow.lane)) {
            return false;
        }
        flow.since = now;
        flow.end = now + flow.left;
        changed = changed || (flow.demand->mask & used) != 0;
        used |= flow.demand->mask;
        add_running(flows, flow);
        return true;
    });
    if (changed) {
        share(flows.running, now);
    }
}

/// Finds the speeds from `now` on.
void LinkShares::share(std::vector<Flow>& running, Picoseconds now) {
    const auto go_on = [&](Flow& flow, double speed) {
        if (flow.speed == speed) {
            return;
        }
        flow.left = std::max(Picoseconds(0), flow.left - moved(now - flow.since, flow.speed));
        flow.since = now;
        flow.speed = speed;
        flow.end = now + at_speed(flow.left, speed);
    };
    if (running.size() == 1) {
        go_on(running.front(), 1);
        return;
    }
    demands_.clear();
    for (const Flow& flow : running) {
        demands_.push_back(flow.demand);
    }
    const std::vector<double>& speeds = speeds_.of(demands_);
    for (std::size_t f = 0; f < running.size(); ++f) {
        go_on(running[f], speeds[f]);
    }
}

void LinkShares::put_off(Picoseconds later) {
    for (auto* flows : {&now_.running, &now_.waiting}) {
        for (Flow& flow : *flows) {
            flow.since += later;
            flow.end += later;
        }
    }
    for (Alone& move : alone_) {
        move.from += later;
    }
}

}  // namespace memwall
