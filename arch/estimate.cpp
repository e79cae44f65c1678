// SPDX-License-Identifier: Apache-2.0
#include "arch/estimate.hpp"

#include <algorithm>
#include <functional>

#include "arch/estimator.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// What rounding may add to the time at which a move is through: its flow's speed changes a few
/// times, each time by a part of a picosecond.
constexpr auto kLinkRounding = Picoseconds(8);

/// The servers of all units.
std::size_t lanes_of(const Program& program) {
    std::int64_t lanes = 0;
    for (const Unit& unit : program.units) {
        lanes += unit.servers;
    }
    return static_cast<std::size_t>(lanes);
}

}  // namespace

Estimator::Estimator(const Program& program, const Machine& machine, const Window& window,
                     const StepObserver& observe, const std::function<bool()>& cancelled)
    : program_(program),
      clock_(machine.clock(program.clock)),
      recorder_(program, machine, window),
      observe_(observe),
      cancelled_(cancelled),
      source_(program.make_source()),
      agents_(program.agents.size()),
      link_shares_(machine, lanes_of(program)),
      tokens_(program.tokens.size()),
      posted_(program.tokens.size()),
      agenda_(program.agents) {
    for (std::size_t d = 0; d < machine.drams().size(); ++d) {
        dram_shares_.emplace_back(program.units.size(), machine.dram(DramId(d)).model);
    }
    std::size_t lanes = 0;
    for (const Unit& unit : program.units) {
        clock_of_.push_back(&machine.clock(machine.component(unit.component).clock));
        free_at_.emplace_back(static_cast<std::size_t>(unit.servers));
        served_.emplace_back(static_cast<std::size_t>(unit.servers));
        first_lane_.push_back(lanes);
        lanes += static_cast<std::size_t>(unit.servers);
    }
    for (AgentRow& row : agents_) {
        row.flight = new_flight();
    }
    look_for_rounds();
}

Outcome Estimator::run() {
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        agenda_.add(Picoseconds(0), Kind::fetch, a);
    }
    while (!agenda_.empty()) {
        if (cancelled_ && handled_++ % kHandledToLook == 0 && cancelled_()) {
            throw Interrupted();
        }
        handle(agenda_.take_first());
    }
    check_finished();
    return recorder_.finish();
}

void Estimator::handle(const Agenda::Entry& entry) {
    switch (entry.kind) {
        case Kind::complete:
            return complete(entry.flight, entry.at);
        case Kind::fetch:
            return fetch(entry.agent, entry.at);
        case Kind::request:
            return request(entry.agent, entry.at);
    }
}

void Estimator::fetch(std::size_t agent, Picoseconds now) {
    AgentRow& row = agents_[agent];
    Next& next = next_of(agent);
    next.kind = Next::Kind::done;
    if (turns_ != nullptr) {
        row.place = turns_->place(AgentId(agent));
    }
    source_->next(AgentId(agent), now, next);
    switch (next.kind) {
        case Next::Kind::done:
            row.done = true;
            idle_ += row.round == 0 ? 1 : 0;
            return;
        case Next::Kind::wait_until:
            agenda_.add(std::max(now, next.until), Kind::fetch, agent);
            return;
        case Next::Kind::wait_for:
        case Next::Kind::step:
            row.asks = true;
            if (loops_ != nullptr && all_begin(agent, next.step.item)) {
                now += begin_round(next.step.item, now);
            } else if (turns_ != nullptr && row.place.loop >= 0) {
                now += begin_turn(agent, now);
            }
            try_start(agent, now);
            return;
    }
}

bool Estimator::held(const TokenWait& wait) const {
    return posted_[wait.token.position()] >= wait.count;
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
    const Next& next = next_of(agent);
    now = std::max(now, agents_[agent].goes_on);
    if (next.kind == Next::Kind::wait_for) {
        if (ready(agent, &next.token, &next.token + 1)) {
            agenda_.add(now, Kind::fetch, agent);
        }
        return;
    }
    const Step& step = next.step;
    if (!ready(agent, step.waits.data(), step.waits.data() + step.waits.size())) {
        return;
    }
    if (step.start_at.count() >= 0) {
        const TokenWait epoch{step.epoch, step.epoch_count};
        if (!ready(agent, &epoch, &epoch + 1)) {
            return;
        }
        agenda_.add(std::max(now, scheduled(step)), Kind::request, agent);
        return;
    }
    agenda_.add(now, Kind::request, agent);
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
        flights_.push_back(std::make_unique<Flight>());
        return flights_.size() - 1;
    }
    const std::size_t index = free_flights_.back();
    free_flights_.pop_back();
    return index;
}

