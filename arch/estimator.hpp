// SPDX-License-Identifier: Apache-2.0
// One run of the analytic engine: its events (estimate.cpp), and the rounds (steady_rounds.cpp) and
// turns of loops (steady_turns.cpp) that it leaves out since they would do what those before them
// did.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "arch/agenda.hpp"
#include "arch/dram_shares.hpp"
#include "arch/estimate.hpp"
#include "arch/link_shares.hpp"
#include "arch/step_loops.hpp"

namespace memwall {

/// Steps in the order of time. MODEL: a step's service takes the longest of what it asks of each
/// resource; units serve in the order of asking.
class Estimator {
public:
    Estimator(const Program& program, const Machine& machine, const Window& window,
              const StepObserver& observe, const std::function<bool()>& cancelled);

    /// Each move has its links to itself. Before run().
    void share_no_links() { shares_links_ = false; }
    Outcome run();

private:
    using Kind = Agenda::Kind;

    struct AgentRow {
        std::size_t flight = 0;  ///< its next step's: `next` is what it fetched last
        Picoseconds goes_on;     ///< its last step is served: none begins before
        StepPlace place;         ///< of `next`, where the source has loops
        WaitedFor waited;        ///< what lets `next` go on
        bool asks = false;       ///< `next` is what it does when its tokens hold
        std::int64_t round = 0;  ///< the last that it has begun, while rounds may be left out
        bool done = false;
    };
    struct TokenRow {
        std::vector<Picoseconds> post_times;  ///< of each post, for epochs
        std::vector<std::size_t> waiters;
    };
    /// A step from its fetch to its completion.
    struct Flight {
        Next next;
        StepTimes times;
        std::size_t agent = 0;
        BodyCosts::Row* costs = nullptr;
    };

    // estimate.cpp
    void handle(const Agenda::Entry& entry);
    void fetch(std::size_t agent, Picoseconds now);
    [[nodiscard]] const Next& next_of(std::size_t agent) const {
        return flights_[agents_[agent].flight]->next;
    }
    [[nodiscard]] Next& next_of(std::size_t agent) { return flights_[agents_[agent].flight]->next; }
    [[nodiscard]] bool held(const TokenWait& wait) const;
    bool ready(std::size_t agent, const TokenWait* begin, const TokenWait* end);
    void try_start(std::size_t agent, Picoseconds now);
    [[nodiscard]] Picoseconds scheduled(const Step& step) const;
    std::size_t new_flight();
    void request(std::size_t agent, Picoseconds now);
    void record_schedule(std::size_t agent, const Step& step, const StepTimes& times,
                         LayerId before);
    Picoseconds serve(BodyCosts::Row& costs, UnitId unit, std::size_t server, StepTimes& times);
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
    bool all_begin(std::size_t agent, std::int64_t round);
    Picoseconds begin_round(std::int64_t round, Picoseconds now);
    [[nodiscard]] Picoseconds earliest_start(Picoseconds now) const;
    [[nodiscard]] State state_in_round(std::int64_t round, Picoseconds now) const;
    void put_agents(State& state) const;
    void put_events(State& state, std::int64_t round) const;
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
    std::vector<const ClockDomain*> clock_of_;  ///< by unit
    std::vector<DramShares> dram_shares_;       ///< by DRAM
    bool shares_links_ = true;
    LinkShares link_shares_;
    std::vector<std::size_t> first_lane_;  ///< by unit: its servers' lanes of `link_shares_`
    std::vector<TokenRow> tokens_;
    std::vector<std::int64_t> posted_;               ///< by token
    std::vector<std::vector<Picoseconds>> free_at_;  ///< by unit and server
    std::vector<std::vector<LayerId>> served_;       ///< by unit and server: whose step is the last
    std::vector<std::unique_ptr<Flight>> flights_;   ///< and places of some that are over
    std::vector<std::size_t> free_flights_;
    std::vector<std::size_t> woken_;
    std::int64_t completed_ = 0;  ///< steps that were walked
    static constexpr std::int64_t kCompletedToSettle = 1'024;
    std::int64_t handled_ = 0;                           ///< entries of the agenda
    static constexpr std::int64_t kHandledToLook = 256;  ///< whether it is cancelled
    Agenda agenda_;

    bool fetches_early_ = false;    ///< what comes next does not depend on time
    bool keeps_post_times_ = true;  ///< some step may have a start_at
    StepLoops* loops_ = nullptr;    ///< while rounds may be left out
    StepLoops* turns_ = nullptr;    ///< where rounds have loops whose turns may be
    std::optional<WatchedLoop> watched_;
    std::vector<std::size_t> begun_;   ///< by round: agents that have begun it
    std::size_t idle_ = 0;             ///< agents that have nothing to do in a round
    std::optional<State> known_;       ///< of some round before
    std::int64_t rounds_to_next_ = 1;  ///< until a later state takes its place
    std::int64_t rounds_a_state_ = 1;  ///< how long the next one stays
};

}  // namespace memwall
