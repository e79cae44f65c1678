// SPDX-License-Identifier: Apache-2.0
#include "arch/outcome_recorder.hpp"

#include <algorithm>
#include <cmath>

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
      first_start_(static_cast<std::size_t>(program.rounds), kNever),
      last_end_(static_cast<std::size_t>(program.rounds), kNever),
      input_start_(static_cast<std::size_t>(program.rounds), kNever),
      output_end_(static_cast<std::size_t>(program.rounds), kNever),
      layer_seen_(program.layers.size()) {
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

void OutcomeRecorder::keep_round(const Step& step, const StepTimes& times) {
    if (!step.layer.valid()) {
        outcome_.load_end = std::max(outcome_.load_end, times.complete);
        return;
    }
    const auto round = static_cast<std::size_t>(step.item);
    const auto earliest = [](Picoseconds& kept, Picoseconds time) {
        kept = kept == kNever ? time : std::min(kept, time);
    };
    earliest(first_start_[round], times.start);
    last_end_[round] = std::max(last_end_[round], times.complete);
    if (step.body->edge == NetworkEdge::input) {
        earliest(input_start_[round], times.start);
    } else if (step.body->edge == NetworkEdge::output) {
        output_end_[round] = std::max(output_end_[round], times.complete);
    }
}

void OutcomeRecorder::keep_layer(const Step& step, const StepTimes& times,
                                 const MoveDemand& asked) {
    if (!step.layer.valid() || step.item != program_.rounds - 1) {
        return;
    }
    LayerOutcome& layer = outcome_.layers[step.layer.position()];
    const bool seen = layer_seen_[step.layer.position()];
    layer.start = seen ? std::min(layer.start, times.start) : times.start;
    layer.end = std::max(layer.end, times.complete);
    layer_seen_[step.layer.position()] = true;
    Picoseconds needed;
    if (std::holds_alternative<Move>(step.body->what)) {
        for (std::size_t b = 0; b < kBoundCount; ++b) {
            layer.resource[b] += asked.by_bound[b];
        }
        needed = asked.longest;
    } else {
        const auto& compute = std::get<Compute>(step.body->what);
        const ComponentId component = program_.units[step.body->unit.position()].component;
        needed = machine_.clock(program_.clock).time_of(compute.occupies);
        layer.resource[static_cast<std::size_t>(bound_of(machine_.component(component).kind))] +=
            needed;
    }
    const Picoseconds taken = times.served - times.start;
    layer.queued += times.start - times.ready;
    layer.queued += taken > needed ? taken - needed : Picoseconds(0);
}

void OutcomeRecorder::keep_block(const Step& step, const StepTimes& times) {
    if (!program_.repetition || !step.layer.valid()) {
        return;
    }
    const std::size_t layer = step.layer.position();
    const std::size_t round = static_cast<std::size_t>(step.item) * program_.layers.size();
    Picoseconds& end = blocks_.layer_end[round + layer];
    end = std::max(end, times.complete);
    ++blocks_.steps[layer];
}

void OutcomeRecorder::occupy(ComponentId component, const Step& step, Picoseconds from,
                             Picoseconds to) {
    const std::size_t c = component.position();
    from = std::max(from, busy_until_[c]);
    busy_until_[c] = std::max(busy_until_[c], to);
    if (in_window(step) && to > from) {
        outcome_.components[c].busy_max += to - from;
        outcome_.busy_by_layer[step.layer.position() * busy_until_.size() + c] += to - from;
    }
}

void OutcomeRecorder::keep_busy(const Step& step, const StepTimes& times) {
    const ComponentId own = program_.units[step.body->unit.position()].component;
    if (const auto* compute = std::get_if<Compute>(&step.body->what)) {
        occupy(own, step, times.start, times.served);
        if (in_window(step)) {
            const Picoseconds one_cycle = machine_.clock(program_.clock).time_of(Cycles(1));
            const Picoseconds time = one_cycle * compute->lanes_occupied.count();
            lane_time_[own.position()] += time;
            if (program_.repetition) {
                blocks_.lane_time[step.layer.position() * lane_time_.size() + own.position()] +=
                    time;
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
    ++outcome_.steps;
    outcome_.end = std::max(outcome_.end, times.complete);
    body.loaded += step.layer.valid() ? 0 : 1;
    body.counted += in_window(step) ? 1 : 0;
    keep_round(step, times);
    keep_layer(step, times, body.demand);
    keep_busy(step, times);
    keep_block(step, times);
    for (const OccupancyChange& change : step.body->occupancy) {
        if (change.reserved > 0) {
            changes_.push_back({times.start, change.memory.value, change.reserved});
        }
        if (change.released > 0) {
            changes_.push_back({times.complete, change.memory.value, -change.released});
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

void OutcomeRecorder::set_peaks() {
    // In one instant releases come first: a slot that is handed over is not held twice.
    std::stable_sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
        return a.at != b.at ? a.at < b.at : (a.bytes < 0) > (b.bytes < 0);
    });
    std::vector<std::int64_t> held(outcome_.components.size());
    for (const Change& change : changes_) {
        std::int64_t& now = held[static_cast<std::size_t>(change.component)];
        now = checked_add(now, change.bytes);
        Bytes& peak = outcome_.components[static_cast<std::size_t>(change.component)].peak;
        peak = std::max(peak, Bytes(now));
    }
}

Outcome OutcomeRecorder::finish() {
    outcome_.counts.resize(program_.actions.size());
    outcome_.load_counts.resize(program_.actions.size());
    costs_.add_to(outcome_);
    set_rounds();
    set_peaks();
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
