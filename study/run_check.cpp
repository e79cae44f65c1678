// SPDX-License-Identifier: Apache-2.0
#include "study/run_check.hpp"

#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "study/card_parts.hpp"
#include "study/instances.hpp"
#include "study/language_run.hpp"
#include "study/tensor_parallel_run.hpp"
#include "study/training_run.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// The networks that a language model's phase begins and ends with.
std::vector<Network> steps_of_phase(const NetworkSource& source, const Scenario& scenario) {
    source.expect_steps(scenario.phase);
    const LanguageLoad& load = *scenario.language;
    const bool prefills = scenario.phase != Phase::decode;
    const std::int64_t steps = load.output_tokens - (prefills ? 1 : 0);
    std::vector<Network> networks;
    if (load.in_chunks()) {
        networks.push_back(source.chunk_step(load.chunk, load.prompt - load.chunk));
    } else if (prefills) {
        networks.push_back(source.prefill(load.prompt));
    }
    if (steps > 0) {
        networks.push_back(source.decode_step(scenario.phase == Phase::offline
                                                  ? steady_load(load).context
                                                  : load.context + steps - 1));
    }
    return networks;
}

}  // namespace

NetworkAtPrecision with_items(const Network& network, const std::string& precision,
                              std::int64_t batch) {
    NetworkAtPrecision asked = at_precision(network, precision);
    asked.network = with_batch(asked.network, batch);
    return asked;
}

void check_mapping_of_cards(const Machine& machine, const std::optional<YamlValue>& mapping) {
    const auto& cards = machine.parts().cards;
    if (mapping && cards && !cards->tensor_parallel()) {
        throw InputError({Diagnostic{
            mapping->mark(), "a mapping by hand is of a whole network on one card, and machine '" +
                                 machine.name() +
                                 "' has cards of which each has a part of it; expected a machine "
                                 "without 'cards'"}});
    }
}

void check_phase_of_cards(const Machine& machine, const Scenario& scenario) {
    const auto& cards = machine.parts().cards;
    if (cards && scenario.training && machine.parts().mapper != kSpatialMapper) {
        throw InputError("machine '" + machine.name() +
                         "' has cards, over which training is not modelled");
    }
    const bool in_steps = scenario.language && scenario.phase != Phase::offline;
    if (!cards || cards->tensor_parallel() || scenario.training || in_steps) {
        return;
    }
    const bool stream = scenario.phase == Phase::stream && !scenario.cold;
    if (!stream && scenario.phase != Phase::single) {
        throw InputError("machine '" + machine.name() +
                         "' has cards, which go through the phases " +
                         "stream, single and those of language models; found " +
                         (scenario.cold ? "a cold start" : name(scenario.phase)));
    }
}

void check_run(const NetworkSource& source, const Machine& machine, const RunSettings& settings) {
    const Scenario scenario = resolve(settings.scenario, source.has_steps());
    check_phase_of_cards(machine, scenario);
    MapperOptions options;
    options.objective = settings.objective;
    options.given = settings.mapping;
    const auto check = [&](const Network& network) {
        check_mappable(part_on_card(network, machine), machine, options);
        if (machine.parts().cards && !scenario.training && !scenario.language) {
            const Machine grouped = in_equal_groups(machine, network.batch());
            check_groups(network.batch(), *grouped.parts().cards);
        }
    };
    if (scenario.training) {
        check(network_to_train(source, scenario, settings.precision, &machine).network.network);
        return;
    }
    if (!scenario.language) {
        check(with_items(source.network(), settings.precision, scenario.batch).network);
        return;
    }
    for (const Network& step : steps_of_phase(source, scenario)) {
        check(with_items(step, settings.precision, scenario.batch).network);
    }
}

}  // namespace memwall
