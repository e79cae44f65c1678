// SPDX-License-Identifier: Apache-2.0
#include "study/show_mapped.hpp"

#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/execute.hpp"
#include "study/instances.hpp"
#include "study/interrupt.hpp"
#include "study/laid_out.hpp"
#include "study/progress.hpp"
#include "study/run_check.hpp"
#include "study/tensor_parallel_run.hpp"

namespace memwall {
namespace {

std::string required(const CommandLine& command, const std::string& option,
                     const std::string& value) {
    if (value.empty()) {
        throw InputError("show " + command.words.front() + ": missing " + option + " NAME");
    }
    return value;
}

/// Whether cards share the layers of a network as a pipeline.
bool is_pipeline(const Machine& machine) {
    const auto& cards = machine.parts().cards;
    return cards && !cards->tensor_parallel();
}

/// What is said of a run says nothing of a network that is only mapped.
void refuse_run_options(const CommandLine& command, const Machine& machine) {
    for (const auto& [option, text] :
         {std::pair{"--stage", command.stage}, std::pair{"--engine", command.engine}}) {
        if (text) {
            throw InputError(std::string(option) +
                             ": expected a machine whose cards have stages of a network; '" +
                             machine.name() + "' is none");
        }
    }
}

/// The lane of --core X,Y.
std::optional<std::size_t> asked_core(const std::optional<std::string>& core,
                                      const SpatialMemory& memory) {
    if (!core) {
        return std::nullopt;
    }
    const std::string& text = *core;
    const std::size_t comma = text.find(',');
    const auto x = parse_count(text.substr(0, comma));
    const auto y = parse_count(comma == std::string::npos ? "" : text.substr(comma + 1));
    const auto cores = static_cast<std::int64_t>(memory.memories.cores.size());
    const auto* column = std::get_if<std::int64_t>(&x);
    const auto* row = std::get_if<std::int64_t>(&y);
    if (column == nullptr || row == nullptr || *column < 0 || *column >= memory.columns ||
        *row < 0 || *row >= cores / memory.columns) {
        throw InputError("--core: expected a column from 0 to " +
                         std::to_string(memory.columns - 1) + " and a row from 0 to " +
                         std::to_string(cores / memory.columns - 1) + ", such as 0,0; found '" +
                         text + "'");
    }
    return static_cast<std::size_t>(*row * memory.columns + *column);
}

/// The layer that --layer names.
std::optional<LayerId> asked_layer(const std::optional<std::string>& name, const Network& network) {
    if (!name) {
        return std::nullopt;
    }
    if (const LayerId found = network.find_layer(*name); found.valid()) {
        return found;
    }
    std::vector<std::string> known;
    for (const Layer& layer : network.layers()) {
        known.push_back(layer.name);
    }
    throw InputError("--layer: network '" + network.name() + "' has no layer '" + *name + "'" +
                     suggestion(*name, known));
}

}  // namespace

NetworkSource ShowMapped::read() {
    const std::string network_name = required(command_, "--network", request_.network);
    const std::string machine_name = required(command_, "--machine", request_.machine);
    auto [source, machine] = loaded_both([&] { return networks_.source(network_name); },
                                         [&] { return networks_.machine(machine_name); });
    machine_.emplace(one_instance(machine));
    return std::move(source);
}

void ShowMapped::take(const NetworkSource& source) {
    if (is_pipeline(*machine_)) {
        take_stage(source);
    } else {
        take_network(source);
    }
}

void ShowMapped::take_network(const NetworkSource& source) {
    refuse_run_options(command_, *machine_);
    network_ = networks_.network(source);
    scenario_ = networks_.rounds(source, network_->batch());
    options_ = mapper_options(request_.settings, *machine_, scenario_);
}

void ShowMapped::take_stage(const NetworkSource& source) {
    LaidOut laid_out;
    RunResult run;
    RunSettings settings = request_.settings;
    if (!command_.engine) {  // cards are laid out alike by both
        settings.engine = Engine::analytic;
    }
    {
        ProgressBar bar(source.network().name() + " on " + machine_->name());
        run = execute(source, *machine_, settings, {},
                      {[&bar](double fraction) { bar.show(fraction); },
                       [&bar](const std::string& line) { bar.tell_once(line); }, &laid_out});
    }
    ensure(run.totals.pipeline && laid_out.stages() == run.totals.pipeline->stages.size(),
           "a run over cards has stages");
    const std::size_t number = asked_stage(command_.stage, *run.totals.pipeline, machine_->name());
    const LaidOutStage stage = laid_out.stage(number);
    if (laid_out.steps() > 1) {
        std::cerr << "note: of the " << laid_out.steps()
                  << " steps that were run, the one with the largest caches is shown\n";
    }
    network_ = stage.network;
    stage_ = {number + 1, laid_out.stages(), stage.part.cards, stage.part.first, stage.part.last};
    scenario_ = stage.rounds;
    options_ = mapper_options(request_.settings, *machine_, stage.rounds);
    options_.together = stage.together;
}

Shown ShowMapped::mapping() {
    const NetworkSource source = read();
    const std::optional<YamlValue> given = load_mapping_config(configs_, command_.mapping, inputs_);
    check_mapping_of_cards(*machine_, given);
    take(source);
    options_.given = given;
    if (!stage_ && !network_->trains()) {
        network_ = part_on_card(*network_, *machine_);
    }
    const std::optional<LayerId> alone = asked_layer(command_.layer, *network_);
    SearchCut cut{[](std::int64_t mappings) { std::cerr << search_cut_note(mappings); }};
    options_.loops = true;
    run_ = map_and_estimate({*network_, request_.settings.precision, {}}, *machine_, options_,
                            scenario_, {{}, {}, nullptr, &cut});
    return show_mapping(*network_, *machine_, run_, options_.objective, stage_, alone);
}

Shown ShowMapped::memory() {
    const NetworkSource source = read();
    const std::string& mapper = machine_->parts().mapper;
    if (mapper != kSpatialMapper) {
        throw InputError("show memory: machine '" + machine_->name() + "' has the mapper '" +
                         mapper + "'; only the mapper '" + kSpatialMapper +
                         "' places what lies in each core");
    }
    take(source);
    memory_ = map_memory(*network_, *machine_, options_);
    return show_memory(*network_, *machine_, memory_, asked_core(command_.core, memory_), stage_);
}

}  // namespace memwall
