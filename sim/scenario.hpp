// SPDX-License-Identifier: Apache-2.0
// How a network is asked for: how many items, how many together, and which of them are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/outcome.hpp"
#include "workloads/training.hpp"

namespace memwall {

enum class Phase {
    single,        ///< one batch from a standing start
    stream,        ///< batch after batch; the first ones are not counted
    offline,       ///< all items at hand at once; everything is counted, filling included. Of
                   ///< language models with users: each one's end makes room for the next prompt
    prefill,       ///< language models: the prompts of all users at once, into empty caches
    decode,        ///< one token a user and step, after a context that is in the caches
    generate,      ///< prefill, then decode until all output tokens are made
    training_step  ///< forward, backward and update over one batch, from a standing start
};

/// Whether a phase is one of language models alone.
bool is_language(Phase phase);

const char* name(Phase phase);
const std::vector<std::string>& phase_names();

/// What can be said of a scenario; the rest follows from the phase.
struct ScenarioRequest {
    std::optional<Phase> phase;  ///< none: stream; for language models generate, or decode
                                 ///< where a context is given
    std::int64_t batch = 1;
    std::optional<std::int64_t> items;
    std::optional<std::int64_t> rounds;  ///< batches, in place of items
    std::optional<std::int64_t> warmup_items;
    bool cold = false;
    /// Of language models.
    std::optional<std::int64_t> users, prompt, chunk, output_tokens, context;
    std::optional<Optimizer> optimizer;  ///< of a training step; none: adam
};

/// What a language model is asked for: every user the same.
struct LanguageLoad {
    std::int64_t users = 1;
    std::int64_t prompt = 0;         ///< tokens of a prompt; 0 while decoding only
    std::int64_t output_tokens = 0;  ///< of a user; 0 in a prefill
    std::int64_t context = 0;        ///< tokens in the cache before the first output token
    std::int64_t chunk = 0;          ///< tokens of a prompt that are read at a time; 0: all

    [[nodiscard]] bool in_chunks() const { return chunk > 0 && chunk < prompt; }
};

/// What a training step is asked for.
struct TrainingLoad {
    Optimizer optimizer = Optimizer::adam;
    std::int64_t tokens = 0;  ///< of a sequence of a language model; else 0
};

/// Steps of a growing cache that were not run, but lie on straight lines between some that were.
struct Extrapolation {
    std::vector<std::int64_t> contexts;  ///< those that were run
    std::int64_t checked = 0;            ///< one of them, left out to measure the error
    double error = 0;  ///< there, of time or energy, whichever is worse: a fraction
};

/// Blocks of equal layers of which one was run for all: the analytic engine only.
struct RepeatedBlocks {
    std::string stands;       ///< first layer of the block that stands for those after it
    std::int64_t layers = 0;  ///< of a block
    std::int64_t blocks = 0;  ///< that it stands for
    double error = 0;         ///< by how much it differs in time from the one before it: a fraction
};

/// Cards with equal parts of a network of which one was run for all, in the order of a pipeline
/// that was composed of them.
struct ComposedCards {
    std::int64_t cards = 0;  ///< that have work
    std::int64_t run = 0;    ///< of these
    double error = 0;        ///< of one that was run to measure it, in time or energy: a fraction
};

/// A resolved scenario: items and warmup_items are whole batches.
struct Scenario {
    Phase phase = Phase::stream;
    std::int64_t batch = 1;
    std::int64_t items = 1;
    std::int64_t warmup_items = 0;  ///< left out of the window, at the start
    bool cold = false;              ///< the window begins with loading what stays in the machine
    std::optional<LanguageLoad> language;
    std::optional<TrainingLoad> training;
    std::optional<Extrapolation> extrapolation;
    std::optional<RepeatedBlocks> repeated;
    std::optional<ComposedCards> composed;

    /// Batches in all, and those that are counted.
    [[nodiscard]] std::int64_t rounds() const { return training ? 1 : items / batch; }
    [[nodiscard]] std::int64_t counted_rounds() const {
        return training ? 1 : (items - warmup_items) / batch;
    }
    /// The window of a program whose rounds have `items_per_round` items, a whole part of a batch.
    [[nodiscard]] Window window(std::int64_t items_per_round) const {
        return {warmup_items / items_per_round};
    }
    [[nodiscard]] std::int64_t counted_items() const { return items - warmup_items; }
};

/// Throws InputError with every number that makes no sense: below 1, no whole batches, a warm-up
/// that leaves nothing, items and rounds at once, a single phase with more than one batch, a cold
/// start with a warm-up, or numbers that do not go with the phase. `language`: whether the network
/// is a language model.
Scenario resolve(const ScenarioRequest& request, bool language = false);

}  // namespace memwall
