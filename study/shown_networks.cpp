// SPDX-License-Identifier: Apache-2.0
#include "study/shown_networks.hpp"

#include <iostream>
#include <utility>

#include "base/error.hpp"
#include "study/execute.hpp"
#include "study/training_run.hpp"
#include "workloads/network_export.hpp"
#include "workloads/transforms.hpp"

namespace memwall {

NetworkSource ShownNetworks::source(const std::string& name) const {
    return load_network_source(configs_, name, request_.overrides.network, inputs_);
}

Machine ShownNetworks::machine(const std::string& name) const {
    return load_machine_config(configs_, name, request_.overrides.machine, inputs_);
}

Network ShownNetworks::network(const NetworkSource& source) {
    const Scenario scenario = asked_scenario(source);
    if (scenario.phase == Phase::training_step) {
        const auto trained_on = request_.machine.empty() ? std::optional<Machine>()
                                                         : std::optional(machine(request_.machine));
        TrainedNetwork trained = network_to_train(source, scenario, request_.settings.precision,
                                                  trained_on ? &*trained_on : nullptr);
        if (!trained.changed.empty()) {
            tell_once("note: " + changed_text(trained.changed));
        }
        return std::move(trained.network.network);
    }
    const Network step = step_of(source, scenario);
    return with_batch(at_precision(step, request_.settings.precision).network, scenario.batch);
}

Scenario ShownNetworks::rounds(const NetworkSource& source, std::int64_t batch) const {
    Scenario scenario = asked_scenario(source);
    if (scenario.training) {
        scenario.items = scenario.batch;
    } else if (scenario.language) {
        scenario = step_rounds(batch, scenario.phase == Phase::prefill);
    }
    return scenario;
}

std::string ShownNetworks::file_of(const Network& network, const NetworkSource& source) const {
    if (network.trains()) {
        throw InputError("--yaml: a training step is made from its network, and is no file");
    }
    const auto step = step_to_write(source);
    return step ? text_of_model(source, *step) : network_text(network);
}

/// Refuses what says nothing of a network: how many items there are, and how they are counted.
Scenario ShownNetworks::asked_scenario(const NetworkSource& source) const {
    const ScenarioRequest& asked = request_.settings.scenario;
    for (const auto& [key, there] : {std::pair{"items", asked.items.has_value()},
                                     {"warmup_items", asked.warmup_items.has_value()},
                                     {"chunk", asked.chunk.has_value()},
                                     {"output_tokens", asked.output_tokens.has_value()},
                                     {"cold", asked.cold}}) {
        if (there) {
            throw InputError("show: scenario." + std::string(key) + " says nothing of a network");
        }
    }
    return resolve(asked, source.has_steps());
}

bool ShownNetworks::is_asked_for_step(const Scenario& scenario) const {
    const ScenarioRequest& asked = request_.settings.scenario;
    return scenario.language && (asked.phase || asked.prompt || asked.context);
}

Network ShownNetworks::step_of(const NetworkSource& source, const Scenario& scenario) const {
    if (!is_asked_for_step(scenario)) {
        return source.network();
    }
    source.expect_steps(scenario.phase);
    return scenario.phase == Phase::decode ? source.decode_step(scenario.language->context)
                                           : source.prefill(scenario.language->prompt);
}

/// None where the network is no language model.
std::optional<StepSize> ShownNetworks::step_to_write(const NetworkSource& source) const {
    const Scenario scenario = asked_scenario(source);
    if (!is_asked_for_step(scenario)) {
        return source.own_step();
    }
    return scenario.phase == Phase::decode ? StepSize{1, scenario.language->context}
                                           : StepSize{scenario.language->prompt, 0};
}

std::string ShownNetworks::text_of_model(const NetworkSource& source, StepSize step) const {
    const auto at = [&](StepSize size) {
        return at_precision(source.at(size), request_.settings.precision).network;
    };
    if (const auto text = text_of_steps(at, step)) {
        return *text;
    }
    std::cerr << "note: the file is of " << step.positions << " tokens after " << step.context
              << ": some size does not grow evenly with them\n";
    return network_text(at(step));
}

/// A note that both networks of a comparison have is one.
void ShownNetworks::tell_once(const std::string& note) {
    if (told_.insert(note).second) {
        std::cerr << note << "\n";
    }
}

}  // namespace memwall
