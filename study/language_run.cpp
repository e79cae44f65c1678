// SPDX-License-Identifier: Apache-2.0
#include "study/language_run.hpp"

#include <algorithm>
#include <cmath>

#include "arch/mapper.hpp"
#include "base/error.hpp"
#include "sim/combine_runs.hpp"
#include "study/card_divider.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMostExact = 3;  ///< so many steps are all run

double step_seconds(const RunResult& run) {
    return run.totals.window.count() / static_cast<double>(run.scenario.counted_rounds());
}

double step_energy(const RunResult& run) {
    return run.totals.energy.count() / static_cast<double>(run.scenario.counted_rounds());
}

/// On the straight line through (a, at_a) and (b, at_b).
double between(std::int64_t a, double at_a, std::int64_t b, double at_b, std::int64_t x) {
    return b == a ? at_a
                  : at_a + (at_b - at_a) * static_cast<double>(x - a) / static_cast<double>(b - a);
}

/// The sampled steps of a decode, run.
struct Decoded {
    SampledSteps steps;
    std::vector<RunResult> runs;  ///< by sampled context
};

/// How far the straight line past the checked step misses it, in time or energy.
double error_at_checked(const Decoded& decoded) {
    const std::size_t c = decoded.steps.checked;
    const auto& contexts = decoded.steps.contexts;
    const auto miss = [&](double (*value)(const RunResult&)) {
        const double guess = between(contexts[c - 1], value(decoded.runs[c - 1]), contexts[c + 1],
                                     value(decoded.runs[c + 1]), contexts[c]);
        return std::abs(guess / value(decoded.runs[c]) - 1);
    };
    return std::max(miss(step_seconds), miss(step_energy));
}

