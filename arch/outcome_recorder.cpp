// SPDX-License-Identifier: Apache-2.0
#include "arch/outcome_recorder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

constexpr Picoseconds kNever = Picoseconds(-1);

}  // namespace

OutcomeRecorder::OutcomeRecorder(const Program& program, const Machine& machine,
                                 const Window& window)
    : program_(program),
      machine_(machine),
      window_(window),
      costs_(program, machine),
      busy_until_(machine.components().size()),
      lane_time_(machine.components().size()),
      held_(machine.components().size()),
      log_(program.rounds, window.warmup),
      first_start_(static_cast<std::size_t>(program.rounds), kNever),
      last_end_(static_cast<std::size_t>(program.rounds), kNever),
      input_start_(static_cast<std::size_t>(program.rounds), kNever),
      output_end_(static_cast<std::size_t>(program.rounds), kNever),
      layer_seen_(program.layers.size()),
      recent_(program.layers.size() + 1) {
    ensure(window.warmup >= 0 && window.warmup < program.rounds,
           "a window begins after a round that is not the last");
    outcome_.counts.resize(program.actions.size());
    outcome_.load_counts.resize(program.actions.size());
    outcome_.layers.resize(program.layers.size());
    outcome_.components.resize(machine.components().size());
    outcome_.busy_by_layer.resize(program.layers.size() * machine.components().size());
    outcome_.drams.resize(machine.drams().size());
    if (program.repetition) {
        const std::size_t layers = program.layers.size();
        blocks_.layer_end.resize(static_cast<std::size_t>(program.rounds) * layers);
        blocks_.lane_time.resize(layers * machine.components().size());
        blocks_.steps.resize(layers);
    }
    for (const OccupancyChange& held : program.resident) {
        changes_.push_back({Picoseconds(0), held.memory.value, held.reserved});
    }
}

void OutcomeRecorder::keep_round(const Recorded& step) {
    if (!step.layer.valid()) {
        outcome_.load_end = std::max(outcome_.load_end, step.complete);
        return;
    }
    const auto round = static_cast<std::size_t>(step.round);
    const auto earliest = [](Picoseconds& kept, Picoseconds time) {
        kept = kept == kNever ? time : std::min(kept, time);
    };
    earliest(first_start_[round], step.start);
    last_end_[round] = std::max(last_end_[round], step.complete);
    if (step.edge == NetworkEdge::input) {
        earliest(input_start_[round], step.start);
    } else if (step.edge == NetworkEdge::output) {
        output_end_[round] = std::max(output_end_[round], step.complete);
    }
}

/// Of a layer in the last round.
void OutcomeRecorder::keep_ends(const Recorded& step) {
    if (!step.layer.valid() || step.round != program_.rounds - 1) {
        return;
    }
    LayerOutcome& layer = outcome_.layers[step.layer.position()];
    const bool seen = layer_seen_[step.layer.position()];
    layer.start = seen ? std::min(layer.start, step.start) : step.start;
    layer.end = std::max(layer.end, step.complete);
    layer_seen_[step.layer.position()] = true;
}

void OutcomeRecorder::keep_layer(const Step& step, const StepTimes& times,
                                 const MoveDemand& asked) {
    if (!step.layer.valid() || (!log_.noting() && step.item != program_.rounds - 1)) {
        return;
    }
    LayerOutcome& layer = outcome_.layers[step.layer.position()];
    const auto add = [&](Picoseconds& sum, Picoseconds time) {
        if (time.count() != 0) {
            log_.add(sum, time, step.item, SumOver::last_round);
        }
    };
    Picoseconds needed;
    if (std::holds_alternative<Move>(step.body->what)) {
        for (std::size_t b = 0; b < kBoundCount; ++b) {
            add(layer.resource[b], asked.by_bound[b]);
        }
        needed = asked.longest;
    } else {
        const auto& compute = std::get<Compute>(step.body->what);
        const ComponentId component = program_.units[step.body->unit.position()].component;
        needed = machine_.clock(program_.clock).time_of(compute.occupies);
        add(layer.resource[static_cast<std::size_t>(
                bound_of(machine_, machine_.component(component)))],
            needed);
    }
    const Picoseconds taken = times.served - times.start;
    add(layer.queued, times.start - times.ready);
    add(layer.queued, taken > needed ? taken - needed : Picoseconds(0));
}

