// SPDX-License-Identifier: Apache-2.0
#include "arch/estimate.hpp"

#include <algorithm>
#include <cstdint>
#include <queue>

#include "arch/outcome_recorder.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Steps in the order of time, nothing contended. MODEL: a step's service takes the longest of what
/// it asks of each resource alone; units serve in the order of asking.
class Estimator {
public:
    Estimator(const Program& program, const Machine& machine, const Window& window,
              const StepObserver& observe)
        : program_(program),
          clock_(machine.clock(program.clock)),
          recorder_(program, machine, window),
          observe_(observe),
          source_(program.make_source()),
          agents_(program.agents.size()),
          delivered_(program.units.size()),
          tokens_(program.tokens.size()) {
        for (const Unit& unit : program.units) {
            free_at_.emplace_back(static_cast<std::size_t>(unit.servers));
        }
    }

    Outcome run() {
        for (std::size_t a = 0; a < agents_.size(); ++a) {
            wake(a, Picoseconds(0), Kind::fetch);
        }
        while (!events_.empty()) {
            const Event event = events_.top();
            events_.pop();
            handle(event);
        }
        check_finished();
        return recorder_.finish();
    }

private:
    /// In one instant: completions first, then agents by priority and number.
    enum class Kind : std::uint8_t { complete, fetch, request };
    struct Event {
        Picoseconds at;
        std::uint64_t rank;   ///< of kind, priority and agent
        std::int64_t serial;  ///< of events: the earlier first
        std::size_t flight;
        bool operator>(const Event& other) const {
            return at != other.at       ? at > other.at
                   : rank != other.rank ? rank > other.rank
                                        : serial > other.serial;
        }
        [[nodiscard]] Kind kind() const { return static_cast<Kind>(rank >> 62U); }
        [[nodiscard]] std::size_t agent() const { return rank & kAgents; }
    };
    static constexpr std::uint64_t kAgents = (std::uint64_t{1} << 30U) - 1;
    static constexpr std::int64_t kPriorities = std::int64_t{1} << 31U;  ///< on each side of zero

    [[nodiscard]] std::uint64_t rank(Kind kind, std::size_t agent) const {
        const auto priority =
            static_cast<std::uint64_t>(program_.agents[agent].priority + kPriorities);
        return static_cast<std::uint64_t>(kind) << 62U | priority << 30U | agent;
    }
    struct AgentRow {
        Next next;
        bool waiting = false;
        bool done = false;
    };
    struct TokenRow {
        std::int64_t posted = 0;
        std::vector<Picoseconds> post_times;  ///< of each post, for epochs
        std::vector<std::size_t> waiters;
    };
    struct Flight {
        Step step;
        StepTimes times;
        std::size_t agent = 0;
        BodyCosts::Row* costs = nullptr;
    };

    void wake(std::size_t agent, Picoseconds at, Kind kind, std::size_t flight = 0) {
        events_.push({at, rank(kind, agent), serial_++, flight});
    }

    void handle(const Event& event) {
        switch (event.kind()) {
            case Kind::complete:
                return complete(event.flight, event.at);
            case Kind::fetch:
                return fetch(event.agent(), event.at);
            case Kind::request:
                return request(event.agent(), event.at);
        }
    }

