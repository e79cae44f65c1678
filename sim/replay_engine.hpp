// SPDX-License-Identifier: Apache-2.0
// Replays a program on servers: agents are rows of a table, moved on by whatever happens at an
// instant. Knows no kernel.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/outcome_recorder.hpp"
#include "arch/program.hpp"
#include "sim/activity.hpp"
#include "sim/causes.hpp"
#include "sim/layer_tally.hpp"
#include "sim/occupancy.hpp"
#include "sim/replay.hpp"
#include "sim/server_set.hpp"
#include "sim/timer_queue.hpp"
#include "sim/token_table.hpp"

namespace memwall {

/// The order of a life: begin(); settle(t) at each time that next_time() or a server names, in
/// order; once done(), outcome(). All of an instant happens in one settle(): services end, tokens
/// are posted, agents ask for their next step, and at its end units are granted in the order of
/// (priority, agent's name), so the order in which agents are registered decides nothing.
class ReplayEngine {
public:
    /// All must outlive the engine, the servers unused before.
    ReplayEngine(const Program& program, const Machine& machine, const ReplayOptions& options,
                 ServerSet& servers);

    void begin();
    /// The next time that matters beside those of the servers; kNever if none.
    [[nodiscard]] Picoseconds next_time() const;
    void settle(Picoseconds now);

    [[nodiscard]] bool done() const { return working_ == 0 && free_slots_.size() == slots_.size(); }
    /// For when nothing will happen any more and the engine is not done(): who waits for what.
    [[nodiscard]] std::string deadlock() const;
    /// The fraction of the program that is done, from the rounds and layers completed.
    [[nodiscard]] double progress() const { return progress_; }
    [[nodiscard]] Outcome outcome() const;

private:
    enum class Phase { ask, wait_token, wait_time, wait_step, wait_start, wait_unit, serve, done };

    struct Row {
        std::int32_t rank = 0;
        std::int32_t slot = -1;
        Phase phase = Phase::ask;
        Cause cause;       ///< what let it go on last
        WaitedFor waited;  ///< the same, of its step
    };
    /// A step from its asking to its completion.
    struct Slot {
        Next next;
        std::int32_t agent = 0;
        std::int32_t unmet = 0;  ///< waits that do not hold yet
        std::int32_t parts = 0;  ///< requests under way
        std::int32_t data = 0;   ///< DRAM accesses whose last data is under way
        std::int32_t record = -1;
        std::int64_t round = -1;
        Picoseconds ready;      ///< its tokens were there
        Picoseconds scheduled;  ///< its start_at; negative if it has none
        Picoseconds arrived;    ///< at its unit
        Picoseconds start;
        Picoseconds least_end;                      ///< its unit is taken at least until then
        Picoseconds service_end = Picoseconds(-1);  ///< negative before
        Picoseconds delay;                          ///< caused by others while it was served
        Bound bound = Bound::latency;
        bool flows = false;
    };
    struct UnitQueue {
        std::vector<std::int32_t> slots;  ///< waiting, first come first served, from `head`
        std::size_t head = 0;
        Cause released;
        LayerId released_by;
        const ClockDomain* clock = nullptr;
        Bound bound = Bound::latency;
        bool changed = false;
    };
    struct Completion {
        Picoseconds time;
        std::int32_t rank = 0;
        std::int32_t slot = 0;
        bool operator<(const Completion& other) const {  // the heap's top is the earliest
            if (time != other.time) {
                return time > other.time;
            }
            return rank != other.rank ? rank > other.rank : slot > other.slot;
        }
    };
    struct Round {
        Picoseconds first = kNever;
        Picoseconds first_input = kNever;
        Picoseconds last = Picoseconds(-1);
        Picoseconds last_output = Picoseconds(-1);
        [[nodiscard]] Picoseconds start() const {
            return first_input != kNever ? first_input : first;
        }
        [[nodiscard]] Picoseconds end() const {
            return last_output.count() >= 0 ? last_output : last;
        }
    };