void OutcomeRecorder::keep_block_end(const Recorded& step) {
    if (program_.repetition && step.layer.valid()) {
        const std::size_t round = static_cast<std::size_t>(step.round) * program_.layers.size();
        Picoseconds& end = blocks_.layer_end[round + step.layer.position()];
        end = std::max(end, step.complete);
    }
}

void OutcomeRecorder::occupy(ComponentId component, const Step& step, Picoseconds from,
                             Picoseconds to) {
    const std::size_t c = component.position();
    from = std::max(from, busy_until_[c]);
    busy_until_[c] = std::max(busy_until_[c], to);
    if (step.layer.valid() && to > from) {
        log_.add(outcome_.components[c].busy_max, to - from, step.item, SumOver::window);
        log_.add(outcome_.busy_by_layer[step.layer.position() * busy_until_.size() + c], to - from,
                 step.item, SumOver::window);
    }
}

void OutcomeRecorder::keep_busy(const Step& step, const StepTimes& times) {
    const ComponentId own = program_.units[step.body->unit.position()].component;
    if (const auto* compute = std::get_if<Compute>(&step.body->what)) {
        occupy(own, step, times.start, times.served);
        if (step.layer.valid()) {
            const Picoseconds one_cycle = machine_.clock(program_.clock).time_of(Cycles(1));
            const Picoseconds time = one_cycle * compute->lanes_occupied.count();
            log_.add(lane_time_[own.position()], time, step.item, SumOver::window);
            if (program_.repetition) {
                log_.add(
                    blocks_.lane_time[step.layer.position() * lane_time_.size() + own.position()],
                    time, step.item, SumOver::window);
            }
        }
        return;
    }
    const auto& move = std::get<Move>(step.body->what);
    occupy(own, step, times.start, times.served);
    ComponentId last = own;
    for (const LinkUse& use : move.links) {
        const ComponentId component = machine_.links()[use.link.position()].component;
        if (component != last) {  // links of one component follow each other
            occupy(component, step, times.start, times.served);
            last = component;
        }
    }
    for (const DramAccess& access : move.dram) {
        occupy(machine_.drams()[access.dram.position()], step, times.start, times.served);
    }
}

void OutcomeRecorder::record(const Step& step, BodyCosts::Row& body, const StepTimes& times) {
    const Recorded recorded{step.item, step.layer, step.body->edge, times.start, times.complete};
    log_.add(outcome_.steps, 1, step.item, SumOver::all_rounds);
    outcome_.end = std::max(outcome_.end, times.complete);
    if (step.layer.valid()) {
        log_.add(body.counted, 1, step.item, SumOver::window);
    } else {
        ++body.loaded;
    }
    keep_round(recorded);
    keep_ends(recorded);
    if (log_.noting()) {
        note(recorded);
    }
    keep_layer(step, times, body.demand);
    keep_busy(step, times);
    keep_block_end(recorded);
    if (program_.repetition && step.layer.valid()) {
        log_.add(blocks_.steps[step.layer.position()], 1, step.item, SumOver::all_rounds);
    }
    for (const OccupancyChange& change : step.body->occupancy) {
        if (change.reserved > 0) {
            changes_.push_back({times.start, change.memory.value, change.reserved});
        }
        if (change.released > 0) {
            changes_.push_back({times.complete, change.memory.value, -change.released});
        }
    }
}

void OutcomeRecorder::begin_period() {
    log_.begin();
    recorded_.clear();
    marked_ = 0;
    begin_of_period_ = {{}, 0, changes_.size()};
}

void OutcomeRecorder::end_period() {
    log_.end();
    recorded_.clear();
}

