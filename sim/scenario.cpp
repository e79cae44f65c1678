// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

// Enough for the window to see the steady state: inputs queue up for two or three batches before
// the latency settles.
constexpr std::int64_t kRounds = 8;
constexpr std::int64_t kWarmupRounds = 4;
constexpr std::int64_t kMostItems = 1'000'000'000;
constexpr std::int64_t kMostRounds = 100'000;  ///< each is replayed, and its times are kept

// Of language models, where nothing is said.
constexpr std::int64_t kPrompt = 512;
constexpr std::int64_t kOutputTokens = 128;
constexpr std::int64_t kContext = 2048;
constexpr std::int64_t kMostTokens = 1'000'000;
constexpr std::int64_t kMostUsers = 100'000;

/// Reports a number of items that is no whole number of batches in [least, most].
bool whole_batches(const char* what, std::int64_t items, std::int64_t least, std::int64_t batch,
                   Diagnostics& faults) {
    if (items < least || items > kMostItems) {
        faults.error({}, std::string("scenario: expected ") + what + " from " +
                             std::to_string(least) + " to " + std::to_string(kMostItems) +
                             ", found " + std::to_string(items));
        return false;
    }
    if (items % batch != 0) {
        faults.error({}, std::string("scenario: expected ") + what + " in whole batches of " +
                             std::to_string(batch) + ", found " + std::to_string(items));
        return false;
    }
    if (items / batch > kMostRounds) {
        faults.error({}, std::string("scenario: expected ") + what + " of at most " +
                             std::to_string(kMostRounds) + " batches of " + std::to_string(batch) +
                             ", found " + std::to_string(items) +
                             "; a steady stream shows itself in a few");
        return false;
    }
    return true;
}

void refuse_optimizer(const ScenarioRequest& request, Phase phase, Diagnostics& faults) {
    if (request.optimizer) {
        faults.error({}, std::string("scenario: optimizer does not go with phase ") + name(phase) +
                             "; expected training_step");
    }
}

Scenario resolve_items(const ScenarioRequest& request, Phase phase) {
    Diagnostics faults;
    refuse_optimizer(request, phase, faults);
    const std::vector<std::pair<const char*, std::optional<std::int64_t>>> numbers = {
        {"users", request.users},
        {"prompt", request.prompt},
        {"chunk", request.chunk},
        {"output_tokens", request.output_tokens},
        {"context", request.context}};
    for (const auto& [key, value] : numbers) {
        if (value) {
            faults.error({}, std::string("scenario: ") + key + " does not go with phase " +
                                 name(phase) + "; expected prefill, decode or generate");
        }
    }
    if (request.batch < 1 || request.batch > kMostItems) {
        faults.error({}, "expected a batch from 1 to " + std::to_string(kMostItems) + ", found " +
                             std::to_string(request.batch));
    }
    faults.throw_if_any();
    if (request.items && request.rounds) {
        throw InputError("scenario: items and rounds say the same; give one of them");
    }
    if (request.rounds && (*request.rounds < 1 || *request.rounds > kMostItems / request.batch)) {
        throw InputError("scenario: expected rounds from 1 to " +
                         std::to_string(kMostItems / request.batch) + ", found " +
                         std::to_string(*request.rounds));
    }
    const std::int64_t batch = request.batch;
    const bool single = phase == Phase::single;
    const bool stream = phase == Phase::stream;
    Scenario scenario;
    scenario.phase = phase;
    scenario.batch = batch;
    const std::int64_t usual_rounds = single ? 1 : std::min(kRounds, kMostItems / batch);
    scenario.items = request.items.value_or(batch * request.rounds.value_or(usual_rounds));
    if (whole_batches("items", scenario.items, 1, batch, faults) && single &&
        scenario.items != batch) {
        faults.error({}, "scenario: a single phase has one batch (" + std::to_string(batch) +
                             "), found " + std::to_string(scenario.items) + " items");
    }
    scenario.cold = request.cold;
    scenario.warmup_items = request.warmup_items.value_or(
        stream && !request.cold ? batch * std::min(kWarmupRounds, scenario.items / batch / 2) : 0);
    if (whole_batches("warmup_items", scenario.warmup_items, 0, batch, faults) && faults.empty() &&
        scenario.warmup_items >= scenario.items) {
        faults.error({}, "scenario: a warm-up of " + std::to_string(scenario.warmup_items) +
                             " items leaves none of " + std::to_string(scenario.items) +
                             " to be counted");
    }
    if (scenario.cold && scenario.warmup_items > 0) {
        faults.error({},
                     "scenario: a cold start is counted from its beginning; found a warm-up of " +
                         std::to_string(scenario.warmup_items) + " items");
    }
    faults.throw_if_any();
    return scenario;
}

/// A number of a language model's scenario, or its default; what makes no sense is reported.
std::int64_t number(const char* key, const std::optional<std::int64_t>& asked,
                    std::int64_t fallback, std::int64_t most, Diagnostics& faults) {
    const std::int64_t value = asked.value_or(fallback);
    if (value < 1 || value > most) {
        faults.error({}, std::string("scenario: expected ") + key + " from 1 to " +
                             std::to_string(most) + ", found " + std::to_string(value));
        return 1;
    }
    return value;
}

