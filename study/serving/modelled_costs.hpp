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

/// Makes a runner of steps that knows of no other run.
using StepRunnerMaker = std::function<StepRunner()>;

// MODEL: every place of an instance has room for the longest context of all requests, from the
// beginning to the end; prompts are read beside that.
/// How many users memory holds with `context` tokens in the cache of each, at most `most`. Throws
/// InputError where it holds none.
std::int64_t places_that_fit(const NetworkSource& source, const Machine& machine,
                             const StepRunnerMaker& make_runner, std::int64_t context,
                             std::int64_t most);

/// The costs of a language model on a machine for requests within `ranges`, run as they are needed;
/// `source` and `machine` must outlive them. Throws InputError where `places` do not fit.
ServingCosts modelled_costs(const NetworkSource& source, const Machine& machine,
                            const StepRunnerMaker& make_runner, const TokenRanges& ranges,
                            std::int64_t places);

}  // namespace memwall
