// SPDX-License-Identifier: Apache-2.0
#include "study/validation.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "study/configs.hpp"
#include "study/verbs.hpp"

namespace memwall {
namespace {

/// "resnet50, offline, batch 256, int8": what tells the runs of a file apart.
std::string in_words(const CommandLine& run) {
    std::string text = std::filesystem::path(run.network.value_or("")).stem().string();
    const auto add = [&](const char* before, const std::optional<std::string>& value) {
        text += value ? ", " + (before + *value) : "";
    };
    add("", run.phase);
    add("batch ", run.batch);
    add("users ", run.users);
    add("prompt ", run.prompt);
    add("chunk ", run.chunk);
    add("output ", run.output_tokens);
    add("context ", run.context);
    add("", run.precision);
    add("mapping ", run.mapping);
    add("effort ", run.effort);
    for (const std::string& set : run.set) {
        text += ", " + set;
    }
    return text;
}

/// Both runs of a ratio: "resnet50, int4; over v100: resnet50, fp16".
std::string in_words(const ValidationRow& row) {
    return in_words(row.run) +
           (row.over ? "; over " + row.over->machine.value_or("") + ": " + in_words(*row.over)
                     : "");
}

/// Whether a workload may have a key for an option of `memwall run`: all but those that say where
/// things are read and written.
bool is_of_workload(const ValueOption& option) {
    const auto& verbs = verb_specs();
    const auto run = std::find_if(verbs.begin(), verbs.end(), [](const VerbSpec& verb) {
        return verb.name == std::string_view("run");
    });
    const std::set<std::string> others = {"--machine", "--network", "--json", "--csv", "--configs"};
    return !others.contains(option.name) &&
           std::find(run->options.begin(), run->options.end(), option.name) != run->options.end();
}

/// The workload of a row: options of `memwall run`, by their names.
CommandLine read_run(MapReader& row) {
    CommandLine run;
    run.verb = "run";
    run.machine = row.required<std::string>("machine");
    MapReader keys(row.required_value("workload"), "'workload'", row.faults());
    run.network = keys.required<std::string>("network");
    for (const ValueOption& option : value_options()) {
        if (is_of_workload(option)) {
            run.*option.field = keys.optional<std::string>(option.key());
        }
    }
    for (const YamlValue::Entry& entry : keys.optional_entries("set")) {
        if (const auto value = scalar_as<std::string>(entry.value, "'" + entry.key + "' in 'set'",
                                                      keys.faults())) {
            run.set.push_back(entry.key + "=" + *value);
        }
    }
    keys.finish();
    return run;
}

CommandLine read_over(const YamlValue& value, Diagnostics& faults) {
    MapReader keys(value, "'over'", faults);
    CommandLine run = read_run(keys);
    keys.finish();
    return run;
}

ServerSpec read_server(const YamlValue& value, Diagnostics& faults) {
    MapReader keys(value, "'server'", faults);
    ServerSpec server;
    server.chips = keys.required_positive<std::int64_t>("chips");
    server.rest = keys.required_positive<Watts>("rest");
    server.efficiency = keys.required_positive<double>("efficiency");
    if (server.efficiency > 1) {
        keys.misfit("efficiency", "at most 1");
    }
    server.source = keys.required<std::string>("source");
    keys.finish();
    return server;
}

Metric read_metric(MapReader& row) {
    Metric metric;
    if (const auto found = row.required_choice("metric", metric_names())) {
        metric.name = metric_names()[*found];
        if (is_layer_metric(metric.name)) {
            metric.layer = row.required<std::string>("layer");
        }
        if (is_memory_metric(metric.name)) {
            metric.memory = row.required<std::string>("memory");
        }
        if (is_server_metric(metric.name)) {
            metric.server = read_server(row.required_value("server"), row.faults());
        }
    }
    return metric;
}

ErrorBand read_band(MapReader& row) {
    MapReader keys(row.required_value("band"), "'band'", row.faults());
    ErrorBand band;
    if (keys.has("percent") == keys.has("points")) {
        row.misfit("band", "either {percent: x} or {points: x}");
    }
    if (keys.has("points")) {
        band.kind = ErrorBand::Kind::points;
    }
    band.most =
        keys.optional_positive<double>("percent", 1) * keys.optional_positive<double>("points", 1);
    keys.finish();
    return band;
}

KnownMiss read_known_miss(const YamlValue& value, Diagnostics& faults) {
    MapReader keys(value, "'known_miss'", faults);
    KnownMiss miss{keys.required<double>("error"), keys.required<std::string>("reason")};
    keys.finish();
    return miss;
}

PublishedSpread read_spread(const YamlValue& value, Diagnostics& faults) {
    MapReader keys(value, "'spread'", faults);
    PublishedSpread spread{keys.required_positive<double>("low"),
                           keys.required_positive<double>("high"),
                           keys.required<std::string>("source")};
    keys.finish();
    if (spread.high < spread.low) {
        keys.misfit("high", "at least 'low'");
    }
    return spread;
}

ValidationRow read_row(const YamlValue& value, const std::string& group, Diagnostics& faults) {
    MapReader reader(value, "validation row", faults);
    ValidationRow row;
    row.where = value.mark();
    row.id = reader.required<std::string>("id");
    row.group = reader.optional<std::string>("group", group);
    row.run = read_run(reader);
    if (const YamlValue* over = reader.value("over")) {
        row.over = read_over(*over, faults);
    }
    row.workload = reader.optional<std::string>("about", in_words(row));
    row.metric = read_metric(reader);
    if (row.metric.name.empty()) {
        reader.value("unit");
    } else {
        const std::vector<std::string> units =
            row.over ? std::vector<std::string>{"ratio"} : units_of(row.metric.name);
        const auto unit = reader.required_choice("unit", units);
        row.unit = units[unit.value_or(0)];
    }
    row.published = reader.required_positive<double>("published");
    row.source = reader.required<std::string>("source");
    row.band = read_band(reader);
    row.calibrated = reader.optional<bool>("calibrated", false);
    row.counted = reader.optional<bool>("counted", !row.calibrated);
    if (row.calibrated && row.counted) {
        reader.misfit("counted", "false, since the row is calibrated");
    }
    if (const YamlValue* miss = reader.value("known_miss")) {
        row.known_miss = read_known_miss(*miss, faults);
    }
    if (const YamlValue* spread = reader.value("spread")) {
        row.spread = read_spread(*spread, faults);
    }
    reader.finish();
    return row;
}

ShownScenario read_scenario(const YamlValue& value, Diagnostics& faults) {
    MapReader reader(value, "validation scenario", faults);
    ShownScenario scenario;
    scenario.where = value.mark();
    scenario.id = reader.required<std::string>("id");
    scenario.run = read_run(reader);
    scenario.workload = reader.optional<std::string>("about", in_words(scenario.run));
    scenario.source = reader.required<std::string>("source");
    reader.finish();
    return scenario;
}

/// Adds one whose id is new.
template <class Entry>
void add_named(Entry entry, const char* what, std::vector<Entry>& entries, Diagnostics& faults) {
    const auto same = std::find_if(entries.begin(), entries.end(), [&](const Entry& other) {
        return other.id == entry.id && !entry.id.empty();
    });
    if (same != entries.end()) {
        faults.error(entry.where, std::string("duplicate ") + what + " '" + entry.id +
                                      "' (first at line " + std::to_string(same->where.line) + ")");
    }
    entries.push_back(std::move(entry));
}

/// Relative paths begin in the folder of the validation file.
void find_files_in(const std::filesystem::path& folder, CommandLine& run) {
    for (std::optional<std::string>* file : {&run.machine, &run.network, &run.mapping}) {
        if (*file && is_path(**file) && std::filesystem::path(**file).is_relative()) {
            *file = (folder / **file).string();
        }
    }
}

}  // namespace

Validation load_validation(const YamlValue& root, const std::filesystem::path& folder,
                           Diagnostics& faults) {
    MapReader reader(root, "validation file", faults);
    if (reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    const auto name = reader.required<std::string>("validation");
    reader.optional<std::string>("description", "");
    Validation validation;
    for (const YamlValue& value : reader.required_items("rows")) {
        ValidationRow row = read_row(value, name, faults);
        find_files_in(folder, row.run);
        if (row.over) {
            find_files_in(folder, *row.over);
        }
        add_named(std::move(row), "row", validation.rows, faults);
    }
    for (const YamlValue& value : reader.optional_items("scenarios")) {
        ShownScenario scenario = read_scenario(value, faults);
        find_files_in(folder, scenario.run);
        add_named(std::move(scenario), "scenario", validation.scenarios, faults);
    }
    reader.finish();
    return validation;
}

}  // namespace memwall
