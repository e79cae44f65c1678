// SPDX-License-Identifier: Apache-2.0
#include "sim/lower_bound_run.hpp"

#include <algorithm>

namespace memwall {
namespace {

bool limits(ComponentKind kind) {
    return kind == ComponentKind::mac_array || kind == ComponentKind::vector_unit ||
           kind == ComponentKind::link;
}

/// J a byte, the cheaper of reading and writing: the bound does not say which.
double cheapest_byte(const Machine& machine, ComponentId memory) {
    const double read = machine.energy_of(memory, Action::read, Precision::int8).value;
    const double write = machine.energy_of(memory, Action::write, Precision::int8).value;
    return std::min(read, write);
}

}  // namespace

AtLowerBound at_lower_bound(const RunInput& input, const RunResult& result) {
    const Totals& totals = result.totals;
    AtLowerBound bound{totals.window, totals.energy, Bytes(0)};
    const ComponentId outermost = input.mapping.outermost;
    if (!outermost.valid() || input.machine.component(outermost).kind != ComponentKind::dram) {
        return bound;
    }
    bound.bytes = input.mapping.network_bound * input.scenario.counted_rounds();
    const auto& dram = std::get<DramConfig>(input.machine.component(outermost).config);
    Seconds least = bound.bytes / dram.peak();
    const auto& components = input.machine.components();
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (limits(components[c].kind)) {
            least = std::max(least, to_seconds(input.outcome.components[c].busy_max));
        }
    }
    if (input.scenario.cold) {
        least = least + totals.load_seconds;
    }
    // Steps of the first counted batch may run before the window begins.
    bound.seconds = std::min(least, totals.window);
    const double shorter = bound.seconds.count() / totals.window.count();
    bound.energy =
        Joules(static_cast<double>(bound.bytes.count()) * cheapest_byte(input.machine, outermost));
    for (const LedgerRow& row : result.ledger) {
        if (!row.counted) {
            bound.energy += row.energy * shorter;
        } else if (row.component != outermost || row.load) {
            bound.energy += row.energy;
        }
    }
    return bound;
}

}  // namespace memwall