    // What happens at an instant; each returns whether anything did. replay_engine.cpp
    bool complete_due(Picoseconds now);
    bool collect_finished(Picoseconds now);
    bool wake_timers(Picoseconds now);
    bool ask_agents(Picoseconds now);
    void grant_units(Picoseconds now);
    [[nodiscard]] bool pending(Picoseconds now) const;

    // The life of a step. replay_steps.cpp
    void ask(std::int32_t agent, Picoseconds now);
    void take_step(std::int32_t slot, Picoseconds now);
    void step_ready(std::int32_t slot, Picoseconds now);
    void start(std::int32_t slot, Picoseconds now);
    void serve_move(std::int32_t slot, const Move& move, Picoseconds now);
    void part_done(std::int32_t slot, Bound bound, Picoseconds delay, Picoseconds now);
    void data_done(std::int32_t s, Picoseconds delay, Picoseconds now);
    void set_completion(std::int32_t s, Picoseconds now);
    void end_service(std::int32_t slot, Picoseconds now);
    void complete(std::int32_t slot, Picoseconds now);
    void post(std::int32_t slot, PostAt at, Picoseconds now);
    std::int32_t new_slot(std::int32_t agent);

    // What is counted. replay_outcome.cpp
    void count_start(Slot& slot, Picoseconds now);
    void count_activations(const Slot& slot, DramId dram, std::int64_t rows);
    void count_completion(const Slot& slot, Picoseconds now);
    void restart_window(Picoseconds now);
    [[nodiscard]] std::int64_t round_of(const Step& step) const;
    void write_rounds(Outcome& outcome) const;
    void write_path(Outcome& outcome) const;

    [[nodiscard]] Slot& slot(std::int32_t s) { return slots_[static_cast<std::size_t>(s)]; }
    [[nodiscard]] Row& row(std::int32_t a) { return rows_[static_cast<std::size_t>(a)]; }

    const Program& program_;
    const Machine& machine_;
    const ReplayOptions options_;
    ServerSet& servers_;
    std::unique_ptr<StepSource> source_;

    std::vector<Row> rows_;
    std::deque<Slot> slots_;
    std::vector<std::int32_t> free_slots_;
    std::vector<UnitQueue> units_;
    std::vector<std::int32_t> changed_units_;
    std::vector<std::int32_t> asking_;
    std::vector<std::int32_t> arriving_;  ///< slots that reach their unit at this instant
    std::vector<Completion> completions_;
    TimerQueue timers_;  ///< by agent
    TokenTable tokens_;
    std::vector<std::int32_t> over_;      ///< scratch
    std::vector<std::int32_t> accepted_;  ///< by a DRAM, at one instant
    std::vector<std::int32_t> finished_;  ///< scratch
    std::vector<std::int32_t> batch_;     ///< scratch
    std::int64_t working_ = 0;            ///< agents that are not done
    std::int64_t serving_ = 0;            ///< steps in service

    Occupancy occupancy_;
    Activity activity_;
    LayerTally tally_;
    Causes causes_;
    std::vector<std::int64_t> counts_;
    std::vector<std::int64_t> load_counts_;
    std::vector<std::int64_t> activations_;  ///< as Outcome::activations
    std::vector<std::int64_t> load_activations_;
    std::vector<Round> rounds_;
    Picoseconds load_end_;
    Picoseconds window_start_;
    std::int64_t loading_ = 0;  ///< steps under way that load
    Picoseconds end_;
    std::int32_t last_record_ = -1;  ///< of the step that ended the last round
    bool outputs_seen_ = false;
    std::int64_t steps_ = 0;
    double progress_ = 0;
};

/// Replays by a plain loop: what the SystemC modules must agree with to the picosecond.
Outcome replay_without_kernel(const Program& program, const Machine& machine,
                              const ReplayOptions& options = {});
/// The same for a mapper, which asks how long a program takes and not why.
Outcome replay_for_mapper(const Program& program, const Machine& machine, const Window& window);

}  // namespace memwall