    void fetch(std::size_t agent, Picoseconds now) {
        AgentRow& row = agents_[agent];
        row.next.kind = Next::Kind::done;
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
                try_start(agent, now);
                return;
        }
    }

    [[nodiscard]] bool held(const TokenWait& wait) const {
        return tokens_[wait.token.position()].posted >= wait.count;
    }

    /// Whether everything waited for has come; else registers with the first that has not.
    bool ready(std::size_t agent, const TokenWait* begin, const TokenWait* end) {
        for (const TokenWait* wait = begin; wait != end; ++wait) {
            if (!held(*wait)) {
                tokens_[wait->token.position()].waiters.push_back(agent);
                agents_[agent].waiting = true;
                return false;
            }
        }
        return true;
    }

    void try_start(std::size_t agent, Picoseconds now) {
        AgentRow& row = agents_[agent];
        row.waiting = false;
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

    [[nodiscard]] Picoseconds scheduled(const Step& step) const {
        const auto& times = tokens_[step.epoch.position()].post_times;
        const Picoseconds epoch = step.epoch_count > 0
                                      ? times[static_cast<std::size_t>(step.epoch_count) - 1]
                                      : Picoseconds(0);
        return clock_.after(epoch, step.start_at);
    }

    std::size_t new_flight() {
        if (free_flights_.empty()) {
            flights_.emplace_back();
            return flights_.size() - 1;
        }
        const std::size_t index = free_flights_.back();
        free_flights_.pop_back();
        return index;
    }

    void request(std::size_t agent, Picoseconds now) {
        const std::size_t index = new_flight();
        Flight& flight = flights_[index];
        std::swap(flight.step, agents_[agent].next.step);
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
        post(flight.step, PostAt::start, flight.times.start);
        const Picoseconds goes_on = *server;
        const Picoseconds completes = flight.times.complete;
        wake(agent, completes, Kind::complete, index);
        wake(agent, goes_on, Kind::fetch);
    }

    /// Serves a move from its start, and says when its unit goes on: at the end of its links' part,
    /// on an edge of the clock, while the DRAM delivers. A unit's accesses leave the DRAM one after
    /// another.
    Picoseconds serve(const MoveDemand& asked, UnitId unit, StepTimes& times) {
        const Picoseconds dram = asked.by_bound[static_cast<std::size_t>(Bound::dram)];
        const Picoseconds sent =
            asked.on_links.count() > 0 ? clock_.after(times.start, asked.on_links) : times.start;
        times.served = sent;
        if (dram.count() > 0) {
            Picoseconds& delivered = delivered_[unit.position()];
            delivered = std::max(delivered, times.start) + dram;
            times.served = std::max(sent, delivered);
        }
        return sent;
    }

    void complete(std::size_t index, Picoseconds now) {
        Flight& flight = flights_[index];
        source_->completed(AgentId(flight.agent), flight.step, now);
        recorder_.record(flight.step, *flight.costs, flight.times);
        post(flight.step, PostAt::end, now);
        free_flights_.push_back(index);
    }

    void post(const Step& step, PostAt when, Picoseconds now) {
        for (const TokenPost& token : step.posts) {
            if (token.at != when) {
                continue;
            }
            TokenRow& row = tokens_[token.token.position()];
            row.posted += token.count;
            for (std::int64_t post = 0; post < token.count; ++post) {
                row.post_times.push_back(now);
            }
            woken_.clear();
            woken_.swap(row.waiters);  // who still has to wait joins again
            for (const std::size_t agent : woken_) {
                try_start(agent, now);
            }
        }
    }

    /// "agent 'x' waits for 'y' 3 times, posted 2" of everyone who is not done.
    void check_finished() const {
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

    const Program& program_;
    const ClockDomain& clock_;
    OutcomeRecorder recorder_;
    const StepObserver& observe_;
    std::unique_ptr<StepSource> source_;
    std::vector<AgentRow> agents_;
    std::vector<Picoseconds> delivered_;  ///< by unit: the last data of its DRAM accesses
    std::vector<TokenRow> tokens_;
    std::vector<std::vector<Picoseconds>> free_at_;
    std::vector<Flight> flights_;  ///< steps under way, and places of some that are not any more
    std::vector<std::size_t> free_flights_;
    std::vector<std::size_t> woken_;
    std::int64_t serial_ = 0;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

}  // namespace

Outcome estimate(const Program& program, const Machine& machine, const Window& window,
                 const StepObserver& observe) {
    return Estimator(program, machine, window, observe).run();
}

}  // namespace memwall
