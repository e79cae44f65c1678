// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "arch/dram_yaml.hpp"
#include "arch/given_mapping.hpp"
#include "arch/mapper.hpp"
#include "base/parse.hpp"
#include "study/commands.hpp"
#include "study/experiment.hpp"
#include "study/load.hpp"
#include "study/sweep/sweep_run.hpp"
#include "study/validation.hpp"

namespace memwall {
namespace {

std::string check_network(const YamlValue& root, const ConfigFile& file, const Configs& configs,
                          InputFiles& inputs) {
    const NetworkSource source =
        network_source_from(root, file.path.parent_path(), configs, {}, inputs);
    const Network& network = source.network();
    const std::size_t layers = network.layers().size();
    return "network '" + network.name() + "', " + std::to_string(layers) +
           (layers == 1 ? " layer, " : " layers, ") + format_count(network.macs()) + " MACs";
}

std::string check_technology(const YamlValue& root) {
    Diagnostics faults;
    const Technology technology = load_technology(root, faults);
    faults.throw_if_any();
    return "technology '" + technology.name + "'";
}

std::string check_dram(const YamlValue& root) {
    Diagnostics faults;
    const Component component = load_dram(root, faults);
    faults.throw_if_any();
    return "dram '" + root.find("dram")->text() + "'";
}

/// An experiment is fine when all that it names is: its network, its machines and their overrides.
std::string check_experiment(const YamlValue& root, const Configs& configs) {
    Diagnostics faults;
    const Experiment experiment = load_experiment(root, faults);
    faults.throw_if_any();
    InputFiles inputs;
    const Network network = load_network_config(configs, experiment.network, {}, inputs);
    for (const DesignPoint& point : experiment.points) {
        check_mappable(load_machine_config(configs, point.machine, point.set, inputs));
    }
    for (const std::string& precision : experiment.precisions) {
        at_precision(network, precision);
    }
    return "experiment '" + experiment.name + "', " + std::to_string(experiment.points.size()) +
           " design points";
}

/// A validation is fine when the workload of each of its rows can be asked for.
std::string check_validation(const YamlValue& root, const ConfigFile& file,
                             const Configs& configs) {
    Diagnostics faults;
    const Validation validation = load_validation(root, file.path.parent_path(), faults);
    faults.throw_if_any();
    InputFiles inputs;
    const auto check_run = [&](const CommandLine& run) {
        const RunRequest request = run_request(run);
        load_network_source(configs, request.network, request.overrides.network, inputs);
        check_mappable(
            load_machine_config(configs, request.machine, request.overrides.machine, inputs));
    };
    for (const ValidationRow& row : validation.rows) {
        check_run(row.run);
    }
    for (const ShownScenario& scenario : validation.scenarios) {
        check_run(scenario.run);
    }
    const std::string scenarios =
        validation.scenarios.empty()
            ? ""
            : ", " + std::to_string(validation.scenarios.size()) + " scenarios";
    return "validation, " + std::to_string(validation.rows.size()) + " rows" + scenarios;
}

std::string check_sweep_file(const ConfigFile& file, const Configs& configs) {
    const LoadedSweep loaded = load_sweep_file(file.path.string(), {}, std::nullopt, 0, configs);
    check_sweep(loaded, configs, {});
    return "sweep '" + loaded.sweep.name + "', " + format_count(loaded.sweep.space.size()) +
           " points";
}

/// The kind of a file is that of the first key that names one.
std::string check_tree(const YamlValue& root, const ConfigFile& file, const Configs& configs,
                       InputFiles& inputs) {
    if (root.find("sweep") != nullptr) {
        return check_sweep_file(file, configs);
    }
    for (const ConfigKind kind :
         {ConfigKind::validation, ConfigKind::experiment, ConfigKind::technology,
          ConfigKind::machine, ConfigKind::network, ConfigKind::network_template, ConfigKind::dram,
          ConfigKind::mapping}) {
        // A machine has a technology too, an experiment has a network.
        if (root.find(name(kind)) == nullptr ||
            (kind == ConfigKind::technology && root.find("machine") != nullptr)) {
            continue;
        }
        switch (kind) {
            case ConfigKind::network:
                return check_network(root, file, configs, inputs);
            case ConfigKind::machine: {
                const Machine machine =
                    machine_from(with_base_of(root, file.path.parent_path(), configs, inputs), {},
                                 file.path.parent_path(), configs, inputs);
                check_mappable(machine);
                return "machine '" + machine.name() + "', " +
                       std::to_string(machine.components().size()) + " components";
            }
            case ConfigKind::technology:
                return check_technology(root);
            case ConfigKind::dram:
                return check_dram(root);
            case ConfigKind::experiment:
                return check_experiment(root, configs);
            case ConfigKind::validation:
                return check_validation(root, file, configs);
            case ConfigKind::mapping:
                return "mapping '" + check_given_mapping(root) +
                       "', checked further with the network and machine that it is used for";
            case ConfigKind::network_template:
                return "template '" + root.find(name(kind))->text() +
                       "', checked with each network that extends it";
        }
    }
    Diagnostics faults;
    faults.error(root.mark(),
                 "expected a file with a key 'network', 'machine', 'technology', 'dram', "
                 "'experiment', 'sweep', 'validation' or 'mapping'");
    faults.throw_if_any();
    return "";
}

std::string check_file(const ConfigFile& file, const Configs& configs) {
    InputFiles inputs;
    Diagnostics flaws;
    const YamlValue root = read_config(file, "configuration", inputs, flaws);
    return loaded_beside(flaws, [&] { return check_tree(root, file, configs, inputs); });
}

}  // namespace

void check_command(const CommandLine& command, const Configs& configs) {
    if (command.words.empty()) {
        throw InputError("check: expected the names or paths of files to check");
    }
    std::vector<Diagnostic> faults;
    for (const std::string& word : command.words) {
        try {
            const ConfigFile file = configs.find_any(word);
            const std::string found = check_file(file, configs);
            std::cout << file.shown_as << ": fine: " << found << "\n";
        } catch (const InputError& error) {
            faults.insert(faults.end(), error.faults().begin(), error.faults().end());
        }
    }
    if (!faults.empty()) {
        std::cout << std::flush;
        throw InputError(std::move(faults));
    }
}

}  // namespace memwall
