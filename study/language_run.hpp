// SPDX-License-Identifier: Apache-2.0
// The phases of language models: prefill, decode with a cache that grows token by token, and users
// who come and go.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "study/load.hpp"

namespace memwall {

/// What goes before and after a step.
enum class StepPlace {
    alone,      ///< nothing: a prompt, or the end of one
    in_ring,    ///< steps of the same users, each after the end of the one before, as tokens come
    in_stream,  ///< other steps, close behind one another, as chunks of prompts come
};

/// Runs some rounds of one network for so many users, with a fixed context in the cache; the result
/// counts at least one whole round.
using StepRunner = std::function<RunResult(const Network&, std::int64_t users, StepPlace place)>;

/// Offline: how many prompts are read at once, and the tokens in the cache of a user on average.
struct SteadyLoad {
    std::int64_t prompts = 1;
    std::int64_t context = 0;
};
SteadyLoad steady_load(const LanguageLoad& load);

/// The contexts of `count` steps from `first` on that are run: the ends, where a window makes the
/// counts stop growing evenly, and one between that measures what lies between. `macs` gives the
/// MACs of a step at a context. In ascending order.
struct SampledSteps {
    std::vector<std::int64_t> contexts;
    std::size_t checked = 0;  ///< position of the one that measures; 0: all steps are run
};
SampledSteps sample_steps(std::int64_t first, std::int64_t count,
                          const std::function<std::int64_t(std::int64_t)>& macs);

/// How many steps, in halves, each sampled one stands for when the others lie on the straight lines
/// between them.
std::vector<std::int64_t> half_steps(const std::vector<std::int64_t>& contexts);

/// A language model in a resolved scenario of a language phase. Throws InputError where the network
/// has no steps: no parameters `positions` and `context`.
RunResult run_language(const NetworkSource& source, const Scenario& scenario,
                       const StepRunner& run_step);

}  // namespace memwall