OutcomeRecorder::Mark OutcomeRecorder::mark() {
    marked_ = recorded_.size();
    return {log_.mark(), marked_, changes_.size()};
}

/// As one with the step of the same layer that was noted last, where that was in the same round.
void OutcomeRecorder::note(const Recorded& step) {
    std::size_t& last = recent_[step.layer.valid() ? step.layer.position() : 0];
    if (last >= marked_ && last < recorded_.size()) {
        Recorded& before = recorded_[last];
        if (before.round == step.round && before.layer == step.layer && before.edge == step.edge) {
            before.start = std::min(before.start, step.start);
            before.complete = std::max(before.complete, step.complete);
            return;
        }
    }
    last = recorded_.size();
    recorded_.push_back(step);
}

bool OutcomeRecorder::holds_as_at(const Mark& from) const {
    std::vector<std::int64_t> more(busy_until_.size());
    for (std::size_t c = from.changes; c < changes_.size(); ++c) {
        more[static_cast<std::size_t>(changes_[c].component)] += changes_[c].bytes;
    }
    return std::all_of(more.begin(), more.end(), [](std::int64_t bytes) { return bytes == 0; });
}

void OutcomeRecorder::leave_out(const PeriodsLeftOut& left_out, const Mark& from, Picoseconds now,
                                Picoseconds earliest) {
    log_.leave_out(left_out, from.log);
    if (left_out.rounds > 0) {
        leave_out_steps(left_out, from.recorded);
    } else {
        leave_out_turns(left_out, from.recorded);
    }
    // The last of them, with what is under way, show all that a memory ever holds in one.
    const std::int64_t shown = std::min(
        left_out.periods, 2 + ceil_divide((now - earliest).count(), left_out.time.count()));
    const std::size_t end = changes_.size();
    for (std::int64_t period = left_out.periods - shown + 1; period <= left_out.periods; ++period) {
        for (std::size_t c = from.changes; c < end; ++c) {
            Change change = changes_[c];
            change.at += left_out.time * period;
            changes_.push_back(change);
        }
    }
    for (Picoseconds& until : busy_until_) {
        until += until > earliest ? left_out.time * left_out.periods : Picoseconds(0);
    }
}

/// Turns within a round: only the last of them shows when it, its layers and its round end.
void OutcomeRecorder::leave_out_turns(const PeriodsLeftOut& left_out, std::size_t from) {
    const Picoseconds later = left_out.time * left_out.periods;
    for (std::size_t r = from; r < recorded_.size(); ++r) {
        Recorded step = recorded_[r];
        step.start += later;
        step.complete += later;
        keep_round(step);
        keep_ends(step);
        keep_block_end(step);
    }
}

/// When rounds, and layers in the last one, began and ended.
void OutcomeRecorder::leave_out_steps(const PeriodsLeftOut& left_out, std::size_t from) {
    const auto copy = [&](Recorded step, std::int64_t period) {
        step.round += left_out.rounds * period;
        step.start += left_out.time * period;
        step.complete += left_out.time * period;
        return step;
    };
    std::map<std::pair<std::int64_t, NetworkEdge>, Recorded> rounds;
    for (std::size_t r = from; r < recorded_.size(); ++r) {
        const Recorded& step = recorded_[r];
        Recorded& all = rounds.try_emplace({step.round, step.edge}, step).first->second;
        all.start = std::min(all.start, step.start);
        all.complete = std::max(all.complete, step.complete);
        const std::int64_t to_last = program_.rounds - 1 - step.round;
        const std::int64_t period = to_last / left_out.rounds;
        if (period >= 1 && period <= left_out.periods) {
            keep_ends(copy(step, period));  // if that is in the last round
        }
    }
    for (const auto& [key, all] : rounds) {
        for (std::int64_t period = 1; period <= left_out.periods; ++period) {
            keep_round(copy(all, period));
        }
    }
}

