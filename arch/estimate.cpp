// SPDX-License-Identifier: Apache-2.0
#include "arch/estimate.hpp"

#include <algorithm>
#include <functional>

#include "arch/estimator.hpp"
#include "base/error.hpp"

namespace memwall {

Estimator::Estimator(const Program& program, const Machine& machine, const Window& window,
                     const StepObserver& observe, const std::function<bool()>& cancelled)
    : program_(program),
      clock_(machine.clock(program.clock)),
      recorder_(program, machine, window),
      observe_(observe),
      cancelled_(cancelled),
      source_(program.make_source()),
      agents_(program.agents.size()),
      dram_shares_(machine.drams().size(), DramShares(program.units.size())),
      tokens_(program.tokens.size()) {
    for (const Unit& unit : program.units) {
        free_at_.emplace_back(static_cast<std::size_t>(unit.servers));
    }
    look_for_rounds();
}

Outcome Estimator::run() {
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        wake(a, Picoseconds(0), Kind::fetch);
    }
    while (!events_.empty()) {
        if (cancelled_ && cancelled_()) {
            throw Interrupted();
        }
        handle(next_event());
    }
    check_finished();
    return recorder_.finish();
}

std::uint64_t Estimator::rank(Kind kind, std::size_t agent) const {
    const auto priority = static_cast<std::uint64_t>(program_.agents[agent].priority + kPriorities);
    return static_cast<std::uint64_t>(kind) << 62U | priority << 30U | agent;
}

void Estimator::wake(std::size_t agent, Picoseconds at, Kind kind, std::size_t flight) {
    events_.push_back({at, rank(kind, agent), serial_++, flight});
    std::push_heap(events_.begin(), events_.end(), std::greater<>());
}

Estimator::Event Estimator::next_event() {
    std::pop_heap(events_.begin(), events_.end(), std::greater<>());
    const Event event = events_.back();
    events_.pop_back();
    return event;
}

void Estimator::handle(const Event& event) {
    switch (event.kind()) {
        case Kind::complete:
            return complete(event.flight, event.at);
        case Kind::fetch:
            return fetch(event.agent(), event.at);
        case Kind::request:
            return request(event.agent(), event.at);
    }
}

void Estimator::fetch(std::size_t agent, Picoseconds now) {
    AgentRow& row = agents_[agent];
    row.next.kind = Next::Kind::done;
    if (turns_ != nullptr) {
        row.place = turns_->place(AgentId(agent));
    }
    source_->next(AgentId(agent), now, row.next);
    switch (row.next.kind) {
        case Next::Kind::done:
            row.done = true;
            return;
        case Next::Kind::wait_until:
            wake(agent, std::max(now, row.next.until), Kind::fetch);
            return;
        case Next::Kind::wait_for:
        case Next::Kind::step:
            row.asks = true;
            // The first agent to begin a round tells rounds apart.
            if (loops_ != nullptr && row.next.step.item > round_begun_) {
                now += begin_round(row.next.step.item, now);
            } else if (turns_ != nullptr && row.place.loop >= 0) {
                now += begin_turn(agent, now);
            }
            try_start(agent, now);
            return;
    }
}

bool Estimator::held(const TokenWait& wait) const {
    return tokens_[wait.token.position()].posted >= wait.count;
}

/// Whether everything waited for has come; else registers with the first that has not.
bool Estimator::ready(std::size_t agent, const TokenWait* begin, const TokenWait* end) {
    for (const TokenWait* wait = begin; wait != end; ++wait) {
        if (!held(*wait)) {
            tokens_[wait->token.position()].waiters.push_back(agent);
            return false;
        }
    }
    return true;
}

void Estimator::try_start(std::size_t agent, Picoseconds now) {
    AgentRow& row = agents_[agent];
    if (row.next.kind == Next::Kind::wait_for) {
        if (ready(agent, &row.next.token, &row.next.token + 1)) {
            wake(agent, now, Kind::fetch);
        }
        return;
    }
    const Step& step = row.next.step;
    if (!ready(agent, step.waits.data(), step.waits.data() + step.waits.size())) {
        return;
    }
    if (step.start_at.count() >= 0) {
        const TokenWait epoch{step.epoch, step.epoch_count};
        if (!ready(agent, &epoch, &epoch + 1)) {
            return;
        }
        wake(agent, std::max(now, scheduled(step)), Kind::request);
        return;
    }
    wake(agent, now, Kind::request);
}

Picoseconds Estimator::scheduled(const Step& step) const {
    const auto& times = tokens_[step.epoch.position()].post_times;
    const Picoseconds epoch = step.epoch_count > 0
                                  ? times[static_cast<std::size_t>(step.epoch_count) - 1]
                                  : Picoseconds(0);
    return clock_.after(epoch, step.start_at);
}

