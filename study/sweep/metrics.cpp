// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/metrics.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/figures.hpp"

namespace memwall {
namespace {

std::string number(double value) {
    return shortest(value);
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}

template <class Tag, class T>
std::string number(Quantity<Tag, T> value) {
    return number(value.count());
}

template <class T>
std::string number(const std::optional<T>& value) {
    return value ? number(*value) : "";
}

std::string energy_of(const RunResult& run, EnergyKind kind) {
    return number(run.totals.by_kind[static_cast<std::size_t>(kind)]);
}

std::string operations_of(const RunResult& run, Action action) {
    const auto first = static_cast<std::size_t>(Action::mac);
    return number(run.totals.operations.at(static_cast<std::size_t>(action) - first));
}

/// Bytes of all layers at the memory that lower bounds are about.
std::string outermost_bytes(const RunResult& run) {
    std::string outermost;
    for (const LayerResult& layer : run.layers) {
        if (layer.lower_bound) {
            outermost = layer.lower_bound->first;
        }
    }
    Bytes bytes;
    for (const LayerResult& layer : run.layers) {
        for (const MemoryTraffic& memory : layer.traffic) {
            for (const TensorTraffic& tensor : memory.tensors) {
                bytes += memory.memory == outermost ? tensor.read + tensor.write : Bytes();
            }
        }
    }
    return outermost.empty() ? "" : number(bytes);
}

std::string main_bound(const RunResult& run) {
    const std::vector<BoundShare> shares = bound_shares(run);
    return shares.empty() ? "" : name(shares.front().bound);
}

}  // namespace

const std::vector<SweepMetric>& metrics() {
    using R = const RunResult&;
    static const std::vector<SweepMetric> kMetrics = {
        {"machine", Better::neither, [](R r) { return r.machine; }, true},
        {"network", Better::neither, [](R r) { return r.network; }, true},
        {"engine", Better::neither, [](R r) { return r.engine; }, true},
        {"batch", Better::neither, [](R r) { return number(r.scenario.batch); }},
        {"precision", Better::neither, [](R r) { return r.precision; }, true},
        {"phase", Better::neither, [](R r) { return std::string(name(r.scenario.phase)); }, true},
        {"latency_s", Better::lower, [](R r) { return number(r.totals.latency.mean); }},
        {"throughput_per_s", Better::higher, [](R r) { return number(r.totals.throughput); }},
        {"energy_per_item_j", Better::lower, [](R r) { return number(r.totals.energy_per_item); }},
        {"power_w", Better::lower, [](R r) { return number(r.totals.power); }},
        {"area_mm2", Better::lower, [](R r) { return number(r.totals.area); }},
        {"utilization", Better::higher, [](R r) { return number(r.totals.utilization); }},
        {"bound_by", Better::neither, main_bound, true},
        {"energy_j", Better::lower, [](R r) { return number(r.totals.energy); }},
        {"energy_low_j", Better::lower, [](R r) { return number(r.totals.energy_low); }},
        {"energy_high_j", Better::lower, [](R r) { return number(r.totals.energy_high); }},
        {"energy_arithmetic_j", Better::lower,
         [](R r) { return energy_of(r, EnergyKind::arithmetic); }},
        {"energy_data_movement_j", Better::lower,
         [](R r) { return energy_of(r, EnergyKind::data_movement); }},
        {"energy_control_j", Better::lower, [](R r) { return energy_of(r, EnergyKind::control); }},
        {"energy_static_j", Better::lower,
         [](R r) { return energy_of(r, EnergyKind::static_energy); }},
        {"seconds", Better::lower, [](R r) { return number(r.totals.seconds); }},
        {"cycles", Better::lower, [](R r) { return number(r.totals.cycles); }},
        {"window_s", Better::lower, [](R r) { return number(r.totals.window); }},
        {"items", Better::neither, [](R r) { return number(r.totals.items); }},
        {"item", Better::neither, [](R r) { return r.totals.item; }, true},
        {"items_together", Better::neither, [](R r) { return number(r.totals.items_together); }},
        {"first_token_s", Better::lower, [](R r) { return number(r.totals.first_token); }},
        {"latency_p50_s", Better::lower, [](R r) { return number(r.totals.latency.p50); }},
        {"latency_p99_s", Better::lower, [](R r) { return number(r.totals.latency.p99); }},
        {"latency_max_s", Better::lower, [](R r) { return number(r.totals.latency.most); }},
        {"macs", Better::neither, [](R r) { return number(r.totals.macs); }},
        {"gated_macs", Better::neither, [](R r) { return operations_of(r, Action::gated_mac); }},
        {"skipped_macs", Better::neither,
         [](R r) { return operations_of(r, Action::skipped_mac); }},
        {"recomputed_macs", Better::lower,
         [](R r) { return operations_of(r, Action::recomputed_mac); }},
        {"arithmetic_intensity", Better::higher,
         [](R r) { return number(r.totals.arithmetic_intensity); }},
        {"outermost_bytes", Better::lower, outermost_bytes},
        {"lower_bound_bytes", Better::neither,
         [](R r) { return number(r.totals.at_lower_bound.bytes); }},
        {"lower_bound_s", Better::lower,
         [](R r) { return number(r.totals.at_lower_bound.seconds); }},
        {"lower_bound_energy_j", Better::lower,
         [](R r) { return number(r.totals.at_lower_bound.energy); }},
        {"load_s", Better::lower, [](R r) { return number(r.totals.load_seconds); }},
        {"load_energy_j", Better::lower, [](R r) { return number(r.totals.load_energy); }},
        {"stalls", Better::lower, [](R r) { return number(r.totals.stalls); }},
        {"steps", Better::neither, [](R r) { return number(r.totals.steps); }},
    };
    return kMetrics;
}

const SweepMetric* find_total(const std::string& name) {
    const auto found = std::find_if(metrics().begin(), metrics().end(),
                                    [&](const SweepMetric& metric) { return name == metric.name; });
    return found == metrics().end() ? nullptr : &*found;
}

std::vector<std::string> total_names() {
    std::vector<std::string> names;
    for (const SweepMetric& metric : metrics()) {
        names.emplace_back(metric.name);
    }
    return names;
}

std::size_t total_index(const std::string& name) {
    const SweepMetric* metric = find_total(name);
    ensure(metric != nullptr, "a metric is in the list");
    return static_cast<std::size_t>(metric - metrics().data());
}

}  // namespace memwall
