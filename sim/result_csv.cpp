// SPDX-License-Identifier: Apache-2.0
#include "sim/result_csv.hpp"

#include "base/parse.hpp"

namespace memwall {
namespace {

constexpr const char* kHeader =
    "machine,network,engine,batch,precision_policy,layer,op,component,kind,action,tensor,"
    "precision,unit,count,energy_pj,energy_kind\n";
constexpr double kPicojoules = 1e12;

/// RFC 4180: quoted where it holds a comma, a quote or a line end.
std::string cell(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char letter : text) {
        quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
    }
    return quoted + "\"";
}

void append_row(const RunResult& run, const std::string& start, const LedgerRow& row,
                std::string& csv) {
    const LayerResult& layer =
        row.layer.valid() ? run.layers[row.layer.position()] : run.layers.back();
    const ComponentResult& component = run.components[row.component.position()];
    csv += start;
    for (const std::string& text :
         {layer.name, layer.op, component.name, component.kind, row.action,
          std::string(row.tensor ? name(*row.tensor) : ""),
          std::string(row.precision ? name(*row.precision) : ""), row.unit,
          row.counted ? std::to_string(row.count) : shortest(row.seconds),
          shortest(row.energy.count() * kPicojoules)}) {
        csv += cell(text) + ",";
    }
    csv += std::string(name(row.kind)) + "\n";
}

}  // namespace

std::string to_csv(const Result& result) {
    std::string csv = kHeader;
    for (const RunResult& run : result.runs) {
        const std::string start = cell(run.machine) + "," + cell(run.network) + "," +
                                  cell(run.engine) + "," + std::to_string(run.scenario.batch) +
                                  "," + cell(run.precision) + ",";
        for (const LedgerRow& row : run.ledger) {
            append_row(run, start, row, csv);
        }
    }
    return csv;
}

}  // namespace memwall
