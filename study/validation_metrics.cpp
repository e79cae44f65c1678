// SPDX-License-Identifier: Apache-2.0
#include "study/validation_metrics.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {
namespace {

struct StatedUnit {
    const char* name;
    double scale;  ///< of the figure in base units
};

/// What a metric is of, beside the run.
enum class Part : std::uint8_t { run, layer, layer_and_memory, server };

struct MetricEntry {
    const char* name;
    Part part;
    std::vector<StatedUnit> units;
    double (*value)(const RunResult& run, const Metric& metric);  ///< in base units
};

const LayerResult& layer_of(const RunResult& run, const Metric& metric) {
    std::vector<std::string> names;
    for (const LayerResult& layer : run.layers) {
        if (layer.name == metric.layer) {
            return layer;
        }
        names.push_back(layer.name);
    }
    throw InputError("network '" + run.network + "' has no layer '" + metric.layer + "'" +
                     suggestion(metric.layer, names));
}

/// Passes over the network in the window.
double counted_rounds(const RunResult& run) {
    return static_cast<double>(run.totals.items) / static_cast<double>(run.totals.items_together);
}

double throughput(const RunResult& run, const Metric&) {
    return run.totals.throughput;
}

double throughput_per_card(const RunResult& run, const Metric&) {
    const auto& pipeline = run.totals.pipeline;
    const auto& shared = run.totals.tensor_parallel;
    const std::int64_t cards = pipeline ? pipeline->cards : shared ? shared->cards : 1;
    return run.totals.throughput / static_cast<double>(cards);
}

double latency(const RunResult& run, const Metric&) {
    return run.totals.latency.mean.count();
}

double power(const RunResult& run, const Metric&) {
    return run.totals.power.count();
}

double energy(const RunResult& run, const Metric&) {
    return run.totals.energy_per_item.count();
}

double efficiency(const RunResult& run, const Metric&) {
    return 1 / run.totals.energy_per_item.count();
}

double utilization(const RunResult& run, const Metric&) {
    return run.totals.utilization;
}

double intensity(const RunResult& run, const Metric&) {
    return run.totals.arithmetic_intensity.value_or(0);
}

/// Of the time, what weights are shifted into a systolic array while its lanes have no work.
double weight_shift(const RunResult& run, const Metric&) {
    double shifting = 0;
    double all = 0;
    for (const LayerResult& layer : run.layers) {
        const double active = layer.utilization * (layer.end - layer.start).count();
        shifting += std::min(layer.shifting.count(), std::max(0.0, layer.adds.count() - active));
        all += layer.adds.count();
    }
    return all > 0 ? shifting / all : 0;
}

/// Of the time, what is left: lanes wait for weights, or fill and drain.
double weight_stall(const RunResult& run, const Metric& metric) {
    return 1 - run.totals.utilization - weight_shift(run, metric);
}

double layer_time(const RunResult& run, const Metric& metric) {
    return layer_of(run, metric).adds.count();
}

/// While the layer's arrays work, also to fill them: without waiting for other memories.
double array_time(const RunResult& run, const Metric& metric) {
    return layer_of(run, metric).computing.count();
}

/// What a layer takes in a round.
double layer_energy(const RunResult& run, const Metric& metric) {
    return layer_of(run, metric).energy.count() / counted_rounds(run);
}

/// A layer's energy in a round, times its time.
double layer_energy_delay(const RunResult& run, const Metric& metric) {
    return layer_energy(run, metric) * layer_of(run, metric).adds.count();
}

/// Bytes read and written of all operands of a layer, in a round.
double layer_traffic(const RunResult& run, const Metric& metric) {
    std::vector<std::string> names;
    for (const MemoryTraffic& traffic : layer_of(run, metric).traffic) {
        names.push_back(traffic.memory);
        if (traffic.memory != metric.memory) {
            continue;
        }
        Bytes bytes(0);
        for (const TensorTraffic& tensor : traffic.tensors) {
            bytes += tensor.read + tensor.write;
        }
        return static_cast<double>(bytes.count()) / counted_rounds(run);
    }
    throw InputError("layer '" + metric.layer + "' moves nothing at a memory '" + metric.memory +
                     "'" + suggestion(metric.memory, names));
}

bool on_chip(const RunResult& run, const LedgerRow& row) {
    return run.components[row.component.position()].kind != "dram";
}

/// Without DRAM.
double chip_power(const RunResult& run, const Metric&) {
    double joules = 0;
    for (const LedgerRow& row : run.ledger) {
        joules += on_chip(run, row) ? row.energy.count() : 0;
    }
    return joules / run.totals.window.count();
}

/// Of a layer and what runs at its end: what it does over its time, and leakage and clocks, which
/// run all the time.
double layer_chip_power(const RunResult& run, const Metric& metric) {
    const LayerResult& layer = layer_of(run, metric);
    const auto position = static_cast<std::size_t>(&layer - run.layers.data());
    double standing = 0;
    double working = 0;
    for (const LedgerRow& row : run.ledger) {
        if (!on_chip(run, row)) {
            continue;
        }
        if (!row.counted) {
            standing += row.energy.count();
        } else if (row.layer.valid()) {
            const std::size_t of = row.layer.position();
            const bool mine = of == position || run.layers[of].fused_with == position;
            working += mine ? row.energy.count() : 0;
        }
    }
    return standing / run.totals.window.count() +
           working / (layer.adds.count() * counted_rounds(run));
}

/// Of the slowest stage of a pipeline of cards.
double stage_time(const RunResult& run, const Metric&) {
    if (!run.totals.pipeline) {
        throw InputError("machine '" + run.machine + "' has no cards, so no stages");
    }
    return run.totals.pipeline->slowest().count();
}

/// An item's share of what the whole server draws.
double wall_energy(const RunResult& run, const Metric& metric) {
    const ServerSpec& server = *metric.server;
    const auto chips = static_cast<double>(server.chips);
    const double watts =
        (chips * run.totals.power.count() + server.rest.count()) / server.efficiency;
    return watts / (chips * run.totals.throughput);
}

/// The visible list of all metrics.
const std::vector<MetricEntry>& metrics() {
    static const std::vector<StatedUnit> kTimes = {{"s", 1}, {"ms", 1e3}, {"us", 1e6}};
    static const std::vector<StatedUnit> kPowers = {{"W", 1}, {"mW", 1e3}};
    static const std::vector<MetricEntry> kMetrics = {
        {"throughput",
         Part::run,
         {{"frames/s", 1}, {"samples/s", 1}, {"images/s", 1}, {"tokens/s", 1}},
         throughput},
        {"throughput_per_card", Part::run, {{"tokens/s", 1}, {"frames/s", 1}}, throughput_per_card},
        {"latency", Part::run, kTimes, latency},
        {"power", Part::run, kPowers, power},
        {"chip_power", Part::run, kPowers, chip_power},
        {"energy",
         Part::run,
         {{"J/frame", 1}, {"mJ/frame", 1e3}, {"J/sample", 1}, {"mJ/sample", 1e3}},
         energy},
        {"efficiency", Part::run, {{"frames/J", 1}, {"samples/J", 1}}, efficiency},
        {"utilization", Part::run, {{"%", 100}}, utilization},
        {"weight_shift", Part::run, {{"%", 100}}, weight_shift},
        {"weight_stall", Part::run, {{"%", 100}}, weight_stall},
        {"intensity", Part::run, {{"MAC/B", 1}}, intensity},
        {"layer_time", Part::layer, kTimes, layer_time},
        {"array_time", Part::layer, kTimes, array_time},
        {"layer_chip_power", Part::layer, kPowers, layer_chip_power},
        {"layer_energy", Part::layer, {{"uJ", 1e6}, {"mJ", 1e3}}, layer_energy},
        {"layer_energy_delay", Part::layer, {{"uJ ms", 1e9}, {"J s", 1}}, layer_energy_delay},
        {"layer_traffic", Part::layer_and_memory, {{"MB", 1e-6}, {"kB", 1e-3}}, layer_traffic},
        {"stage_time", Part::run, kTimes, stage_time},
        {"wall_energy", Part::server, {{"J/frame", 1}, {"J/sample", 1}}, wall_energy},
    };
    return kMetrics;
}

const MetricEntry& entry(const std::string& name) {
    const auto found = std::find_if(metrics().begin(), metrics().end(),
                                    [&](const MetricEntry& one) { return one.name == name; });
    ensure(found != metrics().end(), "reading checks the names of metrics");
    return *found;
}

}  // namespace

