// SPDX-License-Identifier: Apache-2.0
// One run: a network on a machine in a scenario, mapped, replayed and accounted for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "sim/result.hpp"
#include "study/card_fit.hpp"
#include "study/command_line.hpp"
#include "study/laid_out.hpp"
#include "study/language_run.hpp"
#include "study/load.hpp"

namespace memwall {

/// An interrupt of a run's searches for mappings.
struct SearchCut {
    std::function<void(std::int64_t)> tell;  ///< is told at once how many had been looked at; set
    std::optional<std::int64_t> after{};     ///< the same of all searches; nothing: none was cut
};

/// Says what was cut short and what there is instead.
std::string search_cut_note(std::int64_t mappings);

/// Who is told how a run gets on. All may be empty.
struct Progress {
    std::function<void(double)> fraction;            ///< that is done, now and then
    std::function<void(const std::string&)> notice;  ///< before a part that will take long
    LaidOut* laid_out = nullptr;                     ///< keeps what lies on the cards of a pipeline
    /// Where given, a search for mappings that is interrupted does not end the run: it goes on with
    /// the best so far, and says so here.
    SearchCut* cut = nullptr;
};

/// How a mapper is asked for so many rounds of a network on a machine, or on a card of it.
MapperOptions mapper_options(const RunSettings& settings, const Machine& machine,
                             const Scenario& rounds);

/// Runs steps of language models on `machine`; all of them with the division over cards of the
/// first one. `machine`, `settings` and `overrides` must outlive it. `tells_most_users`: whether
/// results say how many users the cards' memory has room for, which takes time.
StepRunner make_step_runner(const Machine& machine, const RunSettings& settings,
                            const std::vector<std::string>& overrides, const Progress& progress,
                            bool tells_most_users);

/// What finds room on the cards of a pipeline, of steps that are divided alike; that with the
/// largest caches is the first. The machine must outlive it.
CardFit card_fit(const std::vector<Network>& steps, const Machine& machine,
                 const RunSettings& settings);

/// The rounds in which a step of a language model is run. Of a sampled decode step the first round
/// fills what the others find full; prompts are read from a standing start.
Scenario step_rounds(std::int64_t users, bool standing_start);

/// A mapping, and what the analytic engine says of it at the machine's own clock.
struct MappedRun {
    Mapping mapping;
    RunResult result;
};

/// `network` has the scenario's batch. Throws as execute().
MappedRun map_and_estimate(const NetworkAtPrecision& network, const Machine& machine,
                           const MapperOptions& options, const Scenario& scenario,
                           const Progress& progress);

/// The network at the batch and precision of `settings`, on `machine`; a language model in its
/// phases. Throws InputError where the machine cannot compute or hold it, Interrupted on a
/// signal that `progress` does not take, InternalError where something that always holds does not.
RunResult execute(const NetworkSource& source, const Machine& machine, const RunSettings& settings,
                  const std::vector<std::string>& overrides, const Progress& progress);

}  // namespace memwall