std::size_t Estimator::new_flight() {
    if (free_flights_.empty()) {
        flights_.emplace_back();
        return flights_.size() - 1;
    }
    const std::size_t index = free_flights_.back();
    free_flights_.pop_back();
    return index;
}

void Estimator::request(std::size_t agent, Picoseconds now) {
    const std::size_t index = new_flight();
    Flight& flight = flights_[index];
    std::swap(flight.step, agents_[agent].next.step);
    agents_[agent].asks = false;
    flight.agent = agent;
    flight.costs = &recorder_.costs_of(flight.step);
    auto& servers = free_at_[flight.step.body->unit.position()];
    auto server = std::min_element(servers.begin(), servers.end());
    flight.times.ready = now;
    flight.times.start = std::max(now, *server);
    Cycles latency;
    if (const auto* move = std::get_if<Move>(&flight.step.body->what)) {
        *server = serve(flight.costs->demand, flight.step.body->unit, flight.times);
        latency = move->latency;
    } else {
        const auto& compute = std::get<Compute>(flight.step.body->what);
        flight.times.served = clock_.after(flight.times.start, compute.occupies);
        *server = flight.times.served;
        latency = compute.latency;
    }
    flight.times.complete =
        latency.count() > 0 ? clock_.after(flight.times.served, latency) : flight.times.served;
    if (flight.step.start_at.count() >= 0) {
        recorder_.record_schedule(flight.step, scheduled(flight.step), flight.times);
    }
    if (observe_) {
        observe_(AgentId(agent), flight.step, flight.times);
    }
    const Picoseconds goes_on = *server;
    const Picoseconds completes = flight.times.complete;
    post(flight.step, PostAt::start, flight.times.start);
    wake(agent, completes, Kind::complete, index);
    wake(agent, goes_on, Kind::fetch);
}

/// Serves a move from its start, and says when its unit goes on: at the end of its links' part, on
/// an edge of the clock, while the DRAM delivers.
Picoseconds Estimator::serve(const MoveDemand& asked, UnitId unit, StepTimes& times) {
    const Picoseconds dram = asked.by_bound[static_cast<std::size_t>(Bound::dram)];
    const Picoseconds sent =
        asked.on_links.count() > 0 ? clock_.after(times.start, asked.on_links) : times.start;
    times.served = sent;
    if (dram.count() > 0) {
        DramShares& shares = dram_shares_[asked.dram.position()];
        times.served = std::max(sent, shares.deliver(unit, times.start, dram));
    }
    return sent;
}

void Estimator::complete(std::size_t index, Picoseconds now) {
    Flight& flight = flights_[index];
    source_->completed(AgentId(flight.agent), flight.step, now);
    recorder_.record(flight.step, *flight.costs, flight.times);
    post(flight.step, PostAt::end, now);
    free_flights_.push_back(index);
    if (++completed_ % kCompletedToSettle == 0) {
        recorder_.settle_before(earliest_start(now));
    }
}

void Estimator::post(const Step& step, PostAt when, Picoseconds now) {
    for (const TokenPost& token : step.posts) {
        if (token.at != when) {
            continue;
        }
        TokenRow& row = tokens_[token.token.position()];
        row.posted += token.count;
        if (keeps_post_times_) {
            row.post_times.insert(row.post_times.end(), static_cast<std::size_t>(token.count), now);
        }
        woken_.clear();
        woken_.swap(row.waiters);  // who still has to wait joins again
        for (const std::size_t agent : woken_) {
            try_start(agent, now);
        }
    }
}

/// "agent 'x' waits for 'y' 3 times, posted 2" of everyone who is not done.
void Estimator::check_finished() const {
    std::string stuck;
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        if (agents_[a].done) {
            continue;
        }
        const Next& next = agents_[a].next;
        std::vector<TokenWait> waits = next.step.waits;
        if (next.kind == Next::Kind::wait_for) {
            waits = {next.token};
        }
        for (const TokenWait& wait : waits) {
            if (!held(wait)) {
                stuck += "; agent '" + program_.agents[a].name + "' waits for '" +
                         program_.tokens[wait.token.position()] + "' " +
                         std::to_string(wait.count) + " times, posted " +
                         std::to_string(tokens_[wait.token.position()].posted);
            }
        }
    }
    ensure(stuck.empty(), ("deadlock" + stuck).c_str());
}

Outcome estimate(const Program& program, const Machine& machine, const Window& window,
                 const StepObserver& observe, const std::function<bool()>& cancelled) {
    return Estimator(program, machine, window, observe, cancelled).run();
}

}  // namespace memwall
