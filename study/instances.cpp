// SPDX-License-Identifier: Apache-2.0
#include "study/instances.hpp"

#include <string>
#include <utility>

#include "base/quantity.hpp"
#include "sim/equal_cards.hpp"

namespace memwall {

std::int64_t instances_of(const Machine& machine) {
    return machine.parts().cards ? machine.parts().cards->instances : 1;
}

Machine one_instance(const Machine& machine) {
    Machine::Parts parts = machine.parts();
    if (parts.cards) {
        parts.cards->count /= parts.cards->instances;
        parts.cards->instances = 1;
    }
    return Machine(std::move(parts));
}

Machine in_equal_groups(const Machine& machine, std::int64_t users) {
    Machine::Parts parts = machine.parts();
    if (parts.cards) {
        std::int64_t& together = parts.cards->together;
        together = ceil_divide(users, ceil_divide(users, together));
    }
    return Machine(std::move(parts));
}

RunResult of_instances(RunResult one, std::int64_t instances) {
    const Joules energy_per_item = one.totals.energy_per_item;
    RunResult all = of_equal_cards(std::move(one), instances);
    Totals& totals = all.totals;
    totals.energy_per_item = energy_per_item;
    totals.items = checked_multiply(totals.items, instances);
    totals.throughput *= static_cast<double>(instances);
    if (totals.pipeline) {
        PipelineResult& pipeline = *totals.pipeline;
        pipeline.instances = instances;
        pipeline.cards *= instances;
        pipeline.static_power =
            Watts(pipeline.static_power.count() * static_cast<double>(instances));
        pipeline.dynamic_power =
            Watts(pipeline.dynamic_power.count() * static_cast<double>(instances));
        totals.power_scope = std::to_string(pipeline.cards) + " cards";
    }
    return all;
}

}  // namespace memwall
