// SPDX-License-Identifier: Apache-2.0
// The command line as data: which verb, with which words and options.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arch/mapper.hpp"
#include "base/parallel.hpp"
#include "sim/scenario.hpp"
#include "study/overrides.hpp"

namespace memwall {

enum class Engine { analytic, systemc };
const char* name(Engine engine);
const std::vector<std::string>& engine_names();

/// Options as they were typed; an option that is not there is empty.
struct CommandLine {
    std::string verb;
    std::vector<std::string> words;  ///< after the verb
    std::optional<std::string> machine, network, batch, precision, phase, engine, effort, items,
        rounds, users, prompt, chunk, output_tokens, context, json, csv, configs, format, output,
        compare, graph, yaml, optimizer, objective, mapping, jobs, out, point_timeout, then, top,
        array_tasks, partition, time, core, arrivals, rate, requests, seed, instances, floorplan,
        layer, by, stage;
    std::vector<std::string> set, set_dim, reuse, sbatch;
    bool skip_unsupported = false, dry_run = false, status = false, slurm = false;
};

/// An option with one value, and where it is kept.
struct ValueOption {
    const char* name;  ///< "--output-tokens"
    std::optional<std::string> CommandLine::*field;

    /// The key that says the same in a file, or after --set: "output_tokens".
    [[nodiscard]] std::string key() const;
};
/// All of them.
const std::vector<ValueOption>& value_options();

/// What parsing led to: a command, or a text to print (help, version) and be done.
struct ParsedCommandLine {
    std::optional<CommandLine> command;
    std::string text;
};

/// Throws InputError for what cannot be understood, with the nearest verb or option.
ParsedCommandLine parse_command_line(int argc, const char* const* argv);

/// How a run is to be done, defaults filled in.
struct RunSettings {
    Engine engine = Engine::systemc;
    Effort effort = Effort::normal;
    MappingObjective objective = MappingObjective::latency;
    std::optional<YamlValue> mapping;          ///< by hand
    std::string precision;                     ///< a policy; "" is the network's own
    std::size_t threads = hardware_threads();  ///< that a mapper may use
    ScenarioRequest scenario;
};

/// Everything that a verb which runs something was asked for.
struct RunRequest {
    std::string machine, network;  ///< empty where not given
    RunSettings settings;
    SortedOverrides overrides;
    std::vector<std::string> override_texts;
};

/// Options and plain keys of --set together; the latter win. Throws InputError for values that make
/// no sense.
RunRequest run_request(const CommandLine& command);

Engine parse_engine(const std::string& text);
Effort parse_effort(const std::string& text);
MappingObjective parse_objective(const std::string& text);

}  // namespace memwall
