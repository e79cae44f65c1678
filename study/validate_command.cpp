// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "study/back_of_envelope.hpp"
#include "study/commands.hpp"
#include "study/execute.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/pipeline_text.hpp"
#include "study/progress.hpp"
#include "study/published_figures.hpp"
#include "study/shown_scenarios.hpp"
#include "study/validation_score.hpp"
#include "study/version.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

Validation load_files(const CommandLine& command, const Configs& configs, InputFiles& inputs) {
    const std::vector<std::string> names =
        command.words.empty() ? configs.names(ConfigKind::validation) : command.words;
    if (names.empty()) {
        throw InputError("validate: no validation file was found");
    }
    return load_published_figures(names, configs, inputs);
}

/// Everything that decides a run, as one text.
std::string key_of(const CommandLine& run) {
    std::string key;
    for (const auto& part :
         {run.machine, run.network, run.batch, run.precision, run.phase, run.engine, run.effort,
          run.objective, run.items, run.rounds, run.users, run.prompt, run.chunk, run.output_tokens,
          run.context, run.optimizer, run.mapping}) {
        key += part.value_or("") + "\n";
    }
    for (const std::string& set : run.set) {
        key += set + "\n";
    }
    return key;
}

/// A run, and the time of one batch on the back of an envelope where there is a DRAM.
struct Predicted {
    RunResult run;
    std::optional<Seconds> envelope;
};

/// Runs each workload once, however many rows are about it.
class Runs {
public:
    Runs(const Configs& configs, InputFiles& inputs) : configs_(configs), inputs_(inputs) {}

    const Predicted& of(const CommandLine& run) {
        const std::string key = key_of(run);
        const auto known = results_.find(key);
        if (known != results_.end()) {
            return known->second;
        }
        RunRequest request = run_request(run);
        request.settings.mapping = load_mapping_config(configs_, run.mapping, inputs_);
        const NetworkSource network =
            load_network_source(configs_, request.network, request.overrides.network, inputs_);
        const Machine machine =
            load_machine_config(configs_, request.machine, request.overrides.machine, inputs_);
        Predicted predicted;
        predicted.run = execute(network, machine, request.settings, request.override_texts, {});
        const Scenario& scenario = predicted.run.scenario;
        if (!machine.drams().empty() && !scenario.language && !scenario.training) {
            const NetworkAtPrecision asked =
                at_precision(network.network(), request.settings.precision);
            predicted.envelope =
                back_of_envelope(with_batch(asked.network, scenario.batch), machine);
        }
        return results_.emplace(key, std::move(predicted)).first->second;
    }

private:
    const Configs& configs_;
    InputFiles& inputs_;
    std::map<std::string, Predicted> results_;
};

/// The figure of the row, had the run taken the envelope's time; of rates and times only.
std::optional<double> on_envelope(const Predicted& predicted, const ValidationRow& row) {
    const bool rate = row.metric.name == "throughput";
    if (!predicted.envelope || row.over || (!rate && row.metric.name != "latency")) {
        return std::nullopt;
    }
    RunResult run = predicted.run;
    const auto items = static_cast<double>(run.scenario.batch);
    run.totals.throughput = items / predicted.envelope->count();
    run.totals.latency.mean = *predicted.envelope;
    return measure(run, row.metric, row.unit);
}

/// What is wrong with an entry's workload is told at the entry, `what`.
template <class Entry, class Do>
void at_entry(const char* what, const Entry& entry, const Do& act) {
    try {
        act();
    } catch (const InputError& error) {
        Diagnostics faults;
        for (const Diagnostic& fault : error.faults()) {
            faults.error(fault.where.file.empty() ? entry.where : fault.where,
                         std::string(what) + " '" + entry.id + "': " + fault.message);
        }
        faults.throw_if_any();
    }
}

ScoredRow score_row(const ValidationRow& row, Runs& runs) {
    const Predicted& predicted = runs.of(row.run);
    const double figure = row.over
                              ? measured_ratio(predicted.run, runs.of(*row.over).run, row.metric)
                              : measure(predicted.run, row.metric, row.unit);
    ScoredRow scored = score(row, figure, on_envelope(predicted, row));
    if (row.metric.name == "throughput" && !row.over) {
        scored.note = closing_hop_text(predicted.run, row.published);
    }
    return scored;
}

/// What came out for all entries of the files.
struct Validated {
    std::vector<ScoredRow> rows;
    std::vector<ScenarioFigures> scenarios;
};

