// SPDX-License-Identifier: Apache-2.0
#include "sim/result_csv.hpp"

#include <fmt/format.h>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "sim/layer_results.hpp"

namespace memwall {
namespace {

constexpr double kPicojoules = 1e12;

/// What one of the counted costs, as the machine's table has it; of power, a second.
std::string coefficient(const LedgerRow& row) {
    const double counted = row.counted ? static_cast<double>(row.count) : row.seconds;
    return counted > 0 ? fmt::format("{:.9g}", row.energy.count() * kPicojoules / counted) : "";
}

std::string row_line(const RunResult& run, const LedgerRow& row) {
    const LayerResult& layer = run.layers[layer_of(row, run.layers)];
    const ComponentResult& component = run.components[row.component.position()];
    return csv_line({run.machine, run.network, run.engine, std::to_string(run.scenario.batch),
                     run.precision, layer.name, layer.op, component.name, component.kind,
                     row.action, row.tensor ? name(*row.tensor) : "",
                     row.precision ? name(*row.precision) : "", row.unit,
                     row.counted ? std::to_string(row.count) : shortest(row.seconds),
                     shortest(row.energy.count() * kPicojoules), name(row.kind), coefficient(row)});
}

}  // namespace

std::string to_csv(const Result& result) {
    std::string csv = csv_line({"machine", "network", "engine", "batch", "precision_policy",
                                "layer", "op", "component", "kind", "action", "tensor", "precision",
                                "unit", "count", "energy_pj", "energy_kind", "pj_per_unit"});
    for (const RunResult& run : result.runs) {
        for (const LedgerRow& row : run.ledger) {
            csv += row_line(run, row);
        }
    }
    return csv;
}

}  // namespace memwall
