// SPDX-License-Identifier: Apache-2.0
#include "study/execute.hpp"

#include <memory>
#include <utility>

#include "arch/estimate.hpp"
#include "arch/mapper.hpp"
#include "arch/spatial_mapper.hpp"
#include "base/parse.hpp"
#include "sim/assemble_result.hpp"
#include "sim/invariants.hpp"
#include "sim/replay.hpp"
#include "sim/replay_engine.hpp"
#include "study/cards_run.hpp"
#include "study/instances.hpp"
#include "study/interrupt.hpp"
#include "study/load.hpp"
#include "study/part_runs.hpp"
#include "study/power_cap.hpp"
#include "study/replay_notice.hpp"
#include "study/run_check.hpp"
#include "study/server_power.hpp"
#include "study/tensor_parallel_run.hpp"
#include "study/training_run.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

void tell_if_long(std::int64_t steps, std::int64_t rounds, const Progress& progress) {
    const std::string notice = replay_notice(steps, rounds);
    if (progress.notice && !notice.empty()) {
        progress.notice(notice);
    }
}

/// Whether the run is to end: an interrupt that cut a search short is no reason.
std::function<bool()> stop_of(const Progress& progress) {
    return [cut = progress.cut] { return interrupted() && (cut == nullptr || !cut->after); };
}

void stop_if_asked(const Progress& progress) {
    if (stop_of(progress)()) {
        throw Interrupted();
    }
}

/// Maps, and keeps what an interrupted search has found where `progress` takes it.
Mapping mapped(const Network& network, const Machine& machine, const MapperOptions& options,
               const Progress& progress) {
    Mapping mapping = map_network(network, machine, options);
    if (SearchCut* cut = progress.cut; cut != nullptr && mapping.search_cut_after) {
        if (!cut->after) {
            cut->tell(*mapping.search_cut_after);
        }
        cut->after = cut->after.value_or(0) + *mapping.search_cut_after;
    }
    stop_if_asked(progress);
    return mapping;
}

Outcome replayed(const Mapping& mapping, const Machine& machine, const Window& window,
                 const Progress& progress) {
    ReplayOptions options;
    options.window = window;
    options.progress = progress.fraction;
    options.cancelled = stop_of(progress);
    const Outcome expected = estimate(mapping.program, machine, window, {}, options.cancelled);
    tell_if_long(expected.steps, mapping.program.rounds, progress);
    Outcome outcome = replay(mapping.program, machine, options);
    check_against_estimate(mapping.program, outcome, expected, [&] {
        return estimate_without_sharing(mapping.program, machine, window, options.cancelled);
    });
    return outcome;
}

/// Of a sampled decode step.
constexpr std::int64_t kStepRounds = 3;
constexpr std::int64_t kStepWarmup = 2;

/// Equal blocks of layers that differ by more in time are all run.
constexpr double kEqualBlocks = 1e-4;

struct Executed {
    Mapping mapping;
    Outcome outcome;
};

Executed estimated(const Network& network, const Machine& machine, MapperOptions options,
                   const Scenario& scenario, const Progress& progress) {
    for (const bool repetition : {true, false}) {
        options.repetition = repetition;
        Mapping mapping = mapped(network, machine, options, progress);
        const Program& program = mapping.program;
        Outcome outcome = estimate(program, machine, scenario.window(program.items_per_round), {},
                                   stop_of(progress));
        if (!repetition || outcome.repetition_error.value_or(0) <= kEqualBlocks) {
            return {std::move(mapping), std::move(outcome)};
        }
    }
    fail("a program without repetition has no error by it");
}

