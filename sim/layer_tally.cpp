// SPDX-License-Identifier: Apache-2.0
#include "sim/layer_tally.hpp"

#include <algorithm>

#include "arch/outcome_recorder.hpp"

namespace memwall {

LayerTally::LayerTally(const Program& program, const Machine& machine)
    : program_(program), machine_(machine), spans_(program.layers.size()), late_(program) {
    for (Span& span : spans_) {
        span.needs.resize(resource_places(machine));
    }
}

void LayerTally::started(const Step& step, Picoseconds now) {
    Span& span = spans_[step.layer.position()];
    span.start = std::min(span.start, now);
    need(step);
}

void LayerTally::need(const Step& step) {
    const Component& own = machine_.component(program_.units[step.body->unit.position()].component);
    const ClockDomain& clock = machine_.clock(own.clock);
    auto& needs = spans_[step.layer.position()].needs;
    if (const auto* compute = std::get_if<Compute>(&step.body->what)) {
        const UnitId unit = step.body->unit;
        needs[resource_place(program_.units[unit.position()].component)] +=
            clock.time_of(compute->occupies);
        return;
    }
    const MoveDemand asked = demand(std::get<Move>(step.body->what), machine_, clock);
    for (const ResourceNeed& need : asked.needs) {
        needs[need.place] += need.time;
    }
    needs.back() += asked.occupied;
}

void LayerTally::completed(LayerId layer, Picoseconds now) {
    Span& span = spans_[layer.position()];
    span.end = std::max(span.end, now);
}

void LayerTally::queued(LayerId layer, Picoseconds time) {
    spans_[layer.position()].queued += time;
}

void LayerTally::scheduled(const Step& step, const StartTimes& times, const WaitedFor& waited) {
    Span& span = spans_[step.layer.position()];
    if (times.start > times.scheduled) {
        const Picoseconds late = times.start - times.scheduled;
        ++span.stalls;
        span.stalled += late;
        late_.add(step, waited, late);
    }
    span.slack = std::min(span.slack, std::max(Picoseconds(0), times.scheduled - times.ready));
}

Bound LayerTally::longest_need(std::size_t layer) const {
    return bound_of_needs(machine_, spans_[layer].needs);
}

void LayerTally::write(Outcome& outcome, Picoseconds origin) const {
    outcome.layers.resize(spans_.size());
    outcome.late = late_.sums();
    for (std::size_t l = 0; l < spans_.size(); ++l) {
        const Span& span = spans_[l];
        LayerOutcome& layer = outcome.layers[l];
        layer.stalls = span.stalls;
        layer.stalled = span.stalled;
        if (span.slack != Picoseconds(INT64_MAX)) {
            layer.slack = span.slack;
        }
        if (span.start == Picoseconds(INT64_MAX)) {
            continue;  // nothing was done for it: renamed, folded, an epilogue of another
        }
        // Weights may be fetched before the round's first input byte.
        layer.start = std::max(Picoseconds(0), span.start - origin);
        layer.end = std::max(layer.start, span.end - origin);
        layer.queued = span.queued;
    }
}

}  // namespace memwall
