// SPDX-License-Identifier: Apache-2.0
// Turns of a loop that the analytic engine leaves out, as it leaves out rounds: once the state is
// that of some turns before but for the time, everything comes again until the loop ends. Agents
// outside of the loop wait meanwhile for something that comes with its last turns.
#include <algorithm>
#include <limits>

#include "arch/estimator.hpp"

namespace memwall {
namespace {

/// Fewer turns are over before anything comes again.
constexpr std::int64_t kFewTurns = 4;
/// States that are kept of one loop, at most.
constexpr std::size_t kMostStates = 128;

}  // namespace

/// An agent begins a turn; gives by how much later it is after turns that were left out.
Picoseconds Estimator::begin_turn(std::size_t agent, Picoseconds now) {
    const StepPlace place = agents_[agent].place;
    if (!watch(place) || place.turn <= watched_->turn_begun) {
        return Picoseconds(0);
    }
    watched_->turn_begun = place.turn;
    const std::int64_t left = turns_left();
    if (left < kFewTurns || watched_->states.size() == kMostStates) {
        watched_->over = true;
        watched_->states.clear();
        recorder_.end_period();
        return Picoseconds(0);
    }
    if (watched_->states.empty()) {
        recorder_.begin_period();
    }
    link_shares_.advance(now);
    State found = state_in_turn(place.turn, now);
    found.mark = recorder_.mark();
    if (const State* before = alike(found)) {
        const std::int64_t turns = found.number - before->number;
        const Picoseconds time = now - before->at;
        const std::int64_t periods = std::min(left, turns_waited()) / turns;
        if (periods > 0 && time > Picoseconds(0) && recorder_.holds_as_at(before->mark)) {
            leave_out_turns(*before, turns, periods, time, now);
            watched_->over = true;
            watched_->states.clear();
            recorder_.end_period();
            return time * periods;
        }
    }
    watched_->states.push_back(std::move(found));
    return Picoseconds(0);
}

/// Whether the loop of `place` is the one that is watched: the next one is when nobody is in the
/// one before any more.
bool Estimator::watch(const StepPlace& place) {
    if (watched_ && is_watched(place)) {
        return !watched_->over;
    }
    for (std::size_t a = 0; watched_ && a < agents_.size(); ++a) {
        if (in_watched_loop(a)) {
            return false;
        }
    }
    if (watched_ && !watched_->over) {
        recorder_.end_period();
    }
    watched_ = WatchedLoop{place.round, place.loop, place.turn, false, {}};
    return true;
}

/// Of the step that the agent asks for, or will ask for next.
StepPlace Estimator::place_of(std::size_t agent) const {
    return agents_[agent].asks ? agents_[agent].place : turns_->place(AgentId(agent));
}

bool Estimator::is_watched(const StepPlace& place) const {
    return place.loop == watched_->loop && place.round == watched_->round;
}

bool Estimator::in_watched_loop(std::size_t agent) const {
    return !agents_[agent].done && is_watched(place_of(agent));
}

/// After which no agent in the loop has gone past the last.
std::int64_t Estimator::turns_left() const {
    const std::int64_t last = turns_->turns(watched_->loop) - 1;
    std::int64_t left = last;
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        if (in_watched_loop(a)) {
            const StepPlace next = turns_->place(AgentId(a));
            left = std::min(left, is_watched(next) ? last - next.turn : 0);
        }
    }
    return left;
}

/// After which everyone outside of the loop still waits.
std::int64_t Estimator::turns_waited() const {
    std::int64_t turns = std::numeric_limits<std::int64_t>::max();
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        const std::int64_t unmet = in_watched_loop(a) ? -1 : unmet_wait(a);
        if (unmet < 0) {
            continue;
        }
        const TokenWait& wait = next_of(a).step.waits[static_cast<std::size_t>(unmet)];
        for (const TurnPosts& posts : turns_->posts_a_turn(watched_->loop)) {
            if (posts.token == wait.token) {
                const std::int64_t missing = wait.count - posted_[wait.token.position()];
                turns = std::min(turns, (missing - 1) / posts.count);
            }
        }
    }
    return turns;
}

/// The first wait that keeps an agent from its next step; -1: none.
std::int64_t Estimator::unmet_wait(std::size_t agent) const {
    const AgentRow& row = agents_[agent];
    const std::vector<TokenWait>& waits = next_of(agent).step.waits;
    for (std::size_t w = 0; row.asks && !row.done && w < waits.size(); ++w) {
        if (!held(waits[w])) {
            return static_cast<std::int64_t>(w);
        }
    }
    return -1;
}

Estimator::State Estimator::state_in_turn(std::int64_t turn, Picoseconds now) const {
    State state{now, turn, {}, {}, {}};
    put_agents_in_turn(state);
    put_events(state, watched_->round);
    put_resources(state);
    for (const TurnPosts& posts : turns_->posts_a_turn(watched_->loop)) {
        state.fixed.push_back(posted_[posts.token.position()] - turn * posts.count);
    }
    return state;
}

/// Where they are in the loop and what they wait for; of others only what keeps them waiting.
void Estimator::put_agents_in_turn(State& state) const {
    std::vector<std::int64_t>& put = state.fixed;
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        const AgentRow& row = agents_[a];
        const StepPlace place = place_of(a);
        const bool inside = in_watched_loop(a);
        put.push_back(row.done ? -1 : static_cast<std::int64_t>(place.position));
        put.push_back(inside ? 0 : place.round);
        put.push_back(inside ? place.turn - state.number : place.turn);
        put.push_back(row.asks ? 1 : 0);
        put.push_back(unmet_wait(a));
        if (!inside || !row.asks) {
            continue;
        }
        for (const TokenWait& wait : next_of(a).step.waits) {
            put.push_back(wait.token.value);
            put.push_back(wait.count - posted_[wait.token.position()]);
        }
    }
}

/// The last state before that is the same; nullptr: none.
const Estimator::State* Estimator::alike(const State& state) const {
    const auto same =
        std::find_if(watched_->states.rbegin(), watched_->states.rend(), [&](const State& before) {
            return before.times == state.times && before.fixed == state.fixed;
        });
    return same == watched_->states.rend() ? nullptr : &*same;
}

/// Moves everything that is under way to where it would be.
void Estimator::leave_out_turns(const State& from, std::int64_t turns, std::int64_t periods,
                                Picoseconds time, Picoseconds now) {
    PeriodsLeftOut left_out;
    left_out.periods = periods;
    left_out.time = time;
    recorder_.leave_out(left_out, from.mark, now, earliest_start(now));
    move_times(time * periods, 0);
    const std::int64_t moved = turns * periods;
    const auto& all_posts = turns_->posts_a_turn(watched_->loop);
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        AgentRow& row = agents_[a];
        if (!in_watched_loop(a)) {
            continue;
        }
        turns_->leave_out_turns(AgentId(a), moved);
        if (!row.asks) {
            continue;
        }
        row.place.turn += moved;
        for (TokenWait& wait : next_of(a).step.waits) {
            for (const TurnPosts& posts : all_posts) {
                wait.count += posts.token == wait.token ? moved * posts.count : 0;
            }
        }
    }
    for (const TurnPosts& posts : all_posts) {
        posted_[posts.token.position()] += moved * posts.count;
    }
}

}  // namespace memwall