/// `asked` has the scenario's batch.
RunResult run_at_its_clock(const NetworkAtPrecision& asked, const Machine& machine,
                           const RunSettings& settings, const Scenario& scenario,
                           const std::vector<std::string>& overrides, const Progress& progress,
                           std::optional<MappingObjective> plan = std::nullopt) {
    stop_if_asked(progress);
    const Network& batched = asked.network;
    MapperOptions options = mapper_options(settings, machine, scenario);
    options.objective = plan.value_or(options.objective);
    options.one_plan = plan.has_value();
    Executed run;
    if (settings.engine == Engine::analytic) {
        run = estimated(batched, machine, options, scenario, progress);
    } else {
        if (may_be_long(batched)) {
            const Executed expected = estimated(batched, machine, options, scenario, progress);
            const std::int64_t rounds = expected.mapping.program.rounds;
            check_replay_fits(expected.outcome.steps, rounds, free_memory());
            tell_if_long(expected.outcome.steps, rounds, progress);
        }
        run.mapping = mapped(batched, machine, options, progress);
        const Window window = scenario.window(run.mapping.program.items_per_round);
        run.outcome = replayed(run.mapping, machine, window, progress);
    }
    return assemble_result({batched, machine, run.mapping, run.outcome, scenario,
                            name(settings.engine), asked.precision, asked.kept, overrides});
}

// MODEL: a power cap acts on the steady state: a single batch from a standing start is over before
// the clock falls.
/// At the machine's own clock, or the one that its power cap leads to: found with the analytic
/// engine, then run once.
RunResult run_rounds(const NetworkAtPrecision& asked, const Machine& machine,
                     const RunSettings& settings, const Scenario& scenario,
                     const std::vector<std::string>& overrides, const Progress& progress) {
    if (!machine.parts().power_cap) {
        return run_at_its_clock(asked, machine, settings, scenario, overrides, progress);
    }
    const PowerCap& cap = *machine.parts().power_cap;
    const Hertz own = machine.clocks().front().frequency();
    UnderCap best = {own, std::nullopt, {}};
    const bool acts = scenario.phase != Phase::single;
    if (acts) {
        RunSettings analytic = settings;
        analytic.engine = Engine::analytic;
        best = run_under_cap(machine, settings.objective, settings.effort,
                             [&](const Machine& at, std::optional<MappingObjective> plan) {
                                 return run_at_its_clock(asked, at, analytic, scenario, overrides,
                                                         {}, plan);
                             });
    }
    const Hertz clock = best.clock;
    RunResult result = acts && settings.engine == Engine::analytic
                           ? std::move(best.result)
                           : run_at_its_clock(asked, machine.at_clock(clock), settings, scenario,
                                              overrides, progress, best.plan);
    result.totals.power_cap = {cap.power, clock, own, result.totals.power <= cap.power};
    const double share = static_cast<double>(clock.count()) / static_cast<double>(own.count());
    result.totals.utilization *= share;  // of the peak that the machine has without the cap
    for (LayerResult& layer : result.layers) {
        layer.utilization *= share;
    }
    return result;
}

/// What the least effort finds room for, all others do.
CardFits card_fits(const Machine& machine, const RunSettings& settings) {
    if (machine.parts().mapper != kSpatialMapper) {
        return {};
    }
    Scenario one;
    MapperOptions options = mapper_options(settings, machine, one);
    options.effort = Effort::quick;
    return [options, &machine](const Network& part) {
        try {
            map_memory(part, machine, options);
            return true;
        } catch (const DoesNotFit&) {
            return false;
        }
    };
}

/// A batch over the cards of a machine.
RunResult run_over_cards(const NetworkAtPrecision& asked, const Machine& machine,
                         const RunSettings& settings, Passage passage, CardLayout& layout,
                         const std::vector<std::string>& overrides, const Progress& progress) {
    const auto run = [&](const Network& part, const Scenario& rounds, std::optional<WholeCard> as) {
        const NetworkAtPrecision layers{part, asked.precision, asked.kept};
        if (!as) {
            RunResult result = run_rounds(layers, machine, settings, rounds, overrides, progress);
            if (progress.laid_out != nullptr) {
                progress.laid_out->keep_run(part, rounds, result);
            }
            return result;
        }
        RunSettings analytic = settings;
        analytic.engine = Engine::analytic;
        return run_rounds(layers, one_large_card(machine, *as), analytic, rounds, overrides,
                          progress);
    };
    RunResult result =
        run_cards(asked.network, machine, passage, layout, run, card_fits(machine, settings));
    if (progress.laid_out != nullptr) {
        progress.laid_out->keep_step(asked.network, machine.parts().cards->together,
                                     layout.division);
    }
    return result;
}

