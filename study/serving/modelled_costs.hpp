// SPDX-License-Identifier: Apache-2.0
// What serving a language model costs, from runs of the model.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "arch/machine.hpp"
#include "study/card_divider.hpp"
#include "study/card_fit.hpp"
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
    /// What finds room on the cards of a pipeline, of steps that are divided alike.
    std::function<CardFit(const std::vector<Network>& steps)> card_fit;
};

// MODEL: every place of an instance has room for the longest context of all requests, from the
// beginning to the end; prompts are read beside that.
/// How many users memory holds of a machine that is no pipeline, at most `most`. Throws InputError
/// where it holds none.
std::int64_t places_that_fit(const ServedModel& model, const TokenRanges& ranges,
                             std::int64_t most);

/// Whether users go through the cards of a machine one behind the other.
bool is_pipeline(const Machine& machine);

/// Where the last chunk of a prompt begins.
std::int64_t last_chunk_begin(std::int64_t prompt, std::int64_t chunk);
/// The steps of the longest prompt of which one needs the most room: all of it, or the last whole
/// chunk and what is left behind it.
std::vector<Network> largest_prompt_steps(const NetworkSource& source, const TokenRanges& ranges,
                                          std::int64_t chunk);
/// Of the values of a pipeline's step: until the slowest stage can take in the next one.
double slowest_turn(const std::vector<double>& values, std::size_t stages);

/// The costs of a language model for requests within `ranges`, run as they are needed; what `model`
/// refers to must outlive them. `chunk`: see ServingCosts. Throws InputError where `places` do not
/// fit, DividedAgain as `run` does.
ServingCosts modelled_costs(const ServedModel& model, const StepRunner& run,
                            const TokenRanges& ranges, std::int64_t places, std::int64_t chunk);

/// What `use` makes of the costs: of all anew where one of its runs finds no room on cards that are
/// divided for those before it.
template <typename Use>
auto with_modelled_costs(const ServedModel& model, const TokenRanges& ranges, std::int64_t places,
                         std::int64_t chunk, const Use& use) {
    const StepRunner run = model.make_runner();
    return until_all_have_room([&](bool /*again*/) {
        ServingCosts costs = modelled_costs(model, run, ranges, places, chunk);
        return use(costs);
    });
}

}  // namespace memwall
