// SPDX-License-Identifier: Apache-2.0
#include "sim/assemble_result.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "arch/core_split.hpp"
#include "base/error.hpp"
#include "sim/layer_results.hpp"
#include "sim/lower_bound_run.hpp"
#include "sim/utilization.hpp"

namespace memwall {
namespace {

/// Seconds of the items of the window, each batch's shared by its items.
Latency latency_of(const Outcome& outcome, const Window& window) {
    std::vector<Picoseconds> times;
    for (auto r = static_cast<std::size_t>(window.warmup); r < outcome.round_start.size(); ++r) {
        times.push_back(outcome.round_end[r] - outcome.round_start[r]);
    }
    ensure(!times.empty(), "a window has at least one round");
    std::sort(times.begin(), times.end());
    Picoseconds sum(0);
    for (const Picoseconds time : times) {
        sum += time;
    }
    Latency latency;
    latency.mean = Seconds(to_seconds(sum).count() / static_cast<double>(times.size()));
    if (times.front() != times.back()) {
        // The nearest rank: the least time that at least this share of items stays within.
        const auto percentile = [&](std::size_t percent) {
            return to_seconds(times[(times.size() * percent + 99) / 100 - 1]);
        };
        latency.p50 = percentile(50);
        latency.p99 = percentile(99);
        latency.most = to_seconds(times.back());
    }
    return latency;
}

bool leaves_chip(ComponentKind kind) {
    return kind == ComponentKind::dram || kind == ComponentKind::link;
}

void add_counts(const RunInput& input, const std::vector<LedgerRow>& ledger, Totals& totals) {
    std::int64_t outside = 0;
    for (const LedgerRow& row : ledger) {
        if (!row.counted) {
            continue;
        }
        if (*row.counted >= Action::mac) {
            std::int64_t& count = totals.operations[static_cast<std::size_t>(*row.counted) -
                                                    static_cast<std::size_t>(Action::mac)];
            count = checked_add(count, row.count);
        } else if (row.unit == "byte" && leaves_chip(input.machine.component(row.component).kind)) {
            outside = checked_add(outside, row.count);
        }
    }
    totals.macs = checked_multiply(input.network.macs(), input.scenario.counted_rounds());
    if (outside > 0) {
        totals.arithmetic_intensity =
            static_cast<double>(totals.macs) / static_cast<double>(outside);
    }
}

/// The first round of a stream, its steady ones and the last.
std::optional<StreamResult> stream_of(const RunInput& input, Seconds window) {
    if (input.scenario.phase != Phase::stream) {
        return std::nullopt;
    }
    const Outcome& outcome = input.outcome;
    const auto rounds = static_cast<double>(input.scenario.counted_items()) /
                        static_cast<double>(input.mapping.program.items_per_round);
    return StreamResult{to_seconds(outcome.round_end.front() - outcome.round_start.front()),
                        Seconds(window.count() / rounds),
                        to_seconds(outcome.round_end.back() - outcome.round_start.back())};
}

void add_space(const RunInput& input, Totals& totals) {
    const auto& components = input.machine.components();
    for (std::size_t c = 0; c < components.size(); ++c) {
        if (is_memory(components[c].kind)) {
            totals.peak_memory.emplace_back(components[c].name, input.outcome.components[c].peak);
        }
    }
    if (input.machine.area().count() > 0) {
        totals.area = input.machine.area();
    }
}

Totals make_totals(const RunInput& input, const std::vector<LedgerRow>& ledger) {
    const Outcome& outcome = input.outcome;
    const ClockDomain& clock = input.machine.clock(input.mapping.program.clock);
    Totals totals;
    totals.seconds = to_seconds(outcome.end);
    totals.cycles = clock.edge_at_or_after(outcome.end);
    totals.clock = clock.name();
    const Picoseconds begin = input.scenario.cold ? Picoseconds(0) : outcome.window_start;
    totals.window = to_seconds(outcome.window_end - begin);
    ensure(totals.window.count() > 0, "a window takes time");
    const Window window = input.scenario.window(input.mapping.program.items_per_round);
    totals.items = input.scenario.counted_items();
    totals.items_together = input.mapping.program.items_per_round;
    const auto items = static_cast<double>(totals.items);
    totals.latency = latency_of(outcome, window);
    totals.stream = stream_of(input, totals.window);
    totals.throughput = items / totals.window.count();
    totals.item = "frame";
    totals.power_scope = input.machine.parts().power_scope;
    sum_energies(ledger, totals);
    totals.power = totals.energy / totals.window;
    totals.energy_per_item = Joules(totals.energy.count() / items);
    add_counts(input, ledger, totals);
    totals.utilization = utilization_of(ledger, input.machine, totals.window);
    add_space(input, totals);
    totals.load_seconds = to_seconds(outcome.load_end);
    totals.load_energy = load_energy(input.mapping.program.actions, input.machine, outcome);
    for (const LayerOutcome& layer : outcome.layers) {
        totals.stalls += layer.stalls;
    }
    totals.steps = outcome.steps;
    totals.events = outcome.events;
    return totals;
}

std::vector<ComponentResult> make_components(const RunInput& input,
                                             const std::vector<LedgerRow>& ledger) {
    std::vector<ComponentResult> results;
    const auto& components = input.machine.components();
    for (std::size_t c = 0; c < components.size(); ++c) {
        ComponentResult result;
        result.name = components[c].name;
        result.kind = name(components[c].kind);
        result.instances = components[c].instances;
        if (const Bytes capacity = components[c].capacity(); capacity.count() > 0) {
            result.capacity = capacity;
        }
        result.busy_max = to_seconds(input.outcome.components[c].busy_max);
        result.busy_mean = to_seconds(input.outcome.components[c].busy_mean);
        results.push_back(std::move(result));
    }
    for (const LedgerRow& row : ledger) {
        ComponentResult& component = results[row.component.position()];
        component.energy += row.energy;
        add_action(row, component.actions);
    }
    return results;
}

}  // namespace

void add_action(const LedgerRow& row, std::vector<ActionResult>& actions) {
    const auto same = [&](const ActionResult& action) {
        return action.action == row.action && action.tensor == row.tensor &&
               action.precision == row.precision;
    };
    auto action = std::find_if(actions.begin(), actions.end(), same);
    if (action == actions.end()) {
        ActionResult added;
        added.action = row.action;
        added.tensor = row.tensor;
        added.precision = row.precision;
        added.unit = row.unit;
        added.kind = row.kind;
        added.status = row.status;
        action = actions.insert(actions.end(), added);
    }
    action->count = checked_add(action->count, row.count);
    action->seconds += row.seconds;
    action->energy += row.energy;
}

void sum_energies(const std::vector<LedgerRow>& ledger, Totals& totals) {
    totals.energy = totals.energy_low = totals.energy_high = Joules(0);
    totals.by_kind = {};
    totals.by_status = {};
    for (const LedgerRow& row : ledger) {
        totals.energy += row.energy;
        totals.energy_low += row.low;
        totals.energy_high += row.high;
        totals.by_kind[static_cast<std::size_t>(row.kind)] += row.energy;
        totals.by_status[static_cast<std::size_t>(row.status)] += row.energy;
    }
}

/// What the array multiplies at, where that is not what was asked for, and which zeros it passes
/// over.
static void find_lanes(const RunInput& input, RunResult& result) {
    std::set<std::string> wider;
    for (const Component& component : input.machine.components()) {
        const auto* array = std::get_if<MacArrayConfig>(&component.config);
        if (array == nullptr) {
            continue;
        }
        if (array->sparse) {
            result.sparse_support =
                std::to_string(array->sparse->kept) + ":" + std::to_string(array->sparse->of);
        }
        for (const Layer& layer : input.network.layers()) {
            const ArrayShape* shape =
                layer.macs() > 0 ? array_shape(*array, layer.precision) : nullptr;
            const Precision operand =
                bits(layer.precision.weights) > bits(layer.precision.activations)
                    ? layer.precision.weights
                    : layer.precision.activations;
            if (shape != nullptr && bits(shape->precision) > bits(operand)) {
                wider.insert(std::string(name(operand)) + " at " + name(shape->precision));
            }
        }
    }
    result.wider_lanes.assign(wider.begin(), wider.end());
}

std::vector<DramRate> dram_rates(const Machine& machine) {
    constexpr double kMostOff = 0.25;
    std::vector<DramRate> rates;
    for (const Component& component : machine.components()) {
        const auto* dram = std::get_if<DramConfig>(&component.config);
        if (dram != nullptr && dram->own_peak &&
            std::abs(dram->bandwidth.count() / dram->own_peak->count() - 1) > kMostOff) {
            rates.push_back({component.name, dram->bandwidth, *dram->own_peak});
        }
    }
    return rates;
}

RunResult assemble_result(const RunInput& input) {
    ensure(input.mapping.layers.size() == input.network.layers().size() &&
               input.outcome.layers.size() == input.network.layers().size(),
           "a mapping and an outcome have every layer of the network");
    const Program& program = input.mapping.program;
    ensure(program.rounds * program.items_per_round == input.scenario.items &&
               input.scenario.warmup_items % program.items_per_round == 0,
           "a program has the items of its scenario");
    RunResult result;
    result.machine = input.machine.name();
    result.network = input.network.name();
    result.engine = input.engine;
    result.precision = input.precision;
    result.kept_precision = input.kept_precision;
    for (std::size_t l = 0; l < input.network.layers().size(); ++l) {
        const Layer& layer = input.network.layers()[l];
        if (layer.weights.valid() && input.network.tensor(layer.weights).sparsity &&
            !input.mapping.layers[l].skips_zeros) {
            result.dense_pruned_layers.push_back(layer.name);
        }
    }
    find_lanes(input, result);
    result.dram_rates = dram_rates(input.machine);
    result.overrides = input.overrides;
    result.scenario = input.scenario;
    if (const auto& blocks = program.repetition) {
        result.scenario.repeated =
            RepeatedBlocks{input.network.layer(LayerId(blocks->first)).name,
                           static_cast<std::int64_t>(blocks->layers), blocks->left_out,
                           input.outcome.repetition_error.value_or(0)};
    }
    result.ledger = make_ledger(input.mapping.program.actions, input.machine, input.outcome,
                                input.scenario.cold);
    result.totals = make_totals(input, result.ledger);
    result.layers = make_layers(input, result.ledger);
    result.components = make_components(input, result.ledger);
    result.totals.at_lower_bound = at_lower_bound(input, result);
    check_macs(input, result);
    check_sums(result);
    check_bounds(input, result);
    return result;
}

}  // namespace memwall