/// On one card, or on several that have a part of every layer.
RunResult run_at_once(const NetworkAtPrecision& asked, const Machine& machine,
                      const RunSettings& settings, const Scenario& scenario,
                      const std::vector<std::string>& overrides, const Progress& progress) {
    const auto run = [&](const Network& network) {
        return run_rounds({network, asked.precision, asked.kept}, machine, settings, scenario,
                          overrides, progress);
    };
    return machine.parts().cards ? run_tensor_parallel(asked.network, machine, run)
                                 : run(asked.network);
}

/// Frames over the cards of a machine: a batch of a steady stream, or one from a standing start.
// MODEL: frames are there before they are asked for: a host gives their commands ahead, and the
// overhead of a card falls on answers alone, tokens and prompts. One card makes 42,460 frames/s
// (Modha et al., Science 382, 2023), one in 23.6 us: less than the overhead.
Machine commanded_ahead(const Machine& machine) {
    Machine::Parts parts = machine.parts();
    parts.cards->overhead = Picoseconds(0);
    return Machine(std::move(parts));
}

RunResult run_frames_over_cards(const NetworkAtPrecision& asked, const Machine& machine,
                                const RunSettings& settings, const Scenario& scenario,
                                const std::vector<std::string>& overrides,
                                const Progress& progress) {
    const bool stream = scenario.phase == Phase::stream;
    CardLayout layout;
    RunResult result =
        run_over_cards(asked, commanded_ahead(machine), settings,
                       stream ? Passage::stream : Passage::once, layout, overrides, progress);
    result.scenario.phase = scenario.phase;
    return result;
}

Passage passage_of(StepPlace place) {
    switch (place) {
        case StepPlace::alone:
            return Passage::once;
        case StepPlace::in_ring:
            return Passage::ring;
        case StepPlace::in_stream:
            return Passage::stream;
    }
    fail("unknown place of a step");
}

}  // namespace

std::string search_cut_note(std::int64_t mappings) {
    return "note: the search for mappings was interrupted after " + format_count(mappings) +
           " of them; each layer has the best found so far\n";
}

MapperOptions mapper_options(const RunSettings& settings, const Machine& machine,
                             const Scenario& rounds) {
    MapperOptions options;
    options.effort = settings.effort;
    options.objective = settings.objective;
    options.given = settings.mapping;
    options.cancelled = interrupted;
    options.threads = settings.threads;
    options.replay = replay_for_mapper;
    options.rounds = rounds.rounds();
    options.warmup = rounds.warmup_items / rounds.batch;
    if (const auto& cards = machine.parts().cards) {
        options.together = cards->together;
    }
    return options;
}

Scenario step_rounds(std::int64_t users, bool standing_start) {
    Scenario rounds;
    rounds.batch = users;
    rounds.items = (standing_start ? 1 : kStepRounds) * users;
    rounds.warmup_items = (standing_start ? 0 : kStepWarmup) * users;
    return rounds;
}

MappedRun map_and_estimate(const NetworkAtPrecision& network, const Machine& machine,
                           const MapperOptions& options, const Scenario& scenario,
                           const Progress& progress) {
    Executed run = estimated(network.network, machine, options, scenario, progress);
    RunResult result = assemble_result({network.network,
                                        machine,
                                        run.mapping,
                                        run.outcome,
                                        scenario,
                                        name(Engine::analytic),
                                        network.precision,
                                        network.kept,
                                        {}});
    return {std::move(run.mapping), std::move(result)};
}