Scenario resolve_language(const ScenarioRequest& request, Phase phase) {
    Diagnostics faults;
    refuse_optimizer(request, phase, faults);
    const auto refuse = [&](const char* key, bool there, const char* instead) {
        if (there) {
            faults.error({}, std::string("scenario: ") + key + " does not go with phase " +
                                 name(phase) + "; expected " + instead);
        }
    };
    refuse("batch", request.batch != 1, "users");
    refuse("items", request.items.has_value(), "output_tokens");
    refuse("rounds", request.rounds.has_value(), "output_tokens");
    refuse("cold", request.cold, "phase single");
    refuse("warmup_items", request.warmup_items.has_value(), "output_tokens");
    refuse("context", phase != Phase::decode && request.context.has_value(), "prompt");
    refuse("chunk",
           (phase == Phase::decode || phase == Phase::offline) && request.chunk.has_value(),
           "prefill or generate");
    refuse("prompt", phase == Phase::decode && request.prompt.has_value(), "context");
    refuse("output_tokens", phase == Phase::prefill && request.output_tokens.has_value(),
           "prompt alone");
    LanguageLoad load;
    load.users = number("users", request.users, 1, kMostUsers, faults);
    if (phase != Phase::decode) {
        load.prompt = number("prompt", request.prompt, kPrompt, kMostTokens, faults);
        load.chunk = request.chunk ? number("chunk", request.chunk, 1, load.prompt, faults) : 0;
    }
    if (phase != Phase::prefill) {
        load.output_tokens =
            number("output_tokens", request.output_tokens,
                   phase == Phase::decode ? 1 : kOutputTokens, kMostTokens, faults);
        load.context = phase == Phase::decode
                           ? number("context", request.context, kContext, kMostTokens, faults)
                           : load.prompt;
    }
    faults.throw_if_any();
    Scenario scenario;
    scenario.phase = phase;
    scenario.batch = load.users;
    scenario.items = load.users * (phase == Phase::prefill ? load.prompt : load.output_tokens);
    scenario.language = load;
    return scenario;
}

// MODEL: a training step begins when the one before has ended, since it needs the weights that came
// out of it: it is run alone, from a standing start.
Scenario resolve_training(const ScenarioRequest& request, bool language) {
    Diagnostics faults;
    const auto refuse = [&](const char* key, bool there) {
        if (there) {
            faults.error({}, std::string("scenario: ") + key +
                                 " does not go with phase training_step; expected batch" +
                                 (language ? " and prompt, the tokens of a sequence" : ""));
        }
    };
    refuse("items", request.items.has_value());
    refuse("rounds", request.rounds.has_value());
    refuse("warmup_items", request.warmup_items.has_value());
    refuse("users", request.users.has_value());
    refuse("chunk", request.chunk.has_value());
    refuse("output_tokens", request.output_tokens.has_value());
    refuse("context", request.context.has_value());
    refuse("prompt", !language && request.prompt.has_value());
    refuse("cold", request.cold);
    Scenario scenario;
    scenario.phase = Phase::training_step;
    scenario.batch = number("batch", request.batch, 1, kMostItems, faults);
    TrainingLoad load;
    load.optimizer = request.optimizer.value_or(Optimizer::adam);
    load.tokens = language ? number("prompt", request.prompt, kPrompt, kMostTokens, faults) : 0;
    faults.throw_if_any();
    scenario.items = language ? checked_multiply(scenario.batch, load.tokens) : scenario.batch;
    scenario.training = load;
    return scenario;
}

}  // namespace

const char* name(Phase phase) {
    switch (phase) {
        case Phase::single:
            return "single";
        case Phase::stream:
            return "stream";
        case Phase::offline:
            return "offline";
        case Phase::prefill:
            return "prefill";
        case Phase::decode:
            return "decode";
        case Phase::generate:
            return "generate";
        case Phase::training_step:
            return "training_step";
    }
    fail("unknown phase");
}

const std::vector<std::string>& phase_names() {
    static const std::vector<std::string> kNames = {"single", "stream",   "offline",      "prefill",
                                                    "decode", "generate", "training_step"};
    return kNames;
}

bool is_language(Phase phase) {
    return phase == Phase::prefill || phase == Phase::decode || phase == Phase::generate;
}

Scenario resolve(const ScenarioRequest& request, bool language) {
    const Phase of_tokens = request.context ? Phase::decode : Phase::generate;
    const Phase phase = request.phase.value_or(language ? of_tokens : Phase::stream);
    if (phase == Phase::training_step) {
        return resolve_training(request, language);
    }
    const bool serves = language && phase == Phase::offline &&
                        (request.users || request.prompt || request.chunk || request.output_tokens);
    return is_language(phase) || serves ? resolve_language(request, phase)
                                        : resolve_items(request, phase);
}

}  // namespace memwall
