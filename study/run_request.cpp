// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "study/command_line.hpp"

namespace memwall {
namespace {

const std::vector<std::string>& effort_names() {
    static const std::vector<std::string> kNames = {"quick", "normal", "thorough"};
    return kNames;
}

std::size_t one_of(const char* what, const std::string& text,
                   const std::vector<std::string>& names) {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
        throw InputError("unknown " + std::string(what) + " '" + text + "'" +
                         suggestion(text, names));
    }
    return static_cast<std::size_t>(found - names.begin());
}

/// What a run is done with by its plain keys: the options, then what --set says of the same.
std::map<std::string, std::string> plain_values(const CommandLine& command,
                                                const SortedOverrides& overrides) {
    std::map<std::string, std::string> values = {
        {"batch", "1"}, {"engine", "systemc"}, {"effort", "normal"}, {"objective", "latency"}};
    const auto take = [&](const std::string& key, const std::string& said,
                          const std::string& text) {
        if (text.empty()) {
            throw InputError(said + ": expected a value, found ''");
        }
        values[key] = text;
    };
    for (const ValueOption& option : value_options()) {
        const auto& keys = plain_keys();
        const std::optional<std::string>& text = command.*option.field;
        if (text && std::find(keys.begin(), keys.end(), option.key()) != keys.end()) {
            take(option.key(), option.name, *text);
        }
    }
    for (const Override& override : overrides.plain) {
        take(override.path, override.path, override.value);
    }
    return values;
}

/// What an option and --set both say: neither is taken in silence.
void refuse_twice(const CommandLine& command, const SortedOverrides& overrides) {
    Diagnostics faults;
    const auto refuse = [&](const Override& override, const std::string& path) {
        for (const ValueOption& option : value_options()) {
            const std::optional<std::string>& text = command.*option.field;
            if (option.key() == override.path && text) {
                faults.error({}, std::string(option.name) + " " + *text + " and --set " + path +
                                     "=" + override.value + " say the same; give one of them");
            }
        }
    };
    for (const Override& override : overrides.plain) {
        refuse(override, override.path);
    }
    for (const Override& override : overrides.scenario) {
        refuse(override, "scenario." + override.path);
    }
    faults.throw_if_any();
}

}  // namespace

Engine parse_engine(const std::string& text) {
    return static_cast<Engine>(one_of("engine", text, engine_names()));
}

Effort parse_effort(const std::string& text) {
    return static_cast<Effort>(one_of("effort", text, effort_names()));
}

MappingObjective parse_objective(const std::string& text) {
    return static_cast<MappingObjective>(one_of("objective", text, objective_names()));
}

RunRequest run_request(const CommandLine& command) {
    RunRequest request;
    request.override_texts = command.set;
    request.overrides = sort_overrides(command.set);
    refuse_twice(command, request.overrides);
    std::map<std::string, std::string> values = plain_values(command, request.overrides);
    request.machine = values["machine"];
    request.network = values["network"];
    request.settings.engine = parse_engine(values["engine"]);
    request.settings.effort = parse_effort(values["effort"]);
    request.settings.objective = parse_objective(values["objective"]);
    request.settings.precision = values["precision"];
    ScenarioRequest& scenario = request.settings.scenario;
    scenario.batch = parse_count_option("batch", values["batch"]);
    if (!values["phase"].empty()) {
        scenario.phase = parse_phase(values["phase"]);
    }
    if (!values["items"].empty()) {
        scenario.items = parse_count_option("--items", values["items"]);
    }
    if (!values["rounds"].empty()) {
        scenario.rounds = parse_count_option("--rounds", values["rounds"]);
    }
    const auto number = [](const char* option, const std::optional<std::string>& text) {
        return text ? std::optional(parse_count_option(option, *text)) : std::nullopt;
    };
    scenario.users = number("--users", command.users);
    scenario.prompt = number("--prompt", command.prompt);
    scenario.chunk = number("--chunk", command.chunk);
    scenario.output_tokens = number("--output-tokens", command.output_tokens);
    scenario.context = number("--context", command.context);
    if (command.optimizer) {
        scenario.optimizer = parse_optimizer(*command.optimizer);
    }
    apply_scenario(request.overrides.scenario, scenario);
    // Whether the network is a language model is known later: it decides the default phase.
    const bool language = scenario.users || scenario.prompt || scenario.chunk ||
                          scenario.output_tokens || scenario.context;
    resolve(scenario, language);
    return request;
}

}  // namespace memwall