StepRunner make_step_runner(const Machine& machine, const RunSettings& settings,
                            const std::vector<std::string>& overrides, const Progress& progress,
                            bool tells_most_users) {
    const auto& cards = machine.parts().cards;
    const bool pipeline = cards && !cards->tensor_parallel();
    const auto layout = std::make_shared<CardLayout>();
    layout->tells_most_users = tells_most_users;
    return [=, &machine, &settings, &overrides](const Network& network, std::int64_t users,
                                                StepPlace place) {
        if (pipeline) {
            const std::int64_t together = machine.parts().cards->together;
            return run_over_cards(
                with_items(network, settings.precision, ceil_divide(users, together) * together),
                machine, settings, passage_of(place), *layout, overrides, progress);
        }
        const bool standing_start = place == StepPlace::alone;
        const Scenario rounds = step_rounds(users, standing_start);
        const NetworkAtPrecision step = with_items(network, settings.precision, rounds.batch);
        RunResult result = run_at_once(step, machine, settings, rounds, overrides, progress);
        if (progress.laid_out != nullptr && !machine.parts().cards) {
            progress.laid_out->keep_whole(step.network, rounds, result);
        }
        return result;
    };
}

namespace {

RunResult run_phase(const NetworkSource& source, const Machine& machine,
                    const RunSettings& settings, const std::vector<std::string>& overrides,
                    const Progress& progress) {
    const Scenario scenario = resolve(settings.scenario, source.has_steps());
    check_phase_of_cards(machine, scenario);
    check_mapping_of_cards(machine, settings.mapping);
    const auto& cards = machine.parts().cards;
    const bool pipeline = cards && !cards->tensor_parallel();
    if (scenario.training) {
        const TrainedNetwork step =
            network_to_train(source, scenario, settings.precision, &machine);
        Scenario round = scenario;
        round.items = round.batch;
        RunResult result = run_rounds(step.network, machine, settings, round, overrides, progress);
        finish_training(step, scenario, result);
        return result;
    }
    if (!scenario.language) {
        const NetworkAtPrecision asked =
            with_items(source.network(), settings.precision, scenario.batch);
        return pipeline ? run_frames_over_cards(asked, in_equal_groups(machine, scenario.batch),
                                                settings, scenario, overrides, progress)
                        : run_at_once(asked, machine, settings, scenario, overrides, progress);
    }
    const Machine grouped = in_equal_groups(machine, scenario.language->users);
    const LanguageLoad& load = *scenario.language;
    try {
        return run_language(
            source, scenario,
            make_step_runner(grouped, settings, overrides, progress, progress.laid_out == nullptr));
    } catch (const DoesNotFit& refusal) {
        const bool fewest = pipeline && load.users <= grouped.parts().cards->together;
        if (scenario.phase != Phase::decode || !fewest) {
            throw;
        }
        throw with_longest_context(refusal, load.context, [&](std::int64_t context) {
            return card_fit({source.decode_step(context)}, grouped, settings).holds(load.users);
        });
    }
}

}  // namespace

CardFit card_fit(const std::vector<Network>& steps, const Machine& machine,
                 const RunSettings& settings) {
    std::vector<Network> asked;
    for (const Network& step : steps) {
        asked.push_back(with_items(step, settings.precision, 1).network);
    }
    return {std::move(asked), machine, card_fits(machine, settings)};
}

RunResult execute(const NetworkSource& source, const Machine& machine, const RunSettings& settings,
                  const std::vector<std::string>& overrides, const Progress& progress) {
    const std::int64_t instances = instances_of(machine);
    const auto run = [&](const Machine& on) {
        return run_phase(source, on, settings, overrides, progress);
    };
    RunResult result =
        instances == 1 ? run(machine) : of_instances(run(one_instance(machine)), instances);
    add_servers(machine, result.totals);
    return result;
}

}  // namespace memwall
