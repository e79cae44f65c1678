// SPDX-License-Identifier: Apache-2.0
#include "sim/ledger.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/error.hpp"

namespace memwall {
namespace {

bool has_tensor(Action action) {
    return unit_of(action) == std::string_view("byte");
}

/// What one row stands for. Operations are told apart by precision only: they have no one tensor.
struct RowKey {
    LayerId layer;
    ComponentId component;
    Action action = Action::read;
    std::optional<TensorRole> tensor;
    Precision precision = Precision::int8;

    friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

LedgerRow counted_row(const RowKey& key, std::int64_t count, const Machine& machine) {
    const Sourced& cost = machine.energy_of(key.component, key.action, key.precision);
    const auto times_cost = [&](double coefficient) {
        return Joules(static_cast<double>(count) * coefficient);
    };
    LedgerRow row;
    row.layer = key.layer;
    row.component = key.component;
    row.action = name(key.action);
    row.counted = key.action;
    row.tensor = key.tensor;
    row.precision = key.precision;
    row.unit = unit_of(key.action);
    row.count = count;
    row.energy = times_cost(cost.value);
    row.low = times_cost(cost.low);
    row.high = times_cost(cost.high);
    row.status = cost.status;
    row.kind = kind_of(key.action, key.tensor);
    return row;
}

LedgerRow power_row(LayerId layer, ComponentId component, const char* action, const Sourced& power,
                    double seconds, EnergyKind kind) {
    LedgerRow row;
    row.layer = layer;
    row.component = component;
    row.action = action;
    row.unit = "second";
    row.seconds = seconds;
    row.energy = Joules(power.value * seconds);
    row.low = Joules(power.low * seconds);
    row.high = Joules(power.high * seconds);
    row.status = power.status;
    row.kind = kind;
    return row;
}

void append_power(LayerId layer, ComponentId id, const Component& component, double seconds,
                  std::vector<LedgerRow>& rows) {
    if (seconds <= 0) {
        return;
    }
    if (component.static_power.value > 0) {
        rows.push_back(power_row(layer, id, component.static_power_name(), component.static_power,
                                 seconds, EnergyKind::static_energy));
    }
    if (component.refresh_power.value > 0) {
        rows.push_back(power_row(layer, id, "refresh", component.refresh_power, seconds,
                                 EnergyKind::static_energy));
    }
    if (component.clock_power.value > 0) {
        rows.push_back(
            power_row(layer, id, "clock", component.clock_power, seconds, EnergyKind::control));
    }
}

/// How much of the window each component worked for each layer, and for none.
class BusyShares {
public:
    BusyShares(const Outcome& outcome, std::size_t components)
        : outcome_(outcome),
          components_(components),
          window_(to_seconds(outcome.window_end - outcome.window_start).count()),
          scale_(components, 1.0) {
        for (std::size_t c = 0; c < components; ++c) {
            double busy = 0;
            for (std::size_t l = 0; l < outcome.layers.size(); ++l) {
                busy += busy_seconds(l, c);
            }
            // Steps of the first counted round may run before the window begins.
            scale_[c] = busy > window_ ? window_ / busy : 1.0;
        }
    }

    [[nodiscard]] double of_layer(std::size_t layer, std::size_t component) const {
        return busy_seconds(layer, component) * scale_[component];
    }
    [[nodiscard]] double idle(std::size_t component) const {
        double rest = window_;
        for (std::size_t l = 0; l < outcome_.layers.size(); ++l) {
            rest -= of_layer(l, component);
        }
        return scale_[component] < 1.0 ? 0.0 : std::max(rest, 0.0);
    }

private:
    [[nodiscard]] double busy_seconds(std::size_t layer, std::size_t component) const {
        return to_seconds(outcome_.busy_by_layer[layer * components_ + component]).count();
    }

