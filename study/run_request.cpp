// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

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

/// The options of a run, then what --set says of the same.
struct PlainValues {
    std::string machine, network, batch, precision, phase, engine;
};

PlainValues plain_values(const CommandLine& command, const SortedOverrides& overrides) {
    const auto given = [](const char* option, const std::optional<std::string>& text,
                          const char* otherwise) {
        if (text && text->empty()) {
            throw InputError(std::string(option) + ": expected a value, found ''");
        }
        return text.value_or(otherwise);
    };
    PlainValues values{
        given("--machine", command.machine, ""), given("--network", command.network, ""),
        given("--batch", command.batch, "1"),    given("--precision", command.precision, ""),
        given("--phase", command.phase, ""),     given("--engine", command.engine, "systemc")};
    for (const Override& override : overrides.plain) {
        std::string& value = override.path == "machine"     ? values.machine
                             : override.path == "network"   ? values.network
                             : override.path == "batch"     ? values.batch
                             : override.path == "precision" ? values.precision
                             : override.path == "phase"     ? values.phase
                                                            : values.engine;
        value = given(override.path.c_str(), override.value, "");
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
    const PlainValues values = plain_values(command, request.overrides);
    request.machine = values.machine;
    request.network = values.network;
    request.settings.engine = parse_engine(values.engine);
    request.settings.effort = parse_effort(command.effort.value_or("normal"));
    request.settings.objective = parse_objective(command.objective.value_or("latency"));
    request.settings.precision = values.precision;
    ScenarioRequest& scenario = request.settings.scenario;
    scenario.batch = parse_count_option("batch", values.batch);
    if (!values.phase.empty()) {
        scenario.phase = parse_phase(values.phase);
    }
    if (command.items) {
        scenario.items = parse_count_option("--items", *command.items);
    }
    if (command.rounds) {
        scenario.rounds = parse_count_option("--rounds", *command.rounds);
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
