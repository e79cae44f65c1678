// SPDX-License-Identifier: Apache-2.0
// The life of a step: asked for, waiting, in service, completed.
#include <algorithm>

#include "arch/dram_access.hpp"
#include "base/error.hpp"
#include "sim/replay_engine.hpp"

namespace memwall {

std::int32_t ReplayEngine::new_slot(std::int32_t agent) {
    std::int32_t fresh = 0;
    if (free_slots_.empty()) {
        fresh = static_cast<std::int32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        fresh = free_slots_.back();
        free_slots_.pop_back();
    }
    Slot& mine = slot(fresh);
    mine.agent = agent;
    mine.unmet = 0;
    mine.parts = 0;
    mine.data = 0;
    mine.service_end = Picoseconds(-1);
    mine.record = -1;
    mine.round = -1;
    mine.scheduled = Picoseconds(-1);
    mine.delay = Picoseconds(0);
    mine.flows = false;
    return fresh;
}

void ReplayEngine::ask(std::int32_t agent, Picoseconds now) {
    Row& mine = row(agent);
    if (mine.slot < 0) {
        mine.slot = new_slot(agent);
    }
    Next& next = slot(mine.slot).next;
    source_->next(AgentId(agent), now, next);
    switch (next.kind) {
        case Next::Kind::step:
            mine.phase = Phase::wait_step;
            take_step(mine.slot, now);
            return;
        case Next::Kind::wait_until:
            if (next.until <= now) {
                asking_.push_back(agent);
                return;
            }
            mine.phase = Phase::wait_time;
            timers_.set(agent, next.until);
            return;
        case Next::Kind::wait_for:
            if (tokens_.wait(next.token, mine.slot)) {
                asking_.push_back(agent);
                return;
            }
            mine.phase = Phase::wait_token;
            slot(mine.slot).unmet = 1;
            return;
        case Next::Kind::done:
            mine.phase = Phase::done;
            free_slots_.push_back(mine.slot);
            mine.slot = -1;
            --working_;
            return;
    }
}

void ReplayEngine::take_step(std::int32_t s, Picoseconds now) {
    Slot& mine = slot(s);
    const Step& step = mine.next.step;
    ensure(step.body != nullptr && step.body->unit.valid() &&
               step.body->unit.position() < units_.size(),
           "a step has a body on a unit of its program");
    mine.round = round_of(step);
    for (const TokenWait& wait : step.waits) {
        mine.unmet += tokens_.wait(wait, s) ? 0 : 1;
    }
    if (step.start_at.count() >= 0) {
        mine.unmet += tokens_.wait({step.epoch, step.epoch_count}, s) ? 0 : 1;
    }
    if (mine.unmet == 0) {
        step_ready(s, now);
    }
}

void ReplayEngine::step_ready(std::int32_t s, Picoseconds now) {
    Slot& mine = slot(s);
    const Step& step = mine.next.step;
    const ClockDomain& clock = *units_[step.body->unit.position()].clock;
    mine.ready = now;
    Picoseconds at = clock.time_of(clock.edge_at_or_after(now));
    if (step.start_at.count() >= 0) {
        mine.scheduled = machine_.clock(program_.clock)
                             .after(tokens_.reached(step.epoch, step.epoch_count), step.start_at);
        at = std::max(at, clock.time_of(clock.edge_at_or_after(mine.scheduled)));
    }
    Row& agent = row(mine.agent);
    if (at > now) {
        agent.phase = Phase::wait_start;
        timers_.set(mine.agent, at);
    } else {
        agent.phase = Phase::wait_unit;
        arriving_.push_back(s);
    }
}

void ReplayEngine::start(std::int32_t s, Picoseconds now) {
    Slot& mine = slot(s);
    const Step& step = mine.next.step;
    const StepBody& body = *step.body;
    UnitQueue& unit = units_[body.unit.position()];
    Row& agent = row(mine.agent);
    if (now > mine.arrived) {
        agent.cause = unit.released;
        agent.waited = {unit.released_by, body.unit, TokenId()};
    }
    agent.phase = Phase::serve;
    ++serving_;
    ++steps_;
    mine.start = now;
    occupancy_.reserve({body.occupancy.data(), body.occupancy.size()}, now);
    activity_.begin(s, step, now);
    count_start(mine, now);
    if (const auto* compute = std::get_if<Compute>(&body.what)) {
        mine.least_end = now;
        mine.parts = 1;
        servers_.place(body.unit).server->finish_at(s, unit.clock->after(now, compute->occupies));
    } else {
        serve_move(s, std::get<Move>(body.what), now);
    }
    post(s, PostAt::start, now);
}

void ReplayEngine::serve_move(std::int32_t s, const Move& move, Picoseconds now) {
    Slot& mine = slot(s);
    const UnitId unit = mine.next.step.body->unit;
    const ComponentId component = program_.units[unit.position()].component;
    mine.least_end = units_[unit.position()].clock->after(now, move.occupies);
    mine.flows = std::any_of(move.links.begin(), move.links.end(), [](const LinkUse& use) {
        return use.link.valid() && use.bytes.count() > 0;
    });
    mine.data = static_cast<std::int32_t>(move.dram.size());
    mine.parts = (mine.flows ? 1 : 0) + mine.data;
    if (mine.flows) {
        servers_.flows().start(s, move.links, machine_.component(component).clock, now);
    }
    for (const DramAccess& access : move.dram) {
        servers_.dram(access.dram)
            .submit(s, unit.value, in_round(access, mine.round), *units_[unit.position()].clock,
                    now);
    }
    if (mine.parts == 0) {
        mine.parts = 1;
        servers_.place(unit).server->finish_at(s, mine.least_end);
    }
}

void ReplayEngine::part_done(std::int32_t s, Bound bound, Picoseconds delay, Picoseconds now) {
    Slot& mine = slot(s);
    mine.delay = std::max(mine.delay, delay);
    mine.bound = bound;
    if (--mine.parts > 0) {
        return;
    }
    if (now < mine.least_end) {  // the bytes are through, the unit still issues
        mine.parts = 1;
        servers_.place(mine.next.step.body->unit).server->finish_at(s, mine.least_end);
        return;
    }
    end_service(s, now);
}

void ReplayEngine::end_service(std::int32_t s, Picoseconds now) {
    Slot& mine = slot(s);
    const Step& step = mine.next.step;
    UnitQueue& unit = units_[step.body->unit.position()];
    mine.service_end = now;
    --serving_;
    const ServerSet::UnitPlace& place = servers_.place(step.body->unit);
    place.server->release(place.number);
    unit.released = {mine.record, now};
    unit.released_by = step.layer;
    if (!unit.changed) {
        unit.changed = true;
        changed_units_.push_back(step.body->unit.value);
    }
    activity_.end(s, step, mine.start, now);
    if (options_.causes) {
        StepRecord& record = causes_.record(mine.record);
        record.service_end = now;
        record.bound = mine.bound;
    }
    for (const TokenPost& post : step.posts) {
        if (post.at == PostAt::end) {
            tokens_.expect(post.token);
        }
    }
    if (mine.data == 0) {
        set_completion(s, now);
    }
    Row& agent = row(mine.agent);
    agent.cause = {mine.record, now};
    agent.waited = {step.layer, step.body->unit, TokenId()};
    agent.slot = -1;
    agent.phase = Phase::ask;
    asking_.push_back(mine.agent);
}

// MODEL: latency is not occupancy: a unit goes on to its next step when the last burst of an access
// has entered the DRAM's queues; the step completes with the last data.
void ReplayEngine::data_done(std::int32_t s, Picoseconds delay, Picoseconds now) {
    Slot& mine = slot(s);
    mine.delay = std::max(mine.delay, delay);
    if (--mine.data == 0 && mine.service_end.count() >= 0) {
        set_completion(s, now);
    }
}

/// Service and data have ended: the step completes its latency later.
void ReplayEngine::set_completion(std::int32_t s, Picoseconds now) {
    const Step& step = slot(s).next.step;
    const UnitQueue& unit = units_[step.body->unit.position()];
    const Cycles latency =
        std::visit([](const auto& what) { return what.latency; }, step.body->what);
    const Picoseconds time = latency.count() > 0 ? unit.clock->after(now, latency) : now;
    completions_.push_back({time, row(slot(s).agent).rank, s});
    std::push_heap(completions_.begin(), completions_.end());
}

void ReplayEngine::complete(std::int32_t s, Picoseconds now) {
    Slot& mine = slot(s);
    const Step& step = mine.next.step;
    source_->completed(AgentId(mine.agent), step, now);
    const auto& changes = step.body->occupancy;
    occupancy_.release({changes.data(), changes.size()}, now);
    if (options_.causes) {
        causes_.record(mine.record).complete = now;
    }
    count_completion(mine, now);
    for (const TokenPost& post : step.posts) {
        if (post.at == PostAt::end) {
            tokens_.met(post.token);
        }
    }
    post(s, PostAt::end, now);
    free_slots_.push_back(s);
}

void ReplayEngine::post(std::int32_t s, PostAt at, Picoseconds now) {
    const Slot& mine = slot(s);
    for (const TokenPost& token : mine.next.step.posts) {
        if (token.at != at) {
            continue;
        }
        over_.clear();
        tokens_.post(token.token, token.count, now, over_);
        for (const std::int32_t waiter : over_) {
            Slot& other = slot(waiter);
            if (--other.unmet > 0) {
                continue;
            }
            Row& agent = row(other.agent);
            agent.cause = {mine.record, now};
            agent.waited = {mine.next.step.layer, mine.next.step.body->unit, token.token};
            if (agent.phase == Phase::wait_token) {
                agent.phase = Phase::ask;
                asking_.push_back(other.agent);
            } else {
                step_ready(waiter, now);
            }
        }
    }
}

}  // namespace memwall