void OutcomeRecorder::record_schedule(const Step& step, Picoseconds start_of_schedule,
                                      const StepTimes& times) {
    if (!in_window(step)) {
        return;
    }
    LayerOutcome& layer = outcome_.layers[step.layer.position()];
    if (times.start > start_of_schedule) {
        ++layer.stalls;
        layer.stalled += times.start - start_of_schedule;
    }
}

void OutcomeRecorder::set_rounds() {
    const auto rounds = static_cast<std::size_t>(program_.rounds);
    for (std::size_t r = 0; r < rounds; ++r) {
        const Picoseconds start = input_start_[r] != kNever ? input_start_[r] : first_start_[r];
        const Picoseconds end = output_end_[r] != kNever ? output_end_[r] : last_end_[r];
        outcome_.round_start.push_back(std::max(start, Picoseconds(0)));
        outcome_.round_end.push_back(std::max(end, Picoseconds(0)));
    }
    outcome_.window_start = window_.warmup == 0
                                ? std::min(outcome_.load_end, first_start_.front())
                                : outcome_.round_end[static_cast<std::size_t>(window_.warmup) - 1];
    outcome_.window_end = outcome_.round_end.back();
    for (std::size_t l = 0; l < outcome_.layers.size(); ++l) {
        LayerOutcome& layer = outcome_.layers[l];
        if (layer_seen_[l]) {
            layer.start -= outcome_.round_start.back();
            layer.end -= outcome_.round_start.back();
        }
        std::size_t largest = static_cast<std::size_t>(Bound::latency);
        for (std::size_t b = 0; b < kBoundCount; ++b) {
            if (layer.resource[b] > layer.resource[largest]) {
                largest = b;
            }
        }
        layer.bound_by = static_cast<Bound>(largest);
    }
}

void OutcomeRecorder::settle_before(Picoseconds time) {
    constexpr std::size_t kMany = 1U << 16U;
    if (!log_.noting() && changes_.size() >= settled_size_ + kMany) {
        find_peaks_before(time);
        settled_size_ = changes_.size();
    }
}

/// Takes the changes before `time` in order.
void OutcomeRecorder::find_peaks_before(Picoseconds time) {
    const auto end = std::stable_partition(changes_.begin(), changes_.end(),
                                           [&](const Change& change) { return change.at < time; });
    // In one instant releases come first: a slot that is handed over is not held twice.
    std::stable_sort(changes_.begin(), end, [](const Change& a, const Change& b) {
        return a.at != b.at ? a.at < b.at : (a.bytes < 0) > (b.bytes < 0);
    });
    for (auto change = changes_.begin(); change != end; ++change) {
        const auto component = static_cast<std::size_t>(change->component);
        held_[component] = checked_add(held_[component], change->bytes);
        Bytes& peak = outcome_.components[component].peak;
        peak = std::max(peak, Bytes(held_[component]));
    }
    changes_.erase(changes_.begin(), end);
}

Outcome OutcomeRecorder::finish() {
    outcome_.counts.resize(program_.actions.size());
    outcome_.load_counts.resize(program_.actions.size());
    costs_.add_to(outcome_);
    set_rounds();
    find_peaks_before(Picoseconds(std::numeric_limits<std::int64_t>::max()));
    if (program_.repetition) {
        const std::vector<Picoseconds> added =
            add_blocks_left_out(program_, blocks_, window_.warmup, outcome_);
        for (std::size_t c = 0; c < added.size(); ++c) {
            lane_time_[c] += added[c];
        }
    }
    for (std::size_t c = 0; c < outcome_.components.size(); ++c) {
        ComponentOutcome& component = outcome_.components[c];
        // Steps of the first counted round may run before the window begins.
        component.busy_max =
            std::min(component.busy_max, outcome_.window_end - outcome_.window_start);
        const auto instances = machine_.components()[c].instances;
        component.busy_mean = lane_time_[c] > Picoseconds(0)
                                  ? Picoseconds(lane_time_[c].count() / instances)
                                  : component.busy_max;
    }
    return std::move(outcome_);
}

}  // namespace memwall
