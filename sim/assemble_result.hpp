// SPDX-License-Identifier: Apache-2.0
// From what an engine counted to a result: energies, shares, utilizations, and the checks that it
// adds up.
#pragma once

#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "arch/outcome.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// All that one run is.
struct RunInput {
    const Network& network;  ///< with the scenario's batch
    const Machine& machine;
    const Mapping& mapping;
    const Outcome& outcome;
    Scenario scenario;
    std::string engine;
    std::string precision;
    std::vector<std::string> kept_precision;
    std::vector<std::string> overrides;
};

/// Throws InternalError where the counts contradict the network or the parts do not sum to the
/// total.
RunResult assemble_result(const RunInput& input);

/// The DRAMs of a machine that are far from the bandwidth of their types.
std::vector<DramRate> dram_rates(const Machine& machine);

/// Multiply-accumulates of all arrays in a cycle of their clock, at a precision: that of the
/// narrowest lanes which are wide enough, times their clock. Zero where there are none.
double peak_macs_per_second(const Machine& machine, Precision precision);

/// One more row of account among the actions of its component, those that are alike in one.
void add_action(const LedgerRow& row, std::vector<ActionResult>& actions);
/// The energies of a run are the sums of its account.
void sum_energies(const std::vector<LedgerRow>& ledger, Totals& totals);

/// MACs were neither lost nor invented: mac + gated_mac = the network's + recomputed_mac -
/// skipped_mac, layer by layer. Throws InternalError.
void check_macs(const RunInput& input, const RunResult& result);
/// Layers, components and kinds each add up to the total energy, to 1e-9.
void check_sums(const RunResult& result);
/// The outermost memory saw at least what any schedule must move.
void check_bounds(const RunInput& input, const RunResult& result);

}  // namespace memwall