/// Seconds of every step, sorted.
std::vector<double> all_step_seconds(const Decoded& decoded) {
    const auto& contexts = decoded.steps.contexts;
    std::vector<double> seconds;
    for (std::size_t s = 0; s < contexts.size(); ++s) {
        const std::int64_t end = s + 1 < contexts.size() ? contexts[s + 1] : contexts[s] + 1;
        for (std::int64_t context = contexts[s]; context < end; ++context) {
            seconds.push_back(s + 1 < contexts.size()
                                  ? between(contexts[s], step_seconds(decoded.runs[s]), end,
                                            step_seconds(decoded.runs[s + 1]), context)
                                  : step_seconds(decoded.runs[s]));
        }
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds;
}

/// Between two tokens of one user.
Latency token_latency(const Decoded& decoded) {
    const std::vector<double> seconds = all_step_seconds(decoded);
    double sum = 0;
    for (const double each : seconds) {
        sum += each;
    }
    Latency latency;
    latency.mean = Seconds(sum / static_cast<double>(seconds.size()));
    if (seconds.front() != seconds.back()) {
        const auto percentile = [&](std::size_t percent) {
            return Seconds(seconds[(seconds.size() * percent + 99) / 100 - 1]);
        };
        latency.p50 = percentile(50);
        latency.p99 = percentile(99);
        latency.most = Seconds(seconds.back());
    }
    return latency;
}

class LanguageRun {
public:
    LanguageRun(const NetworkSource& source, const Scenario& scenario, const StepRunner& run_step)
        : source_(source), scenario_(scenario), load_(*scenario.language), run_step_(run_step) {}

    RunResult run() {
        if (scenario_.phase == Phase::offline) {
            return run_offline();
        }
        std::vector<RunShare> shares;
        std::optional<Decoded> decoded;
        const bool prefills = scenario_.phase != Phase::decode;
        // The first output token comes with the end of the prefill.
        const std::int64_t steps = load_.output_tokens - (prefills ? 1 : 0);
        if (steps > 0) {
            decoded = decode(steps);
        }
        std::optional<Seconds> first_token;
        std::optional<Extrapolation> chunks;
        if (prefills) {
            Prompt prompt = read_prompt();
            first_token = prompt.time;
            chunks = prompt.extrapolation;
            shares = std::move(prompt.shares);
        }
        if (decoded) {
            const std::vector<std::int64_t> halves = half_steps(decoded->steps.contexts);
            for (std::size_t s = 0; s < halves.size(); ++s) {
                shares.push_back({decoded->runs[s], halves[s]});
            }
        }
        RunResult result = combine_runs(std::move(shares));
        finish(result, decoded, first_token);
        if (chunks && scenario_.phase == Phase::prefill) {
            result.scenario.extrapolation = chunks;
        } else if (chunks && result.scenario.extrapolation) {
            double& error = result.scenario.extrapolation->error;
            error = std::max(error, chunks->error);
        }
        return result;
    }

private:
    /// A prompt that was read, whole or in chunks.
    struct Prompt {
        std::vector<RunShare> shares;
        Seconds time;
        std::optional<Extrapolation> extrapolation;
    };

    Prompt read_prompt() const { return load_.in_chunks() ? read_in_chunks() : read_at_once(); }

    Prompt read_at_once() const {
        Prompt prompt;
        prompt.shares = {
            {run_step_(source_.prefill(load_.prompt), load_.users, StepPlace::alone), 2}};
        prompt.time = Seconds(step_seconds(prompt.shares.front().run));
        return prompt;
    }

    // MODEL: a prompt in chunks (Agrawal et al., Sarathi, 2023): each attends to what was read
    // before, and makes the scores of its last token, although only those of the prompt's are of
    // use. Chunks of all users go through cards close behind one another, each as soon as a card
    // is free; only the last one's whole way is waited for.
    Prompt read_in_chunks() const {
        const std::int64_t rest = load_.prompt % load_.chunk;
        const std::int64_t last = rest > 0 ? rest : load_.chunk;
        const std::int64_t others = (load_.prompt - last) / load_.chunk;
        Prompt prompt;
        // The last one first: it needs the most room.
        prompt.shares.push_back({run_step_(source_.chunk_step(last, load_.prompt - last),
                                           load_.users, StepPlace::alone),
                                 2});
        const auto chunk = [&](std::int64_t number) {
            return source_.chunk_step(load_.chunk, number * load_.chunk);
        };
        Decoded before;
        before.steps =
            sample_steps(0, others, [&](std::int64_t number) { return chunk(number).macs(); });
        for (const std::int64_t number : before.steps.contexts) {
            before.runs.push_back(run_step_(chunk(number), load_.users, StepPlace::in_stream));
        }
        double seconds = step_seconds(prompt.shares.front().run);
        const std::vector<std::int64_t> halves = half_steps(before.steps.contexts);
        for (std::size_t s = 0; s < halves.size(); ++s) {
            seconds += step_seconds(before.runs[s]) * static_cast<double>(halves[s]) / 2;
            prompt.shares.push_back({before.runs[s], halves[s]});
        }
        prompt.time = Seconds(seconds);
        if (before.steps.checked > 0) {
            prompt.extrapolation = extrapolation_of(before);
            for (std::int64_t& number : prompt.extrapolation->contexts) {
                number *= load_.chunk;
            }
            prompt.extrapolation->checked *= load_.chunk;
        }
        return prompt;
    }

    static Extrapolation extrapolation_of(const Decoded& steps) {
        return {steps.steps.contexts, steps.steps.contexts[steps.steps.checked],
                error_at_checked(steps)};
    }

    // MODEL: offline, all places for users are always taken: as one gets its last token the next
    // prompt is read (continuous batching: Yu et al., Orca, OSDI 2022). In the steady state users
    // are spread evenly over their output, so a step takes what it takes at the mean context, on
    // which attention depends linearly; caches are paged, so memory holds the mean context of each
    // (Kwon et al., vLLM, SOSP 2023). The prompts of users/output_tokens places, rounded, are read
    // together in a pass of their own between two steps, which stands still meanwhile; all users
    // have prompts and outputs of the mean length.
    RunResult run_offline() {
        const SteadyLoad steady = steady_load(load_);
        const std::int64_t steps = load_.output_tokens - 1;
        std::vector<RunShare> shares;
        std::int64_t most_users = 0;
        if (steps > 0) {
            RunResult step =
                run_step_(source_.decode_step(steady.context), load_.users, StepPlace::in_ring);
            if (step.totals.tensor_parallel) {
                most_users = step.totals.tensor_parallel->most_users;
            }
            shares.push_back({std::move(step), 2 * steps * steady.prompts});
        }
        RunResult prefill =
            run_step_(source_.prefill(load_.prompt), steady.prompts, StepPlace::in_ring);
        const Seconds first_token(step_seconds(prefill));
        shares.push_back({std::move(prefill), 2 * load_.users});
        RunResult result = combine_runs(std::move(shares));
        finish(result, std::nullopt, first_token);
        Totals& totals = result.totals;
        if (totals.tensor_parallel) {
            totals.tensor_parallel->most_users = most_users;  // prompts pass one by one
        }
        totals.items = result.scenario.items = scenario_.items * steady.prompts;
        totals.items_together = load_.users;
        totals.throughput = static_cast<double>(totals.items) / totals.window.count();
        totals.energy_per_item = Joules(totals.energy.count() / static_cast<double>(totals.items));
        totals.latency = {
            Seconds(static_cast<double>(load_.users) / totals.throughput), {}, {}, {}};
        return result;
    }

    /// The last step first: where it does not fit, nothing else matters.
    Decoded decode(std::int64_t count) const {
        Decoded decoded;
        decoded.steps = sample_steps(load_.context, count, [&](std::int64_t context) {
            return source_.decode_step(context).macs();
        });
        decoded.runs.resize(decoded.steps.contexts.size());
        for (std::size_t s = decoded.runs.size(); s-- > 0;) {
            decoded.runs[s] = run_step_(source_.decode_step(decoded.steps.contexts[s]), load_.users,
                                        StepPlace::in_ring);
        }
        return decoded;
    }

    void finish(RunResult& result, const std::optional<Decoded>& decoded,
                const std::optional<Seconds>& first_token) const {
        const std::optional<RepeatedBlocks> repeated = result.scenario.repeated;
        const std::optional<ComposedCards> composed = result.scenario.composed;
        result.scenario = scenario_;
        result.scenario.repeated = repeated;
        result.scenario.composed = composed;
        if (decoded && decoded->steps.checked > 0) {
            result.scenario.extrapolation = extrapolation_of(*decoded);
        }
        Totals& totals = result.totals;
        totals.items = scenario_.items;
        totals.item = scenario_.phase == Phase::prefill ? "prompt_token" : "token";
        totals.latency = decoded ? token_latency(*decoded) : Latency{*first_token, {}, {}, {}};
        totals.first_token = first_token;
        totals.throughput = static_cast<double>(totals.items) / totals.window.count();
        totals.power = totals.energy / totals.window;
        totals.energy_per_item = Joules(totals.energy.count() / static_cast<double>(totals.items));
        if (totals.pipeline) {  // what stands is the same in all steps
            totals.pipeline->dynamic_power = totals.power - totals.pipeline->static_power;
        }
    }

    const NetworkSource& source_;
    const Scenario& scenario_;
    LanguageLoad load_;
    const StepRunner& run_step_;
};

/// A refusal for want of room, with what would need less where a prompt was to be read.
[[noreturn]] void throw_with_chunks(const DoesNotFit& refusal, const LanguageLoad& load) {
    std::vector<Diagnostic> faults = refusal.faults();
    if (load.chunk == 0 && load.prompt > 1) {
        faults.front().message += "; all " + std::to_string(load.prompt) +
                                  " tokens of the prompt were to be read at once; --chunk N reads "
                                  "N at a time";
    } else if (load.chunk > 1 && load.prompt > 1) {
        faults.front().message +=
            "; " + std::to_string(load.chunk) +
            " tokens of the prompt were to be read at once; a smaller --chunk "
            "takes less";
    }
    throw DoesNotFit(std::move(faults));
}

}  // namespace

