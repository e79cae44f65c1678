// SPDX-License-Identifier: Apache-2.0
#include "sim/layer_tally.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace memwall {

Bound bound_of(ComponentKind kind) {
    switch (kind) {
        case ComponentKind::dram:
            return Bound::dram;
        case ComponentKind::sram:
        case ComponentKind::register_file:
            return Bound::buffer;
        case ComponentKind::mac_array:
            return Bound::compute;
        case ComponentKind::vector_unit:
            return Bound::vector;
        case ComponentKind::mesh:
        case ComponentKind::bus:
            return Bound::interconnect;
        case ComponentKind::link:
            return Bound::link;
        case ComponentKind::dma:  // beside its links a DMA engine only issues
            return Bound::latency;
    }
    fail("unknown component kind");
}

LayerTally::LayerTally(const Program& program, const Machine& machine)
    : program_(program),
      machine_(machine),
      spans_(program.layers.size()),
      units_(program.layers.size() * program.units.size(), 0),
      links_(program.layers.size() * machine.links().size(), 0.0),
      drams_(program.layers.size() * machine.drams().size(), 0.0) {}

void LayerTally::started(const Step& step, Picoseconds now) {
    Span& span = spans_[step.layer.position()];
    span.start = std::min(span.start, now);
    need(step);
}

void LayerTally::need(const Step& step) {
    const StepBody& body = *step.body;
    const std::size_t layer = step.layer.position();
    const Unit& unit = program_.units[body.unit.position()];
    const ClockDomain& clock = machine_.clock(machine_.component(unit.component).clock);
    Cycles latency;
    if (const auto* compute = std::get_if<Compute>(&body.what)) {
        units_[layer * program_.units.size() + body.unit.position()] +=
            clock.time_of(compute->occupies).count() / unit.servers;
        latency = compute->latency;
    } else {
        const Move& move = std::get<Move>(body.what);
        units_[layer * program_.units.size() + body.unit.position()] +=
            clock.time_of(move.occupies).count() / unit.servers;
        for (const LinkUse& use : move.links) {
            if (use.link.valid()) {
                links_[layer * machine_.links().size() + use.link.position()] +=
                    static_cast<double>(use.bytes.count());
            }
        }
        for (const DramAccess& access : move.dram) {
            drams_[layer * machine_.drams().size() + access.dram.position()] +=
                static_cast<double>(access.piece.count()) * static_cast<double>(access.pieces);
        }
        latency = move.latency;
    }
    Span& span = spans_[layer];
    span.longest_latency = std::max(span.longest_latency, clock.time_of(latency));
}

void LayerTally::completed(LayerId layer, Picoseconds now) {
    Span& span = spans_[layer.position()];
    span.end = std::max(span.end, now);
}

void LayerTally::queued(LayerId layer, Picoseconds time) {
    spans_[layer.position()].queued += time;
}

void LayerTally::scheduled(LayerId layer, Picoseconds ready, Picoseconds scheduled,
                           Picoseconds now) {
    Span& span = spans_[layer.position()];
    if (now > scheduled) {
        ++span.stalls;
        span.stalled += now - scheduled;
    }
    span.slack = std::min(span.slack, std::max(Picoseconds(0), scheduled - ready));
}

void LayerTally::write(Outcome& outcome, Picoseconds origin) const {
    outcome.layers.resize(spans_.size());
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
        const auto raise = [&](Bound bound, double time) {
            Picoseconds& most = layer.resource[static_cast<std::size_t>(bound)];
            most = std::max(most, Picoseconds(std::llround(time)));
        };
        for (std::size_t u = 0; u < program_.units.size(); ++u) {
            raise(bound_of(machine_.component(program_.units[u].component).kind),
                  static_cast<double>(units_[l * program_.units.size() + u]));
        }
        for (std::size_t k = 0; k < machine_.links().size(); ++k) {
            const Link& link = machine_.links()[k];
            const double bytes = links_[l * machine_.links().size() + k];
            if (bytes > 0) {
                const auto hertz =
                    static_cast<double>(machine_.clock(link.clock).frequency().count());
                raise(bound_of(machine_.component(link.component).kind),
                      bytes / (link.bytes_per_cycle * hertz) * 1e12);
            }
        }
        for (std::size_t d = 0; d < machine_.drams().size(); ++d) {
            raise(Bound::dram, drams_[l * machine_.drams().size() + d] /
                                   machine_.dram(DramId(d)).peak().count() * 1e12);
        }
        raise(Bound::latency, static_cast<double>(span.longest_latency.count()));
    }
}

}  // namespace memwall
