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

struct MetricEntry {
    const char* name;
    bool of_layer;
    bool of_server;
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

double throughput(const RunResult& run, const Metric&) {
    return run.totals.throughput;
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

double layer_time(const RunResult& run, const Metric& metric) {
    return layer_of(run, metric).adds.count();
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
    static const std::vector<MetricEntry> kMetrics = {
        {"throughput",
         false,
         false,
         {{"frames/s", 1}, {"samples/s", 1}, {"images/s", 1}, {"tokens/s", 1}},
         throughput},
        {"latency", false, false, {{"s", 1}, {"ms", 1e3}, {"us", 1e6}}, latency},
        {"power", false, false, {{"W", 1}, {"mW", 1e3}}, power},
        {"energy",
         false,
         false,
         {{"J/frame", 1}, {"mJ/frame", 1e3}, {"J/sample", 1}, {"mJ/sample", 1e3}},
         energy},
        {"efficiency", false, false, {{"frames/J", 1}, {"samples/J", 1}}, efficiency},
        {"utilization", false, false, {{"%", 100}}, utilization},
        {"layer_time", true, false, {{"s", 1}, {"ms", 1e3}, {"us", 1e6}}, layer_time},
        {"stage_time", false, false, {{"s", 1}, {"ms", 1e3}, {"us", 1e6}}, stage_time},
        {"wall_energy", false, true, {{"J/frame", 1}, {"J/sample", 1}}, wall_energy},
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
    return entry(metric).of_layer;
}

bool is_server_metric(const std::string& metric) {
    return entry(metric).of_server;
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

}  // namespace memwall