SampledSteps sample_steps(std::int64_t first, std::int64_t count,
                          const std::function<std::int64_t(std::int64_t)>& macs) {
    SampledSteps sampled;
    if (count <= kMostExact) {
        for (std::int64_t step = 0; step < count; ++step) {
            sampled.contexts.push_back(first + step);
        }
        return sampled;
    }
    // MACs grow evenly and, from where a window is full, no more: three of them on a line are all
    // on it, else the bend is found by halving.
    std::int64_t low = first;
    std::int64_t high = first + count - 1;
    sampled.contexts = {low, high};
    const std::int64_t slope = macs(low + 1) - macs(low);
    if (macs(high) - macs(low) != slope * (high - low)) {
        const std::int64_t at_low = macs(low);
        while (high - low > 1) {
            const std::int64_t middle = low + (high - low) / 2;
            (macs(middle) - at_low == slope * (middle - first) ? low : high) = middle;
        }
        if (low != first && low != first + count - 1) {
            sampled.contexts.insert(sampled.contexts.begin() + 1, low);
        }
    }
    // The middle of the longest stretch.
    std::size_t longest = 0;
    const auto stretch = [&](std::size_t s) {
        return sampled.contexts[s + 1] - sampled.contexts[s];
    };
    for (std::size_t s = 0; s + 1 < sampled.contexts.size(); ++s) {
        longest = stretch(s) > stretch(longest) ? s : longest;
    }
    sampled.checked = longest + 1;
    const std::int64_t middle = sampled.contexts[longest] + stretch(longest) / 2;
    sampled.contexts.insert(sampled.contexts.begin() + static_cast<std::ptrdiff_t>(longest) + 1,
                            middle);
    return sampled;
}

std::vector<std::int64_t> half_steps(const std::vector<std::int64_t>& contexts) {
    std::vector<std::int64_t> halves(contexts.size(), 0);
    for (std::size_t s = 0; s + 1 < contexts.size(); ++s) {
        const std::int64_t steps = contexts[s + 1] - contexts[s];
        halves[s] += steps + 1;
        halves[s + 1] += steps - 1;
    }
    halves.back() += 2;
    return halves;
}

SteadyLoad steady_load(const LanguageLoad& load) {
    const std::int64_t steps = std::max<std::int64_t>(1, load.output_tokens - 1);
    SteadyLoad steady;
    steady.prompts = std::clamp<std::int64_t>(
        (2 * load.users + load.output_tokens) / (2 * load.output_tokens), 1, load.users);
    steady.context = load.prompt + (steps - 1) / 2;
    return steady;
}

RunResult run_language(const NetworkSource& source, const Scenario& scenario,
                       const StepRunner& run_step) {
    ensure(scenario.language.has_value(), "a language phase has users and tokens");
    source.expect_steps(scenario.phase);
    if (scenario.phase != Phase::decode && !scenario.language->in_chunks()) {
        static_cast<void>(source.prefill(scenario.language->prompt));  // told before tokens are run
    }
    return until_all_have_room([&](bool again) {
        try {
            return LanguageRun(source, scenario, run_step).run();
        } catch (const DividedAgain&) {
            throw;
        } catch (const DoesNotFit& refusal) {
            // What is run anew came after the tokens, for which there was room.
            if (scenario.phase != Phase::prefill && !again) {
                throw;
            }
            throw_with_chunks(refusal, *scenario.language);
        }
    });
}

}  // namespace memwall
