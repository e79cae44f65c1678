// SPDX-License-Identifier: Apache-2.0
#include "sim/result_csv.hpp"
#include "sim/result_json.hpp"
#include "study/commands.hpp"
#include "study/execute.hpp"
#include "study/experiment_command.hpp"
#include "study/load.hpp"
#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/provenance.hpp"
#include "study/run_inputs.hpp"
#include "study/run_report.hpp"
#include "study/smaller_batch.hpp"

namespace memwall {
namespace {

void run_one(RunRequest request, const CommandLine& command, const Configs& configs) {
    for (const auto& [value, option] :
         {std::pair(request.machine, "--machine"), std::pair(request.network, "--network")}) {
        if (value.empty()) {
            throw InputError("run: missing " + std::string(option) +
                             " NAME (or give an experiment)");
        }
    }
    const Output output(command.json, command.csv);
    InputFiles inputs;
    const auto [network, machine] = load_run_inputs(configs, request, inputs);
    request.settings.mapping = load_mapping_config(configs, command.mapping, inputs);
    output.spare(inputs.paths());
    Result result;
    result.provenance = provenance(request, inputs);
    SearchCut cut;
    {
        ProgressBar bar(network.network().name() + " on " + machine.name());
        cut.tell = [&bar](std::int64_t mappings) { bar.tell(search_cut_note(mappings)); };
        result.runs.push_back(
            execute(network, machine, request.settings, request.override_texts,
                    {[&bar](double fraction) { bar.show(fraction); },
                     [&bar](const std::string& line) { bar.tell_once(line); }, nullptr, &cut}));
    }
    result.provenance.search_cut_after = cut.after;
    const auto note_of_batch = [&, &machine = machine, &network = network] {
        const RunResult& run = result.runs.front();
        return smaller_batch_note(run, machine,
                                  faster_smaller_batch(run, network, machine, request.settings));
    };
    output.write([&] { return to_json(result); }, [&] { return to_csv(result); },
                 [&] {
                     return (cut.after ? search_cut_note(*cut.after) + "\n" : "") +
                            run_report(result.runs.front()) + note_of_batch();
                 });
}

}  // namespace

void run_command(const CommandLine& command, const Configs& configs) {
    if (command.words.size() > 1) {
        throw InputError("run: expected at most one experiment, found '" + command.words[1] +
                         "' too");
    }
    if (!command.words.empty()) {
        if (command.mapping) {
            throw InputError(
                "run: --mapping is of one network on one machine, not of an experiment");
        }
        return experiment_command(command, configs);
    }
    run_one(run_request(command), command, configs);
}

}  // namespace memwall
