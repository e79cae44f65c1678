// SPDX-License-Identifier: Apache-2.0
// What happens at an instant, and in which order.
#include "sim/replay_engine.hpp"

#include <algorithm>
#include <numeric>

#include "base/error.hpp"

namespace memwall {

ReplayEngine::ReplayEngine(const Program& program, const Machine& machine,
                           const ReplayOptions& options, ServerSet& servers)
    : program_(program),
      machine_(machine),
      options_(options),
      servers_(servers),
      source_(program.make_source()),
      rows_(program.agents.size()),
      units_(program.units.size()),
      tokens_(program.tokens.size()),
      occupancy_(machine),
      activity_(program, machine),
      tally_(program, machine),
      counts_(program.actions.size(), 0),
      load_counts_(program.actions.size(), 0),
      activations_(program.layers.size() * machine.drams().size(), 0),
      load_activations_(machine.drams().size(), 0),
      rounds_(static_cast<std::size_t>(program.rounds)) {
    ensure(program.items_per_round > 0 && program.rounds > 0, "a program has rounds of items");
    ensure(options.window.warmup >= 0 && options.window.warmup < program.rounds,
           "a window leaves at least one round");
    std::vector<std::size_t> order(rows_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const Agent& first = program.agents[a];
        const Agent& second = program.agents[b];
        if (first.priority != second.priority) {
            return first.priority < second.priority;
        }
        return first.name != second.name ? first.name < second.name : a < b;
    });
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
        rows_[order[rank]].rank = static_cast<std::int32_t>(rank);
    }
    for (std::size_t u = 0; u < units_.size(); ++u) {
        const Component& component = machine.component(program.units[u].component);
        units_[u].clock = &machine.clock(component.clock);
        units_[u].bound = bound_of(machine, component);
    }
}

void ReplayEngine::begin() {
    occupancy_.reserve(program_.resident, Picoseconds(0));
    working_ = static_cast<std::int64_t>(rows_.size());
    for (std::size_t a = 0; a < rows_.size(); ++a) {
        asking_.push_back(static_cast<std::int32_t>(a));
    }
    if (options_.reverse_agents) {
        std::reverse(asking_.begin(), asking_.end());
    }
    settle(Picoseconds(0));
}

Picoseconds ReplayEngine::next_time() const {
    // A completion that nobody waits for is caught up with at the next instant that matters.
    const bool matters = tokens_.awaited() || serving_ == 0;
    const Picoseconds completion =
        matters && !completions_.empty() ? completions_.front().time : kNever;
    return std::min(completion, timers_.next());
}

bool ReplayEngine::pending(Picoseconds now) const {
    const bool completion = !completions_.empty() && completions_.front().time <= now;
    return completion || !asking_.empty() || !arriving_.empty() || timers_.next() <= now ||
           servers_.next_time() <= now;
}

void ReplayEngine::settle(Picoseconds now) {
    do {
        bool happened = true;
        while (happened) {
            happened = complete_due(now);
            happened |= collect_finished(now);
            happened |= wake_timers(now);
            happened |= ask_agents(now);
        }
        grant_units(now);
        servers_.settle(now);
    } while (pending(now));
}

bool ReplayEngine::complete_due(Picoseconds now) {
    bool happened = false;
    while (!completions_.empty() && completions_.front().time <= now) {
        const Completion due = completions_.front();
        std::pop_heap(completions_.begin(), completions_.end());
        completions_.pop_back();
        complete(due.slot, due.time);
        happened = true;
    }
    return happened;
}

bool ReplayEngine::collect_finished(Picoseconds now) {
    bool happened = false;
    const auto collect = [&](Server& server) {
        finished_.clear();
        if (server.next_time() <= now) {
            server.advance(now, finished_);
            happened |= !finished_.empty();
        }
    };
    for (FifoServer* server : servers_.fifos()) {
        collect(*server);
        for (const std::int32_t s : finished_) {
            const UnitId unit = slot(s).next.step.body->unit;
            part_done(s, units_[unit.position()].bound, Picoseconds(0), now);
        }
    }
    FlowNetwork& flows = servers_.flows();
    collect(flows);
    for (const std::int32_t s : finished_) {
        const LinkId link = flows.bottleneck(s);
        const Bound bound =
            link.valid() ? bound_of(machine_,
                                    machine_.component(machine_.links()[link.position()].component))
                         : Bound::latency;
        const Move& move = std::get<Move>(slot(s).next.step.body->what);
        activity_.passed(move.links, slot(s).start, now);
        part_done(s, bound, flows.delay(s), now);
    }
    for (std::size_t d = 0; d < servers_.drams().size(); ++d) {
        DramPort& dram = *servers_.drams()[d];
        collect(dram);
        accepted_.clear();
        dram.take_accepted(accepted_);
        happened |= !accepted_.empty();
        for (const std::int32_t s : accepted_) {
            part_done(s, Bound::dram, Picoseconds(0), now);
        }
        for (const std::int32_t s : finished_) {
            count_activations(slot(s), DramId(d), dram.take_activations(s));
            data_done(s, dram.delay(s), now);
        }
    }
    return happened;
}

