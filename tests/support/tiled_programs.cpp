// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiled_programs.hpp"

#include "arch/estimate.hpp"
#include "arch/executor.hpp"
#include "workloads/transforms.hpp"

namespace memwall::test {

Mapping mapped_to_execute(const Network& network, const Machine& machine, Effort effort) {
    MapperOptions options;
    options.effort = effort;
    options.rounds = 3;
    options.images = true;
    return map_network(network, machine, options);
}

std::int64_t dram_bytes(const Mapping& mapping, const Machine& machine) {
    const Outcome outcome = estimate(mapping.program, machine, Window{1});
    std::int64_t sum = 0;
    for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
        const ActionKey& key = mapping.program.actions.key(RowId(r));
        const bool moves = key.action == Action::read || key.action == Action::write;
        sum += moves && key.component == machine.find("dram") ? outcome.counts[r] : 0;
    }
    return sum / (mapping.program.rounds - 1);
}

std::int64_t proved_outputs(const Network& network, const Machine& machine,
                            const Mapping& mapping) {
    ExecutionOptions execution;
    execution.buffered = {{machine.find("operand_buffer"), 2}, {machine.find("accumulators"), 2}};
    const Network round = with_batch(network, mapping.sub_batch);
    return execute(round, machine, mapping.program, execution).outputs;
}

}  // namespace memwall::test