const std::vector<std::string>& metric_names() {
    static const std::vector<std::string> kNames = [] {
        std::vector<std::string> names;
        for (const MetricEntry& one : metrics()) {
            names.emplace_back(one.name);
        }
        return names;
    }();
    return kNames;
}

std::vector<std::string> units_of(const std::string& metric) {
    std::vector<std::string> names;
    for (const StatedUnit& unit : entry(metric).units) {
        names.emplace_back(unit.name);
    }
    return names;
}

bool is_layer_metric(const std::string& metric) {
    const Part part = entry(metric).part;
    return part == Part::layer || part == Part::layer_and_memory;
}

bool is_server_metric(const std::string& metric) {
    return entry(metric).part == Part::server;
}

bool is_memory_metric(const std::string& metric) {
    return entry(metric).part == Part::layer_and_memory;
}

double measure(const RunResult& run, const Metric& metric, const std::string& unit) {
    const MetricEntry& kind = entry(metric.name);
    for (const StatedUnit& one : kind.units) {
        if (one.name == unit) {
            return kind.value(run, metric) * one.scale;
        }
    }
    fail("reading checks the units of metrics");
}

double measured_ratio(const RunResult& run, const RunResult& over, const Metric& metric) {
    const auto& value = entry(metric.name).value;
    return value(run, metric) / value(over, metric);
}

}  // namespace memwall
