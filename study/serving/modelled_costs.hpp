// SPDX-License-Identifier: Apache-2.0
// What serving a language model costs, from runs of the model.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "arch/machine.hpp"
#include "study/language_run.hpp"
#include "study/load.hpp"
#include "study/serving/instance.hpp"
#include "study/serving/request.hpp"

namespace memwall {

/// The tokens of requests, as far as costs depend on them.
struct TokenRanges {
    std::int64_t least_prompt = 1, most_prompt = 1;
    std::int64_t most_context = 1;  ///< before the last step of any request
};
TokenRanges token_ranges(const std::vector<Request>& requests);

/// A language model on a machine, and how its steps are run.
struct ServedModel {
    const NetworkSource& source;
    const Machine& machine;
    std::function<StepRunner()> make_runner;  ///< of a runner that knows of no other run
    /// The most users, less than `none`, for whom all steps find room on the cards of a pipeline,
    /// divided alike; the step with the largest caches is the first.
    std::function<std::int64_t(const std::vector<Network>& steps, std::int64_t none)> most_users;
};

// MODEL: every place of an instance has room for the longest context of all requests, from the
// beginning to the end; prompts are read beside that.
/// How many users memory holds within `ranges`, at most `most`. Throws InputError where it holds
/// none.
std::int64_t places_that_fit(const ServedModel& model, const TokenRanges& ranges,
                             std::int64_t most);

/// The costs of a language model for requests within `ranges`, run as they are needed; what `model`
/// refers to must outlive them. Throws InputError where `places` do not fit.
ServingCosts modelled_costs(const ServedModel& model, const TokenRanges& ranges,
                            std::int64_t places);

}  // namespace memwall
