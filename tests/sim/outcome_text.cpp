// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/outcome_text.hpp"

#include <sstream>

namespace memwall::test {

namespace {

void write(std::ostream& out, const std::vector<Picoseconds>& times) {
    for (const Picoseconds time : times) {
        out << ' ' << time.count();
    }
    out << '\n';
}

std::string text(const Outcome& outcome, bool causes) {
    std::ostringstream out;
    for (const auto* counts :
         {&outcome.counts, &outcome.load_counts, &outcome.activations, &outcome.load_activations}) {
        for (const std::int64_t count : *counts) {
            out << ' ' << count;
        }
        out << '\n';
    }
    for (const LayerOutcome& layer : outcome.layers) {
        out << layer.start.count() << ' ' << layer.end.count() << ' ' << layer.queued.count() << ' '
            << layer.stalls << ' ' << layer.stalled.count() << ' ' << layer.slack.count();
        if (causes) {
            out << ' ' << name(layer.bound_by) << ' ' << layer.path_known << ' '
                << layer.exposed.count();
        }
        out << '\n';
    }
    for (const ComponentOutcome& component : outcome.components) {
        out << component.busy_max.count() << ' ' << component.busy_mean.count() << ' '
            << component.peak.count() << '\n';
    }
    for (const DramOutcome& dram : outcome.drams) {
        out << dram.bursts << ' ' << dram.row_hits << ' ' << dram.row_misses << ' '
            << dram.refreshes << '\n';
    }
    for (const auto* times : {&outcome.busy_by_layer, &outcome.round_start, &outcome.round_end}) {
        write(out, *times);
    }
    write(out, {outcome.load_end, outcome.window_start, outcome.window_end, outcome.end});
    out << outcome.steps << '\n';
    return out.str();
}

}  // namespace

std::string full_text(const Outcome& outcome) {
    return text(outcome, true);
}
std::string times_and_counts(const Outcome& outcome) {
    return text(outcome, false);
}

}  // namespace memwall::test