    const Outcome& outcome_;
    std::size_t components_;
    double window_;
    std::vector<double> scale_;
};

/// In the order of their keys, each key once.
using Counts = std::vector<std::pair<RowKey, std::int64_t>>;

Counts sorted_counts(const ActionTable& actions, const std::vector<std::int64_t>& counts) {
    ensure(counts.size() <= actions.size(), "an outcome counts what its program can count");
    Counts rows;
    rows.reserve(counts.size());
    for (std::size_t r = 0; r < counts.size(); ++r) {
        if (counts[r] == 0) {
            continue;
        }
        ensure(counts[r] > 0, "a count is never below zero");
        const ActionKey& key = actions.key(RowId(r));
        RowKey row{key.layer, key.component, key.action, std::nullopt, key.precision};
        if (has_tensor(key.action)) {
            row.tensor = key.tensor;
        }
        rows.emplace_back(row, counts[r]);
    }
    std::sort(rows.begin(), rows.end());
    Counts sorted;
    sorted.reserve(rows.size());
    for (const auto& row : rows) {
        if (sorted.empty() || sorted.back().first != row.first) {
            sorted.push_back(row);
        } else {
            sorted.back().second = checked_add(sorted.back().second, row.second);
        }
    }
    return sorted;
}

bool has_energy(const Component& component, Action action) {
    return std::any_of(component.energies.begin(), component.energies.end(),
                       [&](const EnergyEntry& entry) { return entry.action == action; });
}

/// Where a DRAM's file has the energy of an activation.
void add_activations(const Machine& machine, LayerId layer, std::size_t d, std::int64_t count,
                     Counts& counts) {
    const ComponentId dram = machine.drams()[d];
    if (count > 0 && has_energy(machine.component(dram), Action::activate)) {
        counts.emplace_back(RowKey{layer, dram, Action::activate, std::nullopt, Precision::int8},
                            count);
    }
}

/// What was counted before the rounds, and the power of all components meanwhile.
void append_load(const ActionTable& actions, const Machine& machine, const Outcome& outcome,
                 std::vector<LedgerRow>& rows) {
    const std::size_t first = rows.size();
    Counts counts = sorted_counts(actions, outcome.load_counts);
    for (std::size_t d = 0; d < outcome.load_activations.size(); ++d) {
        add_activations(machine, LayerId(), d, outcome.load_activations[d], counts);
    }
    std::sort(counts.begin(), counts.end());
    for (const auto& [key, count] : counts) {
        rows.push_back(counted_row(key, count, machine));
    }
    append_idle_power(machine, to_seconds(outcome.load_end).count(), rows);
    for (std::size_t r = first; r < rows.size(); ++r) {
        rows[r].load = true;
    }
}

}  // namespace

LedgerRow transfer_row(LayerId layer, ComponentId link, Precision precision, Bytes bytes,
                       const Machine& machine) {
    return counted_row({layer, link, Action::transfer, TensorRole::outputs, precision},
                       bytes.count(), machine);
}

void append_idle_power(const Machine& machine, double seconds, std::vector<LedgerRow>& rows) {
    for (std::size_t c = 0; c < machine.components().size(); ++c) {
        append_power(LayerId(), ComponentId(c), machine.components()[c], seconds, rows);
    }
}

std::vector<LedgerRow> make_ledger(const ActionTable& actions, const Machine& machine,
                                   const Outcome& outcome, bool cold) {
    const std::size_t components = machine.components().size();
    ensure(outcome.busy_by_layer.size() == outcome.layers.size() * components,
           "an outcome has the busy time of every layer at every component");
    Counts counts = sorted_counts(actions, outcome.counts);
    const std::size_t drams = machine.drams().size();
    for (std::size_t n = 0; n < outcome.activations.size(); ++n) {
        add_activations(machine, LayerId(n / drams), n % drams, outcome.activations[n], counts);
    }
    std::sort(counts.begin(), counts.end());
    const BusyShares shares(outcome, components);
    std::vector<LedgerRow> rows;
    auto next = counts.begin();
    for (std::size_t l = 0; l < outcome.layers.size(); ++l) {
        for (std::size_t c = 0; c < components; ++c) {
            for (; next != counts.end() && next->first.layer == LayerId(l) &&
                   next->first.component == ComponentId(c);
                 ++next) {
                rows.push_back(counted_row(next->first, next->second, machine));
            }
            append_power(LayerId(l), ComponentId(c), machine.components()[c], shares.of_layer(l, c),
                         rows);
        }
    }
    ensure(next == counts.end(), "every count belongs to a layer and a component");
    if (cold) {
        append_load(actions, machine, outcome, rows);
    }
    for (std::size_t c = 0; c < components; ++c) {
        append_power(LayerId(), ComponentId(c), machine.components()[c], shares.idle(c), rows);
    }
    return rows;
}

Joules load_energy(const ActionTable& actions, const Machine& machine, const Outcome& outcome) {
    std::vector<LedgerRow> rows;
    append_load(actions, machine, outcome, rows);
    Joules total(0);
    for (const LedgerRow& row : rows) {
        total += row.energy;
    }
    return total;
}

}  // namespace memwall
