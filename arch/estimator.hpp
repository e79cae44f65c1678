// SPDX-License-Identifier: Apache-2.0
// One run of the analytic engine: its events (estimate.cpp), and the rounds (steady_rounds.cpp) and
// turns of loops (steady_turns.cpp) that it leaves out since they would do what those before them
// did.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "arch/dram_shares.hpp"
#include "arch/estimate.hpp"
#include "arch/step_loops.hpp"

namespace memwall {

/// Steps in the order of time, nothing contended. MODEL: a step's service takes the longest of what
/// it asks of each resource alone; units serve in the order of asking.
class Estimator {
public:
    Estimator(const Program& program, const Machine& machine, const Window& window,
              const StepObserver& observe, const std::function<bool()>& cancelled);

    Outcome run();

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

    struct AgentRow {
        Next next;
        StepPlace place;    ///< of `next`, where the source has loops
        bool asks = false;  ///< `next` is what it does when its tokens hold
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

    // estimate.cpp
    [[nodiscard]] std::uint64_t rank(Kind kind, std::size_t agent) const;
    void wake(std::size_t agent, Picoseconds at, Kind kind, std::size_t flight = 0);
    Event next_event();
    void handle(const Event& event);
    void fetch(std::size_t agent, Picoseconds now);
    [[nodiscard]] bool held(const TokenWait& wait) const;
    bool ready(std::size_t agent, const TokenWait* begin, const TokenWait* end);
    void try_start(std::size_t agent, Picoseconds now);
    [[nodiscard]] Picoseconds scheduled(const Step& step) const;
    std::size_t new_flight();
    void request(std::size_t agent, Picoseconds now);
    Picoseconds serve(const MoveDemand& asked, UnitId unit, StepTimes& times);
    void complete(std::size_t index, Picoseconds now);
    void post(const Step& step, PostAt when, Picoseconds now);
    void check_finished() const;

    /// Everything that decides how the run goes on, seen from the moment and the round or turn that
    /// it is in.
    struct State {
        Picoseconds at;
        std::int64_t number = 0;          ///< of the round or turn
        std::vector<std::int64_t> fixed;  ///< all but times
        std::vector<std::int64_t> times;
        OutcomeRecorder::Mark mark;
    };
    // steady_rounds.cpp
    void look_for_rounds();
    Picoseconds begin_round(std::int64_t round, Picoseconds now);
    [[nodiscard]] bool whole_rounds() const;
    [[nodiscard]] Picoseconds earliest_start(Picoseconds now) const;
    [[nodiscard]] State state_in_round(std::int64_t round, Picoseconds now) const;
    void put_agents(State& state) const;
    void put_events(State& state) const;
    void put_resources(State& state) const;
    [[nodiscard]] std::int64_t rounds_left() const;
    void leave_out_rounds(const PeriodsLeftOut& left_out, Picoseconds now);
    void move_times(Picoseconds later, std::int64_t rounds);

    /// The loop whose turns are compared.
    struct WatchedLoop {
        std::int64_t round = 0;
        std::int64_t loop = -1;
        std::int64_t turn_begun = 0;  ///< of the agent that is first
        bool over = false;            ///< turns were left out, or never will be
        std::vector<State> states;    ///< at the begin of each turn
    };
    // steady_turns.cpp
    Picoseconds begin_turn(std::size_t agent, Picoseconds now);
    bool watch(const StepPlace& place);
    [[nodiscard]] StepPlace place_of(std::size_t agent) const;
    [[nodiscard]] bool is_watched(const StepPlace& place) const;
    [[nodiscard]] bool in_watched_loop(std::size_t agent) const;
    [[nodiscard]] std::int64_t turns_left() const;
    [[nodiscard]] std::int64_t turns_waited() const;
    [[nodiscard]] State state_in_turn(std::int64_t turn, Picoseconds now) const;
    void put_agents_in_turn(State& state) const;
    [[nodiscard]] std::int64_t unmet_wait(std::size_t agent) const;
    [[nodiscard]] const State* alike(const State& state) const;
    void leave_out_turns(const State& from, std::int64_t turns, std::int64_t periods,
                         Picoseconds time, Picoseconds now);

    const Program& program_;
    const ClockDomain& clock_;
    OutcomeRecorder recorder_;
    const StepObserver& observe_;
    const std::function<bool()>& cancelled_;
    std::unique_ptr<StepSource> source_;
    std::vector<AgentRow> agents_;
    std::vector<DramShares> dram_shares_;  ///< by DRAM
    std::vector<TokenRow> tokens_;
    std::vector<std::vector<Picoseconds>> free_at_;  ///< by unit and server
    std::vector<Flight> flights_;  ///< steps under way, and places of some that are not any more
    std::vector<std::size_t> free_flights_;
    std::vector<std::size_t> woken_;
    std::int64_t serial_ = 0;
    std::int64_t completed_ = 0;  ///< steps that were walked
    static constexpr std::int64_t kCompletedToSettle = 1'024;
    std::vector<Event> events_;  ///< a heap

    bool keeps_post_times_ = true;  ///< some step may have a start_at
    StepLoops* loops_ = nullptr;    ///< while rounds may be left out
    StepLoops* turns_ = nullptr;    ///< where rounds have loops whose turns may be
    std::optional<WatchedLoop> watched_;
    std::int64_t round_begun_ = 0;           ///< of the agent that tells rounds apart
    std::vector<std::int64_t> first_whole_;  ///< by agent: its first round that is like later ones
    std::optional<State> known_;             ///< of some round before
    std::int64_t rounds_to_next_ = 1;        ///< until a later state takes its place
    std::int64_t rounds_a_state_ = 1;        ///< how long the next one stays
};

}  // namespace memwall