bool ReplayEngine::wake_timers(Picoseconds now) {
    bool happened = false;
    while (timers_.next() <= now) {
        const std::int32_t agent = timers_.pop();
        Row& mine = row(agent);
        happened = true;
        if (mine.phase == Phase::wait_time) {
            mine.phase = Phase::ask;
            asking_.push_back(agent);
        } else {
            mine.phase = Phase::wait_unit;
            arriving_.push_back(mine.slot);
        }
    }
    return happened;
}

bool ReplayEngine::ask_agents(Picoseconds now) {
    if (asking_.empty()) {
        return false;
    }
    batch_.swap(asking_);
    asking_.clear();
    std::sort(batch_.begin(), batch_.end(),
              [&](std::int32_t a, std::int32_t b) { return row(a).rank < row(b).rank; });
    for (const std::int32_t agent : batch_) {
        ask(agent, now);
    }
    batch_.clear();
    return true;
}

void ReplayEngine::grant_units(Picoseconds now) {
    // Only now are all requests of the instant known.
    batch_.swap(arriving_);
    arriving_.clear();
    std::sort(batch_.begin(), batch_.end(), [&](std::int32_t a, std::int32_t b) {
        return row(slot(a).agent).rank < row(slot(b).agent).rank;
    });
    const auto mark = [&](UnitId unit) {
        UnitQueue& queue = units_[unit.position()];
        if (!queue.changed) {
            queue.changed = true;
            changed_units_.push_back(unit.value);
        }
    };
    for (const std::int32_t s : batch_) {
        const UnitId unit = slot(s).next.step.body->unit;
        slot(s).arrived = now;
        units_[unit.position()].slots.push_back(s);
        mark(unit);
    }
    batch_.clear();
    std::sort(changed_units_.begin(), changed_units_.end());
    for (const std::int32_t u : changed_units_) {
        UnitQueue& queue = units_[static_cast<std::size_t>(u)];
        queue.changed = false;
        const ServerSet::UnitPlace& place = servers_.place(UnitId(u));
        while (queue.head < queue.slots.size() && place.server->free(place.number)) {
            const std::int32_t s = queue.slots[queue.head++];
            place.server->take(place.number);
            batch_.push_back(s);
        }
        if (queue.head == queue.slots.size()) {
            queue.slots.clear();
            queue.head = 0;
        }
    }
    changed_units_.clear();
    std::sort(batch_.begin(), batch_.end(), [&](std::int32_t a, std::int32_t b) {
        return row(slot(a).agent).rank < row(slot(b).agent).rank;
    });
    for (const std::int32_t s : batch_) {
        start(s, now);
    }
    batch_.clear();
}

std::string ReplayEngine::deadlock() const {
    constexpr std::size_t kShown = 8;
    std::string text = "deadlock: no step can start any more";
    std::size_t stuck = 0;
    for (std::size_t a = 0; a < rows_.size(); ++a) {
        const Row& mine = rows_[a];
        if (mine.phase == Phase::done || ++stuck > kShown) {
            continue;
        }
        text += "; agent '" + program_.agents[a].name + "' waits for";
        if (mine.slot < 0) {
            text += " nothing that will come";
            continue;
        }
        const Next& next = slots_[static_cast<std::size_t>(mine.slot)].next;
        std::vector<TokenWait> waits = next.step.waits;
        if (next.kind == Next::Kind::wait_for) {
            waits = {next.token};
        } else if (next.step.start_at.count() >= 0) {
            waits.push_back({next.step.epoch, next.step.epoch_count});
        }
        for (const TokenWait& wait : waits) {
            if (tokens_.count(wait.token) < wait.count) {
                text += " token '" + program_.tokens[wait.token.position()] + "' (" +
                        std::to_string(tokens_.count(wait.token)) + " of " +
                        std::to_string(wait.count) + " posted)";
            }
        }
    }
    if (stuck > kShown) {
        text += "; and " + std::to_string(stuck - kShown) + " more agents";
    }
    return text;
}

Outcome replay_without_kernel(const Program& program, const Machine& machine,
                              const ReplayOptions& options) {
    ServerSet servers(program, machine);
    ReplayEngine engine(program, machine, options, servers);
    engine.begin();
    while (!engine.done()) {
        const Picoseconds now = std::min(engine.next_time(), servers.next_time());
        if (now == kNever) {
            fail(engine.deadlock());
        }
        engine.settle(now);
    }
    return engine.outcome();
}

Outcome replay_for_mapper(const Program& program, const Machine& machine, const Window& window) {
    ReplayOptions options;
    options.window = window;
    options.causes = false;
    return replay_without_kernel(program, machine, options);
}

}  // namespace memwall
