// SPDX-License-Identifier: Apache-2.0
#include "arch/outcome_recorder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

constexpr Picoseconds kNever = Picoseconds(-1);

/// As std::stable_sort, in little time where most has only a few places to go.
template <typename Iterator, typename Less>
void sort_nearly_sorted(Iterator begin, Iterator end, const Less& less) {
    constexpr std::ptrdiff_t kPlaces = 16;
    std::ptrdiff_t left = kPlaces * (end - begin);
    for (Iterator next = begin; next != end && left > 0; ++next) {
        const auto moved = *next;
        Iterator place = next;
        for (; place != begin && less(moved, *(place - 1)); --place) {
            *place = *(place - 1);
        }
        *place = moved;
        left -= next - place;
    }
    if (left <= 0) {
        std::stable_sort(begin, end, less);
    }
}

}  // namespace

OutcomeRecorder::OutcomeRecorder(const Program& program, const Machine& machine,
                                 const Window& window)
    : program_(program),
      machine_(machine),
      window_(window),
      cycle_(machine.clock(program.clock).time_of(Cycles(1))),
      costs_(program, machine),
      busy_until_(machine.components().size()),
      held_(machine.components().size()),
      log_(program.rounds, window.warmup),
      first_start_(static_cast<std::size_t>(program.rounds), kNever),
      last_end_(static_cast<std::size_t>(program.rounds), kNever),
      input_start_(static_cast<std::size_t>(program.rounds), kNever),
      output_end_(static_cast<std::size_t>(program.rounds), kNever),
      layer_seen_(program.layers.size()),
      recent_(program.layers.size() + 1),
      late_(program) {
    ensure(window.warmup >= 0 && window.warmup < program.rounds,
           "a window begins after a round that is not the last");
    outcome_.counts.resize(program.actions.size());
    outcome_.load_counts.resize(program.actions.size());
    outcome_.layers.resize(program.layers.size());
    needs_.resize(program.layers.size() * resource_places(machine));
    outcome_.components.resize(machine.components().size());
    outcome_.busy_by_layer.resize(program.layers.size() * machine.components().size());
    outcome_.drams.resize(machine.drams().size());
    outcome_.activations.resize(program.layers.size() * machine.drams().size());
    outcome_.load_activations.resize(machine.drams().size());
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
    const std::span<Picoseconds> needs = needs_of(step.layer.position());
    Picoseconds needed;
    if (std::holds_alternative<Move>(step.body->what)) {
        for (const ResourceNeed& need : asked.needs) {
            add(needs[need.place], need.time);
        }
        add(needs.back(), asked.occupied);
        needed = asked.longest;
    } else {
        const auto& compute = std::get<Compute>(step.body->what);
        const ComponentId component = program_.units[step.body->unit.position()].component;
        needed = machine_.clock(program_.clock).time_of(compute.occupies);
        add(needs[resource_place(component)], needed);
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
        log_.add(outcome_.busy_by_layer[step.layer.position() * busy_until_.size() + c], to - from,
                 step.item, SumOver::window);
    }
}

void OutcomeRecorder::keep_busy(const Step& step, const BodyCosts::Row& body,
                                const StepTimes& times) {
    for (const ComponentId component : costs_.components(body)) {
        occupy(component, step, times.start, times.served);
    }
}

