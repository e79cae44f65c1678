// SPDX-License-Identifier: Apache-2.0
// Rounds that the analytic engine leaves out. Whatever it does next depends on its state alone:
// once that is the state of some rounds before but for the time, everything comes again, until a
// round is the last. Times are whole picoseconds, so what is left out is known exactly.
#include <algorithm>

#include "arch/estimator.hpp"

namespace memwall {
namespace {

/// Fewer rounds are over before anything comes again.
constexpr std::int64_t kFewRounds = 16;
/// A state is compared with those of so many rounds behind it, at most.
constexpr std::int64_t kMostRoundsBehind = 64;

}  // namespace

void Estimator::look_for_rounds() {
    keeps_post_times_ = source_->loops() == nullptr;
    loops_ = observe_ ? nullptr : source_->loops();
    if (loops_ != nullptr && loops_->has_loops()) {
        std::swap(loops_, turns_);
    }
    if (loops_ == nullptr || loops_->rounds() < kFewRounds || program_.repetition) {
        loops_ = nullptr;
        return;
    }
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        first_whole_.push_back(loops_->first_whole_round(AgentId(a)));
    }
}

/// The agent that tells rounds apart begins one; gives by how much later it is after rounds that
/// were left out.
Picoseconds Estimator::begin_round(std::int64_t round, Picoseconds now) {
    round_begun_ = round;
    if (rounds_left() < 1) {
        loops_ = nullptr;
        recorder_.end_period();
        return Picoseconds(0);
    }
    if (!whole_rounds()) {
        return Picoseconds(0);
    }
    State found = state_in_round(round, now);
    if (known_ && found.fixed == known_->fixed && found.times == known_->times &&
        recorder_.holds_as_at(recorder_.begin_of_period())) {
        PeriodsLeftOut left_out;
        left_out.rounds = round - known_->number;
        left_out.periods = rounds_left() / left_out.rounds;
        left_out.time = (now - known_->at);
        if (left_out.periods > 0 && left_out.time > Picoseconds(0)) {
            leave_out_rounds(left_out, now);
            round_begun_ += left_out.rounds * left_out.periods;
            loops_ = nullptr;
            recorder_.end_period();
            return left_out.time * left_out.periods;
        }
    }
    // As Brent finds cycles: a state is kept for twice as many rounds as the one before.
    if (!known_ || --rounds_to_next_ == 0) {
        rounds_to_next_ = rounds_a_state_;
        rounds_a_state_ = std::min(2 * rounds_a_state_, kMostRoundsBehind);
        known_ = std::move(found);
        recorder_.begin_period();
    }
    return Picoseconds(0);
}

bool Estimator::whole_rounds() const {
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        if (!agents_[a].done && loops_->place(AgentId(a)).round < first_whole_[a]) {
            return false;
        }
    }
    return true;
}

/// After which no agent has gone past the last.
std::int64_t Estimator::rounds_left() const {
    std::int64_t left = loops_->rounds() - 1;
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        if (!agents_[a].done) {
            left = std::min(left, loops_->rounds() - 1 - loops_->place(AgentId(a)).round);
        }
    }
    return left;
}

/// Of all that is under way.
Picoseconds Estimator::earliest_start(Picoseconds now) const {
    Picoseconds earliest = now;
    for (const Event& event : events_) {
        if (event.kind() == Kind::complete) {
            earliest = std::min(earliest, flights_[event.flight].times.start);
        }
    }
    return earliest;
}

Estimator::State Estimator::state_in_round(std::int64_t round, Picoseconds now) const {
    State state{now, round, {}, {}, {}};
    put_agents(state);
    put_events(state);
    put_resources(state);
    for (std::size_t t = 0; t < tokens_.size(); ++t) {
        state.fixed.push_back(tokens_[t].posted - round * loops_->posts_a_round(TokenId(t)));
    }
    return state;
}

