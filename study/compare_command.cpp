// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "arch/mapper.hpp"
#include "sim/result_csv.hpp"
#include "sim/result_json.hpp"
#include "study/commands.hpp"
#include "study/compare_report.hpp"
#include "study/execute.hpp"
#include "study/findings.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/provenance.hpp"

namespace memwall {
namespace {

/// The names by which --set may call a machine: as typed, and without folders and ending.
std::vector<std::string> names_of(const std::string& typed) {
    const std::string stem = std::filesystem::path(typed).stem().string();
    return is_path(typed) ? std::vector<std::string>{typed, stem} : std::vector<std::string>{typed};
}

void check_machines(const std::vector<std::string>& machines) {
    if (machines.size() < 2) {
        throw InputError("compare: expected two or more machines, found " +
                         std::to_string(machines.size()));
    }
    for (auto machine = machines.begin(); machine != machines.end(); ++machine) {
        if (std::find(machines.begin(), machine, *machine) != machine) {
            throw InputError("compare: machine '" + *machine + "' is named twice");
        }
    }
}

/// Runs, and of machines that the network does not fit why.
struct Compared {
    std::vector<RunResult> runs;
    std::vector<std::string> refused;  ///< a sentence each
};

/// A machine that the network does not fit is left out, as long as two are left.
Compared run_all(const NetworkSource& network, const std::vector<Machine>& machines,
                 const RunRequest& request) {
    Compared compared;
    std::vector<Diagnostic> faults;
    ProgressBar bar(network.network().name());
    for (std::size_t m = 0; m < machines.size(); ++m) {
        const auto progress = [&](double fraction) {
            bar.show((static_cast<double>(m) + fraction) / static_cast<double>(machines.size()));
        };
        try {
            compared.runs.push_back(
                execute(network, machines[m], request.settings, request.override_texts,
                        {progress, [&bar](const std::string& line) { bar.tell_once(line); }}));
        } catch (const DoesNotFit& refusal) {
            faults.insert(faults.end(), refusal.faults().begin(), refusal.faults().end());
            compared.refused.push_back(machines[m].name() +
                                       " is left out: " + refusal.faults().front().message);
        }
    }
    if (compared.runs.size() < 2 && !faults.empty()) {
        throw DoesNotFit(std::move(faults));
    }
    return compared;
}

/// All machines are read before the first runs: a fault of the last is not found after minutes.
std::vector<Machine> load_machines(const std::vector<std::string>& typed, const Configs& configs,
                                   const RunRequest& request, InputFiles& inputs) {
    std::vector<std::string> all_names;
    for (const std::string& machine : typed) {
        const std::vector<std::string> names = names_of(machine);
        all_names.insert(all_names.end(), names.begin(), names.end());
    }
    std::vector<Machine> machines;
    Diagnostics faults;
    for (const std::string& machine : typed) {
        const auto own =
            overrides_of_machine(request.overrides.machine, names_of(machine), all_names);
        gather_faults(faults, [&] {
            machines.push_back(load_machine_config(configs, machine, own, inputs));
        });
        for (const Machine& other : machines) {
            if (&other != &machines.back() && other.name() == machines.back().name()) {
                throw InputError("compare: two machines call themselves '" + other.name() + "'");
            }
        }
    }
    faults.throw_if_any();
    return machines;
}

}  // namespace

void compare_command(const CommandLine& command, const Configs& configs) {
    const RunRequest request = run_request(command);
    check_machines(command.words);
    if (!request.machine.empty()) {
        throw InputError("compare: machines are named after the verb, not by --set machine=");
    }
    if (request.network.empty()) {
        throw InputError("compare: missing --network NAME");
    }
    const Output output(command.json, command.csv);
    InputFiles inputs;
    const auto [network, machines] = loaded_both(
        [&] {
            return load_network_source(configs, request.network, request.overrides.network, inputs);
        },
        [&] { return load_machines(command.words, configs, request, inputs); });
    output.spare(inputs.paths());
    Result result;
    result.provenance = provenance(request, inputs);
    Compared compared = run_all(network, machines, request);
    result.runs = std::move(compared.runs);
    std::vector<const RunResult*> runs;
    for (const RunResult& run : result.runs) {
        runs.push_back(&run);
    }
    result.findings = findings(runs);
    result.findings.insert(result.findings.end(), compared.refused.begin(), compared.refused.end());
    output.write([&] { return to_json(result); }, [&] { return to_csv(result); },
                 [&] { return compare_report(runs, result.findings); });
}

}  // namespace memwall
