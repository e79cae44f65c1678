// SPDX-License-Identifier: Apache-2.0
// Collects what an engine sees, step by step, into an Outcome. Both engines count with it, so they
// cannot differ in anything but time.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/body_costs.hpp"
#include "arch/late_steps.hpp"
#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/outcome_repetition.hpp"
#include "arch/period_log.hpp"
#include "arch/program.hpp"

namespace memwall {

/// When one step did what.
struct StepTimes {
    Picoseconds ready;     ///< its tokens held and its start_at was reached
    Picoseconds start;     ///< its unit took it
    Picoseconds served;    ///< its unit was free again
    Picoseconds complete;  ///< its tokens were posted
};

class OutcomeRecorder {
public:
    OutcomeRecorder(const Program& program, const Machine& machine, const Window& window);

    /// The row of a step's body.
    BodyCosts::Row& costs_of(const Step& step) { return costs_.row(*step.body); }
    /// Counts a completed step, in any order of steps; `body` is the row of its body.
    void record(const Step& step, BodyCosts::Row& body, const StepTimes& times);
    /// `start_of_schedule`: when a scheduled step should have begun; `waited`: what let it start.
    void record_schedule(const Step& step, Picoseconds start_of_schedule, const StepTimes& times,
                         const WaitedFor& waited);

    /// Everything that is still to be recorded begins at `time` or later: what memories held before
    /// need not be kept. Does nothing where there is little of it, or while a period is noted.
    void settle_before(Picoseconds time);

    /// Notes what is recorded from now on; what periods that are left out add is that.
    void begin_period();
    void end_period();
    /// A moment of the period: what is recorded behind it may be a period too.
    struct Mark {
        PeriodLog::Mark log;
        std::size_t recorded = 0;
        std::size_t changes = 0;
    };
    Mark mark();
    /// The moment when the period began.
    [[nodiscard]] const Mark& begin_of_period() const { return begin_of_period_; }
    /// Whether no memory holds more or less than at `from`.
    [[nodiscard]] bool holds_as_at(const Mark& from) const;
    /// Records periods that are left out, as the one from `from` to `now`; steps under way began at
    /// `earliest` or later.
    void leave_out(const PeriodsLeftOut& left_out, const Mark& from, Picoseconds now,
                   Picoseconds earliest);
    /// Until when each component is busy, by what is recorded so far.
    [[nodiscard]] const std::vector<Picoseconds>& busy_until() const { return busy_until_; }

    /// Everything recorded, with the windows, rounds and the most that each memory held.
    [[nodiscard]] Outcome finish();

private:
    struct Change {
        Picoseconds at;
        std::int32_t component;
        std::int64_t bytes;
    };
    /// A step that was recorded in the period, or several as one.
    struct Recorded {
        std::int64_t round;
        LayerId layer;
        NetworkEdge edge;
        Picoseconds start, complete;
    };

    void keep_round(const Recorded& step);
    void keep_ends(const Recorded& step);
    void leave_out_steps(const PeriodsLeftOut& left_out, std::size_t from);
    void leave_out_turns(const PeriodsLeftOut& left_out, std::size_t from);
    void note(const Recorded& step);
    [[nodiscard]] std::span<Picoseconds> needs_of(std::size_t layer) {
        const std::size_t places = resource_places(machine_);
        return std::span(needs_).subspan(layer * places, places);
    }
    void keep_layer(const Step& step, const StepTimes& times, const MoveDemand& asked);
    void keep_block_end(const Recorded& step);
    void keep_busy(const Step& step, const BodyCosts::Row& body, const StepTimes& times);
    void keep_lane_time(const Step& step);
    void occupy(ComponentId component, const Step& step, Picoseconds from, Picoseconds to);
    void set_rounds();
    void sum_busy();
    [[nodiscard]] std::vector<Picoseconds> lane_time() const;
    [[nodiscard]] std::vector<Picoseconds> asked_of_resources() const;
    void set_busy_by_bytes();
    void find_peaks_before(Picoseconds time);

    [[nodiscard]] bool in_window(const Step& step) const {
        return step.layer.valid() && step.item >= window_.warmup;
    }

    const Program& program_;
    const Machine& machine_;
    Window window_;
    Picoseconds cycle_;  ///< of the program's clock
    Outcome outcome_;
    BodyCosts costs_;
    std::vector<Picoseconds> busy_until_;  ///< by component
    std::vector<Change> changes_;          ///< that are not in `held_` yet
    std::vector<std::int64_t> held_;       ///< by component, in bytes
    std::size_t settled_size_ = 0;         ///< of `changes_` when it was last settled
    PeriodLog log_;
    std::vector<Recorded> recorded_;  ///< in the period
    Mark begin_of_period_;
    std::size_t marked_ = 0;                             ///< of `recorded_`
    std::vector<Picoseconds> first_start_, last_end_;    ///< by round, of any step
    std::vector<Picoseconds> input_start_, output_end_;  ///< by round, of the network's edges
    std::vector<bool> layer_seen_;
    std::vector<Picoseconds> needs_;   ///< of each layer in the last round, by resource_place()
    std::vector<std::size_t> recent_;  ///< by layer: in `recorded_`, what was noted last
    LateTally late_;
    BlockRecord blocks_;  ///< only of a program with a repetition
};

}  // namespace memwall