/// Of the layers that stand for others.
void OutcomeRecorder::keep_lane_time(const Step& step) {
    if (const auto* compute = std::get_if<Compute>(&step.body->what)) {
        const std::size_t own = program_.units[step.body->unit.position()].component.position();
        log_.add(blocks_.lane_time[step.layer.position() * busy_until_.size() + own],
                 cycle_ * compute->lanes_occupied.count(), step.item, SumOver::window);
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
    keep_busy(step, body, times);
    keep_block_end(recorded);
    if (program_.repetition && step.layer.valid()) {
        log_.add(blocks_.steps[step.layer.position()], 1, step.item, SumOver::all_rounds);
        keep_lane_time(step);
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

void OutcomeRecorder::record_schedule(const Step& step, Picoseconds start_of_schedule,
                                      const StepTimes& times, const WaitedFor& waited) {
    if (!in_window(step)) {
        return;
    }
    LayerOutcome& layer = outcome_.layers[step.layer.position()];
    if (times.start > start_of_schedule) {
        ++layer.stalls;
        layer.stalled += times.start - start_of_schedule;
        late_.add(step, waited, times.start - start_of_schedule);
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
        layer.bound_by = bound_of_needs(machine_, needs_of(l));
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
    sort_nearly_sorted(changes_.begin(), end, [](const Change& a, const Change& b) {
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

/// What was added up by layer.
void OutcomeRecorder::sum_busy() {
    const std::size_t components = busy_until_.size();
    for (std::size_t b = 0; b < outcome_.busy_by_layer.size(); ++b) {
        outcome_.components[b % components].busy_max += outcome_.busy_by_layer[b];
    }
}

/// In the window, by resource_place(): every round asks for as much as the last.
std::vector<Picoseconds> OutcomeRecorder::asked_of_resources() const {
    const std::size_t places = resource_places(machine_);
    const std::int64_t rounds = program_.rounds - window_.warmup;
    const auto& block = program_.repetition;
    std::vector<Picoseconds> asked(places);
    for (std::size_t n = 0; n < needs_.size(); ++n) {
        const std::size_t layer = n / places;
        const bool stands = block && layer >= block->first && layer < block->first + block->layers;
        asked[n % places] += needs_[n] * (rounds * (stands ? 1 + block->left_out : 1));
    }
    return asked;
}

/// A DRAM, and what is links of one instance, is busy with what passes at its rate; any other
/// component as long as steps hold it.
void OutcomeRecorder::set_busy_by_bytes() {
    std::vector<int> links(machine_.components().size());
    for (const Link& link : machine_.links()) {
        links[link.component.position()] += link.bytes_per_cycle > 0 ? 1 : 0;
    }
    const std::vector<Picoseconds> asked = asked_of_resources();
    for (std::size_t c = 0; c < links.size(); ++c) {
        const bool dram = machine_.components()[c].kind == ComponentKind::dram;
        if (dram || (links[c] > 0 && links[c] <= 2)) {
            const Picoseconds first = asked[resource_place(ComponentId(c))];
            const Picoseconds second = asked[resource_place(ComponentId(c), true)];
            ComponentOutcome& component = outcome_.components[c];
            component.busy_max =
                std::min(std::max(first, second), outcome_.window_end - outcome_.window_start);
            component.busy_mean = Picoseconds((first + second).count() / std::max(links[c], 1));
        }
    }
}

/// By component, summed over lanes and the window.
std::vector<Picoseconds> OutcomeRecorder::lane_time() const {
    std::vector<Picoseconds> time(busy_until_.size());
    for (const BodyCosts::Row& row : costs_.rows()) {
        if (const auto* compute = std::get_if<Compute>(&row.body->what); compute && row.counted) {
            const ComponentId own = program_.units[row.body->unit.position()].component;
            time[own.position()] += cycle_ * compute->lanes_occupied.count() * row.counted;
        }
    }
    return time;
}

Outcome OutcomeRecorder::finish() {
    outcome_.counts.resize(program_.actions.size());
    outcome_.load_counts.resize(program_.actions.size());
    outcome_.late = late_.sums();
    costs_.add_to(outcome_);
    set_rounds();
    sum_busy();
    std::vector<Picoseconds> lane_time = this->lane_time();
    find_peaks_before(Picoseconds(std::numeric_limits<std::int64_t>::max()));
    if (program_.repetition) {
        const std::vector<Picoseconds> added =
            add_blocks_left_out(program_, blocks_, window_.warmup, outcome_);
        for (std::size_t c = 0; c < added.size(); ++c) {
            lane_time[c] += added[c];
        }
    }
    for (std::size_t c = 0; c < outcome_.components.size(); ++c) {
        ComponentOutcome& component = outcome_.components[c];
        // Steps of the first counted round may run before the window begins.
        component.busy_max =
            std::min(component.busy_max, outcome_.window_end - outcome_.window_start);
        const auto instances = machine_.components()[c].instances;
        component.busy_mean = lane_time[c] > Picoseconds(0)
                                  ? Picoseconds(lane_time[c].count() / instances)
                                  : component.busy_max;
    }
    set_busy_by_bytes();
    return std::move(outcome_);
}

}  // namespace memwall
