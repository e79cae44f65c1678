// SPDX-License-Identifier: Apache-2.0
// The account of a run: what was done where for which layer, and what it cost. Every energy of a
// result is a sum of these rows in their order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/outcome.hpp"
#include "arch/program.hpp"

namespace memwall {

/// One line of account.
struct LedgerRow {
    LayerId layer;      ///< none: loading, or time in which the component worked for no layer
    bool load = false;  ///< of a cold start: what stays in the machine is brought in
    ComponentId component;
    /// An Action's name, or that of power: "leakage", "standby", "refresh", "clock".
    std::string action;
    std::optional<Action> counted;     ///< none for power
    std::optional<TensorRole> tensor;  ///< of bytes
    std::optional<Precision> precision;
    std::string unit;        ///< "byte", "operation" or "second"
    std::int64_t count = 0;  ///< of bytes or operations
    double seconds = 0;      ///< of power
    Joules energy;
    Joules low;  ///< by the ends of the coefficient's interval
    Joules high;
    Status status = Status::assumed;  ///< of the coefficient
    EnergyKind kind = EnergyKind::static_energy;
};

/// The account of the window: for each layer and component, what was counted, by action, tensor and
/// precision; then its share of the component's leakage and clock power, by busy time. What time is
/// left comes last, without a layer; of a cold start, loading comes before it. The order depends on
/// nothing but the keys.
std::vector<LedgerRow> make_ledger(const ActionTable& actions, const Machine& machine,
                                   const Outcome& outcome, bool cold);

/// The row of bytes that a layer sends over a link.
LedgerRow transfer_row(LayerId layer, ComponentId link, Precision precision, Bytes bytes,
                       const Machine& machine);

/// Leakage and clock power of all components for so long, without a layer; nothing where the time
/// is none.
void append_idle_power(const Machine& machine, double seconds, std::vector<LedgerRow>& rows);

/// The energy of loading: what was counted before the rounds, and the power of all components
/// meanwhile.
Joules load_energy(const ActionTable& actions, const Machine& machine, const Outcome& outcome);

}  // namespace memwall
