// SPDX-License-Identifier: Apache-2.0
#include "arch/outcome_figures.hpp"

#include <algorithm>

#include "arch/objective_value.hpp"

namespace memwall {

double OutcomeFigures::of(MappingObjective objective) const {
    return objective_value(objective, seconds, joules, bytes);
}

double OutcomeFigures::second(MappingObjective objective) const {
    return objective == MappingObjective::latency ? joules : seconds;
}

OutcomeFigures figures_of(const Program& program, const Machine& machine, const Outcome& outcome,
                          ComponentId memory, Picoseconds least) {
    OutcomeFigures figures;
    figures.seconds =
        to_seconds(std::max(outcome.window_end - outcome.window_start, least)).count();
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = program.actions.key(RowId(r));
        const auto count = static_cast<double>(outcome.counts[r]);
        if (count == 0) {
            continue;
        }
        figures.joules += count * machine.energy_of(key.component, key.action, key.precision).value;
        const bool moves = key.action == Action::read || key.action == Action::write;
        figures.bytes += key.component == memory && moves ? count : 0;
    }
    figures.joules += machine.standing_power().count() * figures.seconds;
    return figures;
}

}  // namespace memwall
