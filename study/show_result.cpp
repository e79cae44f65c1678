// SPDX-License-Identifier: Apache-2.0
// A result file as the tables that its run printed.
#include "base/csv.hpp"
#include "base/parse.hpp"
#include "sim/result_read.hpp"
#include "study/compare_report.hpp"
#include "study/result_inputs.hpp"
#include "study/run_report.hpp"
#include "study/show.hpp"
#include "study/tensor_energies.hpp"

namespace memwall {
namespace {

/// Whether two runs stand beside each other in one table.
bool comparable(const RunResult& a, const RunResult& b) {
    return a.network == b.network && a.precision == b.precision &&
           a.scenario.phase == b.scenario.phase && a.scenario.batch == b.scenario.batch;
}

/// Runs of one network in one scenario that follow each other are compared, others told alone.
std::string tables(const Result& result) {
    std::string text;
    for (std::size_t first = 0; first < result.runs.size();) {
        std::vector<const RunResult*> runs;
        std::size_t next = first;
        for (; next < result.runs.size() && comparable(result.runs[first], result.runs[next]);
             ++next) {
            runs.push_back(&result.runs[next]);
        }
        const std::vector<std::string> findings =
            next == result.runs.size() ? result.findings : std::vector<std::string>();
        text += text.empty() ? "" : "\n";
        text += runs.size() == 1 ? run_report(*runs.front()) : compare_report(runs, findings);
        first = next;
    }
    return text;
}

std::string layers_csv(const Result& result) {
    std::string csv =
        csv_line({"machine", "network", "engine", "batch", "precision_policy", "layer", "op",
                  "adds_s", "bound_by", "utilization", "energy_j", "data_movement_j"});
    for (const RunResult& run : result.runs) {
        for (const LayerResult& layer : run.layers) {
            const Joules moving =
                layer.by_kind[static_cast<std::size_t>(EnergyKind::data_movement)];
            csv +=
                csv_line({run.machine, run.network, run.engine, std::to_string(run.scenario.batch),
                          run.precision, layer.name, layer.op, shortest(layer.adds.count()),
                          layer.bound_by ? name(*layer.bound_by) : "", shortest(layer.utilization),
                          shortest(layer.energy.count()), shortest(moving.count())});
        }
    }
    return csv;
}

}  // namespace

Shown show_result(const std::string& file) {
    std::string text = read_result_text(file);
    const Result result = read_result(text, file);
    return {[text] { return text; }, [result] { return layers_csv(result); },
            [result] { return tables(result); }};
}

Shown show_tensor_energies(const std::string& file) {
    std::string text = read_result_text(file);
    const Result result = read_result(text, file);
    return {[text] { return text; }, [result] { return tensor_energies_csv(result); },
            [result] {
                std::string tables;
                for (const RunResult& run : result.runs) {
                    tables += (tables.empty() ? "" : "\n") + tensor_energies(run);
                }
                return tables;
            }};
}

}  // namespace memwall