/// When what is shared is free again, and where the clock is.
void Estimator::put_resources(State& state) const {
    // What is over makes no difference any more.
    const auto put_time = [&](Picoseconds time, Picoseconds over) {
        state.times.push_back((std::max(time, over) - state.at).count());
    };
    for (std::vector<Picoseconds> servers : free_at_) {
        std::sort(servers.begin(), servers.end());
        for (const Picoseconds free : servers) {
            put_time(free, state.at);
        }
    }
    for (const DramShares& shares : dram_shares_) {
        shares.each_time([&](Picoseconds time) { put_time(time, state.at); });
    }
    const Picoseconds earliest = earliest_start(state.at);
    for (const Picoseconds until : recorder_.busy_until()) {
        put_time(until, earliest);
    }
    state.times.push_back(state.at.count() % clock_.edges_repeat_after().count());
}

/// Where they are, and what they wait for.
void Estimator::put_agents(State& state) const {
    std::vector<std::int64_t>& put = state.fixed;
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        const AgentRow& row = agents_[a];
        if (row.done) {
            put.push_back(-1);
            continue;
        }
        const StepPlace place = loops_->place(AgentId(a));
        put.push_back(static_cast<std::int64_t>(place.position));
        put.push_back(place.round - state.number);
        put.push_back(row.asks ? 1 : 0);
        if (!row.asks) {
            continue;
        }
        for (const TokenWait& wait : row.next.step.waits) {
            put.push_back(wait.token.value);
            put.push_back(wait.count - tokens_[wait.token.position()].posted);
        }
    }
}

/// What comes when, in the order of coming.
void Estimator::put_events(State& state) const {
    std::vector<Event> events = events_;
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return b > a; });
    for (const Event& event : events) {
        state.times.push_back((event.at - state.at).count());
        state.fixed.push_back(static_cast<std::int64_t>(event.rank));
        if (event.kind() != Kind::complete) {
            continue;
        }
        const Flight& flight = flights_[event.flight];
        state.fixed.push_back(flight.costs->number);
        state.fixed.push_back(flight.step.layer.value);
        state.fixed.push_back(turns_ != nullptr ? 0 : flight.step.item - state.number);
        for (const Picoseconds time :
             {flight.times.ready, flight.times.start, flight.times.served}) {
            state.times.push_back((time - state.at).count());
        }
    }
}

/// Moves everything that is under way to where it would be.
void Estimator::leave_out_rounds(const PeriodsLeftOut& left_out, Picoseconds now) {
    recorder_.leave_out(left_out, recorder_.begin_of_period(), now, earliest_start(now));
    const std::int64_t rounds = left_out.rounds * left_out.periods;
    move_times(left_out.time * left_out.periods, rounds);
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        AgentRow& row = agents_[a];
        if (row.done) {
            continue;
        }
        loops_->leave_out(AgentId(a), rounds);
        if (row.asks) {
            row.next.step.item += rounds;
            for (TokenWait& wait : row.next.step.waits) {
                wait.count += rounds * loops_->posts_a_round(wait.token);
            }
        }
    }
    for (std::size_t t = 0; t < tokens_.size(); ++t) {
        tokens_[t].posted += rounds * loops_->posts_a_round(TokenId(t));
    }
}

/// Everything that is under way comes so much, and so many rounds, later.
void Estimator::move_times(Picoseconds later, std::int64_t rounds) {
    for (Event& event : events_) {
        event.at += later;
        if (event.kind() == Kind::complete) {
            Flight& flight = flights_[event.flight];
            flight.step.item += rounds;
            for (Picoseconds* time : {&flight.times.ready, &flight.times.start,
                                      &flight.times.served, &flight.times.complete}) {
                *time += later;
            }
        }
    }
    for (std::vector<Picoseconds>& servers : free_at_) {
        for (Picoseconds& free : servers) {
            free += later;
        }
    }
    for (DramShares& shares : dram_shares_) {
        shares.put_off(later);
    }
}

}  // namespace memwall
