// SPDX-License-Identifier: Apache-2.0
// Rounds that the analytic engine leaves out. Whatever it does next depends on its state alone:
// once that is the state of some rounds before but for the time, everything comes again, until a
// round is the last. Times are whole picoseconds, so what is left out is known exactly.
#include <algorithm>

#include "arch/estimator.hpp"

namespace memwall {
namespace {

/// Fewer rounds are over before anything comes again.
constexpr std::int64_t kFewRounds = 6;
/// A state is compared with those of so many rounds behind it, at most.
constexpr std::int64_t kMostRoundsBehind = 64;

}  // namespace

void Estimator::look_for_rounds() {
    fetches_early_ = source_->loops() != nullptr;
    keeps_post_times_ = !fetches_early_;
    loops_ = observe_ ? nullptr : source_->loops();
    if (loops_ != nullptr && loops_->has_loops()) {
        std::swap(loops_, turns_);
    }
    if (loops_ == nullptr || loops_->rounds() < kFewRounds || program_.repetition) {
        loops_ = nullptr;
        return;
    }
    begun_.resize(static_cast<std::size_t>(loops_->rounds()));
}

/// An agent asks for a step of a round: whether now all of them have begun it.
bool Estimator::all_begin(std::size_t agent, std::int64_t round) {
    if (round <= agents_[agent].round) {
        return false;
    }
    agents_[agent].round = round;
    return ++begun_[static_cast<std::size_t>(round)] + idle_ == agents_.size();
}

/// The last agent begins a round; gives by how much later it is after rounds that were left out.
/// Waits for what lies before the first round are none in the rounds that are walked. They hold in
/// all later ones too: there they are for that many posts more, and as many more are there.
Picoseconds Estimator::begin_round(std::int64_t round, Picoseconds now) {
    if (rounds_left() < 1) {
        loops_ = nullptr;
        recorder_.end_period();
        return Picoseconds(0);
    }
    if (round < loops_->alike_from()) {
        return Picoseconds(0);
    }
    link_shares_.advance(now);
    State found = state_in_round(round, now);
    if (known_ && found.fixed == known_->fixed && found.times == known_->times &&
        recorder_.holds_as_at(recorder_.begin_of_period())) {
        PeriodsLeftOut left_out;
        left_out.rounds = round - known_->number;
        left_out.periods = rounds_left() / left_out.rounds;
        left_out.time = (now - known_->at);
        if (left_out.periods > 0 && left_out.time > Picoseconds(0)) {
            leave_out_rounds(left_out, now);
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

/// After which no agent has gone past the last.
std::int64_t Estimator::rounds_left() const {
    std::int64_t last = 0;  // that something is asked for
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        if (!agents_[a].done) {
            last = std::max(
                last, agents_[a].asks ? next_of(a).step.item : loops_->place(AgentId(a)).round);
        }
    }
    return loops_->rounds() - 1 - last;
}

/// Of all that is under way.
Picoseconds Estimator::earliest_start(Picoseconds now) const {
    Picoseconds earliest = now;
    agenda_.each_flight(
        [&](std::size_t flight) { earliest = std::min(earliest, flights_[flight]->times.start); });
    return earliest;
}

Estimator::State Estimator::state_in_round(std::int64_t round, Picoseconds now) const {
    State state{now, round, {}, {}, {}};
    put_agents(state);
    put_events(state, round);
    put_resources(state);
    for (std::size_t t = 0; t < tokens_.size(); ++t) {
        state.fixed.push_back(posted_[t] - round * loops_->posts_a_round(TokenId(t)));
    }
    return state;
}

/// When what is shared is free again, and agents go on, and where the clock is.
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
    link_shares_.each([&](Picoseconds time) { state.times.push_back((time - state.at).count()); },
                      [&](std::int64_t number) { state.fixed.push_back(number); });
    for (const AgentRow& row : agents_) {
        put_time(row.goes_on, state.at);
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
        for (const TokenWait& wait : next_of(a).step.waits) {
            put.push_back(wait.token.value);
            put.push_back(wait.count - posted_[wait.token.position()]);
        }
    }
}

/// What comes when, in the order of coming, and in which round from this one on.
void Estimator::put_events(State& state, std::int64_t round) const {
    state.fixed.push_back(static_cast<std::int64_t>(agenda_.requesting()));
    for (const Agenda::Entry& entry : agenda_.entries()) {
        state.times.push_back((entry.at - state.at).count());
        state.fixed.push_back(static_cast<std::int64_t>(entry.kind));
        state.fixed.push_back(static_cast<std::int64_t>(entry.agent));
        if (entry.kind != Kind::complete) {
            continue;
        }
        const Flight& flight = *flights_[entry.flight];
        const Step& step = flight.next.step;
        state.fixed.push_back(flight.costs->number);
        state.fixed.push_back(step.layer.value);
        state.fixed.push_back(step.item - round);
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
            next_of(a).step.item += rounds;
            for (TokenWait& wait : next_of(a).step.waits) {
                wait.count += rounds * loops_->posts_a_round(wait.token);
            }
        }
    }
    for (std::size_t t = 0; t < tokens_.size(); ++t) {
        posted_[t] += rounds * loops_->posts_a_round(TokenId(t));
    }
}

/// Everything that is under way comes so much, and so many rounds, later.
void Estimator::move_times(Picoseconds later, std::int64_t rounds) {
    agenda_.put_off(later);
    agenda_.each_flight([&](std::size_t index) {
        Flight& flight = *flights_[index];
        flight.next.step.item += rounds;
        for (Picoseconds* time : {&flight.times.ready, &flight.times.start, &flight.times.served,
                                  &flight.times.complete}) {
            *time += later;
        }
    });
    for (std::vector<Picoseconds>& servers : free_at_) {
        for (Picoseconds& free : servers) {
            free += later;
        }
    }
    for (AgentRow& row : agents_) {
        row.goes_on += later;
    }
    for (DramShares& shares : dram_shares_) {
        shares.put_off(later);
    }
    link_shares_.put_off(later);
}

}  // namespace memwall
