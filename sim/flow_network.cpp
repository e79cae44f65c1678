// SPDX-License-Identifier: Apache-2.0
#include "sim/flow_network.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace memwall {

namespace {

/// A finish this much past an edge, of the flow's whole time, still counts as that edge: what is
/// exact on paper must not slip a cycle by rounding.
constexpr double kGuard = 1e-9;

double guarded_ceil(double cycles, double scale) {
    return std::ceil(cycles - kGuard * std::max(1.0, scale));
}

}  // namespace

FlowNetwork::FlowNetwork(std::span<const Link> links, std::span<const ClockDomain> clocks)
    : clocks_(clocks), last_cycle_(clocks.size()) {
    links_.reserve(links.size());
    for (const Link& link : links) {
        Shared shared;
        const auto hertz = static_cast<double>(clocks[link.clock.position()].frequency().count());
        shared.capacity = link.bytes_per_cycle * hertz;
        links_.push_back(shared);
    }
}

double FlowNetwork::cycle(ClockId clock, Picoseconds now) {
    CycleAt& last = last_cycle_[clock.position()];
    if (last.time != now) {
        const ClockDomain& domain = clocks_[clock.position()];
        const Cycles edge = domain.edge_at_or_after(now);
        last.time = now;
        last.cycle = domain.time_of(edge) == now
                         ? static_cast<double>(edge.count())
                         : static_cast<double>(now.count()) *
                               static_cast<double>(domain.frequency().count()) / 1e12;
    }
    return last.cycle;
}

void FlowNetwork::start(std::int32_t tag, std::span<const LinkUse> uses, ClockId clock,
                        Picoseconds now) {
    const auto position = static_cast<std::size_t>(tag);
    if (position >= flows_.size()) {
        flows_.resize(position + 1);
    }
    Flow& flow = flows_[position];
    ensure(!flow.active, "a flow ends before its tag is used again");
    flow.clock = clock;
    flow.active = true;
    ++active_;
    join(flow, tag, uses);
    flow.remaining = flow.size;
    flow.rate = 0;
    flow.start = flow.since = cycle(clock, now);
    flow.bottleneck = LinkId();
    flow.delay = Picoseconds(0);
    seeds_.push_back(tag);
}

void FlowNetwork::join(Flow& flow, std::int32_t tag, std::span<const LinkUse> uses) {
    flow.lanes.clear();
    flow.size = 0;
    flow.alone = 0;
    for (const LinkUse& use : uses) {
        const auto bytes = static_cast<double>(use.bytes.count());
        if (use.link.valid() && bytes > 0) {
            Lane lane;
            lane.link = use.link.value;
            lane.flow = tag;
            lane.weight = bytes;
            flow.lanes.push_back(lane);
            flow.size = std::max(flow.size, bytes);
        }
    }
    const auto hertz = static_cast<double>(clocks_[flow.clock.position()].frequency().count());
    // The links of a tree are mostly alike: no division for one that is like the one before.
    double bytes = 0;
    double weight = 0;
    double capacity = 0;
    for (Lane& lane : flow.lanes) {
        Shared& shared = links_[static_cast<std::size_t>(lane.link)];
        ensure(shared.capacity > 0, "a flow goes over links that can carry it");
        if (lane.weight != bytes || shared.capacity != capacity) {
            bytes = lane.weight;
            capacity = shared.capacity;
            weight = bytes / flow.size;
            flow.alone = std::max(flow.alone, bytes * hertz / capacity);
        }
        lane.weight = weight;
        lane.next = shared.lanes;
        if (shared.lanes != nullptr) {
            ensure(shared.lanes->flow != tag, "a move names each link once");
            shared.lanes->previous = &lane;
        }
        shared.lanes = &lane;
    }
}

void FlowNetwork::leave(std::int32_t tag, Picoseconds now) {
    Flow& flow = flows_[static_cast<std::size_t>(tag)];
    for (Lane& lane : flow.lanes) {
        Shared& shared = links_[static_cast<std::size_t>(lane.link)];
        (lane.previous != nullptr ? lane.previous->next : shared.lanes) = lane.next;
        if (lane.next != nullptr) {
            lane.next->previous = lane.previous;
        }
        for (const Lane* other = shared.lanes; other != nullptr; other = other->next) {
            seeds_.push_back(other->flow);
        }
    }
    const double alone = guarded_ceil(flow.start + flow.alone, flow.alone);
    const Picoseconds undisturbed =
        clocks_[flow.clock.position()].time_of(Cycles(static_cast<std::int64_t>(alone)));
    flow.delay = std::max(Picoseconds(0), now - undisturbed);
    flow.active = false;
    --active_;
}

void FlowNetwork::advance(Picoseconds now, std::vector<std::int32_t>& finished) {
    while (due_.next() <= now) {
        const std::int32_t tag = due_.pop();
        leave(tag, now);
        finished.push_back(tag);
    }
}