Validated run_all(const Validation& validation, const Configs& configs, InputFiles& inputs) {
    ProgressBar bar("validate");
    Runs runs(configs, inputs);
    Validated done;
    const auto all = static_cast<double>(validation.rows.size() + validation.scenarios.size());
    for (const ValidationRow& row : validation.rows) {
        bar.show(static_cast<double>(done.rows.size()) / all);
        at_entry("row", row, [&] { done.rows.push_back(score_row(row, runs)); });
    }
    for (const ShownScenario& scenario : validation.scenarios) {
        bar.show(static_cast<double>(done.rows.size() + done.scenarios.size()) / all);
        at_entry("scenario", scenario, [&] {
            done.scenarios.push_back(figures_of(scenario, runs.of(scenario.run).run));
        });
    }
    return done;
}

Json row_json(const ScoredRow& scored) {
    const ValidationRow& row = scored.row;
    Json json = {{"id", row.id},
                 {"group", row.group},
                 {"machine", row.run.machine.value_or("")},
                 {"workload", row.workload},
                 {"metric", row.metric.name},
                 {"layer", row.metric.layer.empty() ? Json(nullptr) : Json(row.metric.layer)},
                 {"unit", row.unit},
                 {"predicted", scored.predicted},
                 {"published", row.published},
                 {"back_of_envelope", scored.envelope ? Json(*scored.envelope) : Json(nullptr)},
                 {"error", scored.error},
                 {"standing", standing(row)},
                 {"calibrated", row.calibrated},
                 {"counted", row.counted}};
    json["band"] = {
        {row.band.kind == ErrorBand::Kind::percent ? "percent" : "points", row.band.most}};
    json["within"] = scored.in_band;
    json["verdict"] = name(scored.verdict);
    json["known_miss"] =
        row.known_miss
            ? Json({{"error", row.known_miss->error}, {"reason", row.known_miss->reason}})
            : Json(nullptr);
    json["spread"] = row.spread ? Json({{"low", row.spread->low},
                                        {"high", row.spread->high},
                                        {"source", row.spread->source}})
                                : Json(nullptr);
    json["source"] = row.source;
    return json;
}

std::string to_json(const Validated& done, const InputFiles& inputs) {
    const std::vector<ScoredRow>& rows = done.rows;
    Json json = {{"schema", "memwall.validation/1"}};
    Json files = Json::array();
    for (const InputFile& file : inputs.list()) {
        files.push_back({{"path", file.path}, {"sha256", file.sha256}});
    }
    json["provenance"] = {
        {"version", kVersion}, {"model_version", kModelVersion}, {"inputs", files}};
    json["rows"] = Json::array();
    for (const ScoredRow& row : rows) {
        json["rows"].push_back(row_json(row));
    }
    json["groups"] = Json::array();
    for (const GroupScore& group : group_scores(rows)) {
        json["groups"].push_back({{"group", group.group},
                                  {"counted", group.counted},
                                  {"median", group.median},
                                  {"worst", group.worst},
                                  {"worst_id", group.worst_id}});
    }
    json["scenarios"] = scenarios_json(done.scenarios);
    return json.dump(2) + "\n";
}

std::string to_csv(const std::vector<ScoredRow>& rows) {
    std::string csv = csv_line({"id", "group", "machine", "workload", "metric", "unit", "published",
                                "predicted", "error", "verdict", "source"});
    for (const ScoredRow& scored : rows) {
        const ValidationRow& row = scored.row;
        csv += csv_line({row.id, row.group, row.run.machine.value_or(""), row.workload,
                         row.metric.name, row.unit, shortest(row.published),
                         shortest(scored.predicted), shortest(scored.error), name(scored.verdict),
                         row.source});
    }
    return csv;
}

}  // namespace

void validate_command(const CommandLine& command, const Configs& configs) {
    const Output output(command.json, command.csv);
    InputFiles inputs;
    const Validation validation = load_files(command, configs, inputs);
    output.spare(inputs.paths());
    const Validated done = run_all(validation, configs, inputs);
    output.write([&] { return to_json(done, inputs); }, [&] { return to_csv(done.rows); },
                 [&] { return validation_report(done.rows) + scenarios_text(done.scenarios); });
    std::string failed;
    for (const std::string& id : failures(done.rows)) {
        failed += (failed.empty() ? "" : ", ") + id;
    }
    if (!failed.empty()) {
        throw CheckFailed("validate: outside of their bands: " + failed);
    }
}

}  // namespace memwall