void Estimator::request(std::size_t agent, Picoseconds now) {
    const std::size_t index = agents_[agent].flight;
    agents_[agent].flight = new_flight();
    agents_[agent].asks = false;
    Flight& flight = *flights_[index];
    const Step& step = flight.next.step;
    flight.agent = agent;
    flight.costs = &recorder_.costs_of(step);
    auto& servers = free_at_[step.body->unit.position()];
    auto server = std::min_element(servers.begin(), servers.end());
    const auto number = static_cast<std::size_t>(server - servers.begin());
    LayerId& served_for = served_[step.body->unit.position()][number];
    flight.times.ready = now;
    flight.times.start = std::max(now, *server);
    Cycles latency;
    if (const auto* move = std::get_if<Move>(&step.body->what)) {
        *server = serve(*flight.costs, step.body->unit, number, flight.times);
        latency = move->latency;
    } else {
        const auto& compute = std::get<Compute>(step.body->what);
        flight.times.served = clock_.after(flight.times.start, compute.occupies);
        flight.times.complete = flight.times.served;
        *server = flight.times.served;
        latency = compute.latency;
    }
    if (latency.count() > 0) {
        flight.times.complete = clock_.after(flight.times.complete, latency);
    }
    record_schedule(agent, step, flight.times, served_for);
    served_for = step.layer;
    if (observe_) {
        observe_(AgentId(agent), step, flight.times);
    }
    agents_[agent].goes_on = *server;
    agents_[agent].waited = {step.layer, step.body->unit, TokenId()};
    post(step, PostAt::start, flight.times.start);
    agenda_.add(flight.times.complete, Kind::complete, agent, index);
    if (fetches_early_) {
        fetch(agent, now);
    } else {
        agenda_.add(agents_[agent].goes_on, Kind::fetch, agent);
    }
}

/// `before`: whose step its unit served before this one.
void Estimator::record_schedule(std::size_t agent, const Step& step, const StepTimes& times,
                                LayerId before) {
    if (step.start_at.count() < 0) {
        return;
    }
    const bool queued = times.start > times.ready;
    recorder_.record_schedule(
        step, scheduled(step), times,
        queued ? WaitedFor{before, step.body->unit, TokenId()} : agents_[agent].waited);
}

/// Serves a move from its start, and says when its unit goes on: at the end of its links' part, on
/// an edge of the clock, while the DRAM delivers; where that serves in order, when it has taken all
/// in. Its own latency comes after what is said here to complete it.
Picoseconds Estimator::serve(BodyCosts::Row& costs, UnitId unit, std::size_t server,
                             StepTimes& times) {
    const MoveDemand& asked = costs.demand;
    const auto edge = [&clock = *clock_of_[unit.position()]](Picoseconds time) {
        return clock.time_of(clock.edge_at_or_after(time));
    };
    Picoseconds sent =
        asked.on_links.count() > 0 ? clock_.after(times.start, asked.on_links) : times.start;
    if (shares_links_ && !costs.links.uses.empty()) {
        if (!costs.announced) {
            link_shares_.announce(unit, program_.units[unit.position()].servers > 1, costs.links,
                                  times.ready);
            costs.announced = true;
        }
        const Picoseconds through = link_shares_.send(first_lane_[unit.position()] + server,
                                                      costs.links, times.ready, times.start);
        if (through > sent) {
            sent = std::max(sent, edge(through - kLinkRounding));
        }
    }
    times.served = sent;
    times.complete = sent;
    if (asked.on_dram.count() == 0) {
        return sent;
    }
    DramShares& shares = dram_shares_[asked.dram.position()];
    const Picoseconds delivered = shares.deliver(unit, times.start, asked.on_dram);
    times.complete = std::max(sent, edge(delivered + asked.data_latency));
    times.served = std::max(sent, shares.in_order() ? edge(delivered) : delivered);
    return shares.in_order() ? times.served : sent;
}

void Estimator::complete(std::size_t index, Picoseconds now) {
    Flight& flight = *flights_[index];
    source_->completed(AgentId(flight.agent), flight.next.step, now);
    recorder_.record(flight.next.step, *flight.costs, flight.times);
    post(flight.next.step, PostAt::end, now);
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
        const std::size_t t = token.token.position();
        posted_[t] += token.count;
        TokenRow& row = tokens_[t];
        if (keeps_post_times_) {
            row.post_times.insert(row.post_times.end(), static_cast<std::size_t>(token.count), now);
        }
        if (row.waiters.empty()) {
            continue;
        }
        woken_.clear();
        woken_.swap(row.waiters);  // who still has to wait joins again
        for (const std::size_t agent : woken_) {
            if (now > agents_[agent].goes_on) {
                agents_[agent].waited = {step.layer, step.body->unit, token.token};
            }
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
        const Next& next = next_of(a);
        std::vector<TokenWait> waits = next.step.waits;
        if (next.kind == Next::Kind::wait_for) {
            waits = {next.token};
        }
        for (const TokenWait& wait : waits) {
            if (!held(wait)) {
                stuck += "; agent '" + program_.agents[a].name + "' waits for '" +
                         program_.tokens[wait.token.position()] + "' " +
                         std::to_string(wait.count) + " times, posted " +
                         std::to_string(posted_[wait.token.position()]);
            }
        }
    }
    ensure(stuck.empty(), ("deadlock" + stuck).c_str());
}

Outcome estimate(const Program& program, const Machine& machine, const Window& window,
                 const StepObserver& observe, const std::function<bool()>& cancelled) {
    return Estimator(program, machine, window, observe, cancelled).run();
}

Outcome estimate_without_sharing(const Program& program, const Machine& machine,
                                 const Window& window, const std::function<bool()>& cancelled) {
    const StepObserver nobody;
    Estimator estimator(program, machine, window, nobody, cancelled);
    estimator.share_no_links();
    return estimator.run();
}

}  // namespace memwall