void FlowNetwork::settle(Picoseconds now) {
    if (seeds_.empty()) {
        return;
    }
    ++mark_;
    for (const std::int32_t seed : seeds_) {
        const Flow& flow = flows_[static_cast<std::size_t>(seed)];
        if (!flow.active || flow.mark == mark_) {
            continue;
        }
        gather(seed);
        if (set_.size() == 1) {
            solve_alone(seed, now);
        } else {
            solve_set(now);
        }
    }
    seeds_.clear();
}

void FlowNetwork::gather(std::int32_t seed) {
    set_.clear();
    links_in_set_.clear();
    flows_[static_cast<std::size_t>(seed)].mark = mark_;
    set_.push_back(seed);
    for (std::size_t at = 0; at < set_.size(); ++at) {
        for (const Lane& lane : flows_[static_cast<std::size_t>(set_[at])].lanes) {
            Shared& shared = links_[static_cast<std::size_t>(lane.link)];
            if (shared.mark == mark_) {
                continue;
            }
            shared.mark = mark_;
            links_in_set_.push_back(lane.link);
            for (const Lane* other = shared.lanes; other != nullptr; other = other->next) {
                Flow& flow = flows_[static_cast<std::size_t>(other->flow)];
                if (flow.mark != mark_) {
                    flow.mark = mark_;
                    set_.push_back(other->flow);
                }
            }
        }
    }
}

void FlowNetwork::solve_alone(std::int32_t tag, Picoseconds now) {
    const Flow& flow = flows_[static_cast<std::size_t>(tag)];
    double rate = 0;
    LinkId narrowest;
    for (const Lane& lane : flow.lanes) {
        const double here = links_[static_cast<std::size_t>(lane.link)].capacity / lane.weight;
        if (!narrowest.valid() || here < rate) {
            rate = here;
            narrowest = LinkId(lane.link);
        }
    }
    set_rate(tag, rate, narrowest, now);
}

void FlowNetwork::solve_set(Picoseconds now) {
    ++solutions_;
    std::size_t open = set_.size();
    for (const std::int32_t tag : set_) {
        flows_[static_cast<std::size_t>(tag)].frozen = false;
    }
    for (const std::int32_t id : links_in_set_) {
        Shared& shared = links_[static_cast<std::size_t>(id)];
        shared.left = shared.capacity;
        shared.weight = 0;
        shared.open = 0;
        for (const Lane* lane = shared.lanes; lane != nullptr; lane = lane->next) {
            shared.weight += lane->weight;
            ++shared.open;
        }
    }
    double share = 0;
    while (open > 0) {
        // The fair share of the fullest link. Shares only grow; rounding must not let them fall.
        std::int32_t full = -1;
        double least = 0;
        for (const std::int32_t id : links_in_set_) {
            const Shared& shared = links_[static_cast<std::size_t>(id)];
            if (shared.open > 0) {
                const double here = shared.left / shared.weight;
                if (full < 0 || here < least || (here == least && id < full)) {
                    full = id;
                    least = here;
                }
            }
        }
        ensure(full >= 0, "every flow of a set is on one of its links");
        share = std::max(share, least);
        Shared& shared = links_[static_cast<std::size_t>(full)];
        open -= static_cast<std::size_t>(shared.open);
        freeze(shared, LinkId(full), share, now);
    }
}

void FlowNetwork::freeze(Shared& full, LinkId link, double share, Picoseconds now) {
    for (Lane* lane = full.lanes; lane != nullptr; lane = lane->next) {
        Flow& flow = flows_[static_cast<std::size_t>(lane->flow)];
        if (flow.frozen) {
            continue;
        }
        flow.frozen = true;
        set_rate(lane->flow, share, link, now);
        for (const Lane& own : flow.lanes) {
            Shared& shared = links_[static_cast<std::size_t>(own.link)];
            shared.left -= own.weight * share;
            shared.weight -= own.weight;
            --shared.open;
        }
    }
}

void FlowNetwork::set_rate(std::int32_t tag, double bytes_per_second, LinkId bottleneck,
                           Picoseconds now) {
    Flow& flow = flows_[static_cast<std::size_t>(tag)];
    const ClockDomain& clock = clocks_[flow.clock.position()];
    const double here = cycle(flow.clock, now);
    flow.remaining = std::max(0.0, flow.remaining - flow.rate * (here - flow.since));
    flow.since = here;
    flow.rate = bytes_per_second / static_cast<double>(clock.frequency().count());
    flow.bottleneck = bottleneck;
    double cycles = 0;
    if (flow.remaining > 0) {
        ensure(flow.rate > 0, "a flow with bytes left has a rate");
        cycles = flow.remaining / flow.rate;
    }
    const double last = guarded_ceil(here + cycles, here + cycles - flow.start);
    const auto edge = static_cast<std::int64_t>(std::max(last, std::ceil(here)));
    due_.set(tag, clock.time_of(Cycles(edge)));
}

LinkId FlowNetwork::bottleneck(std::int32_t tag) const {
    return flows_[static_cast<std::size_t>(tag)].bottleneck;
}

Picoseconds FlowNetwork::delay(std::int32_t tag) const {
    return flows_[static_cast<std::size_t>(tag)].delay;
}

}  // namespace memwall
