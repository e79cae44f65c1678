// SPDX-License-Identifier: Apache-2.0
#include "study/serving/modelled_costs.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "base/bisect.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

Watts standing_power(const Machine& machine) {
    return Watts(machine.standing_power().count() * static_cast<double>(machine.cards()));
}

/// Where weights and caches lie in the end.
const Component& outermost_memory(const Machine& machine) {
    const std::vector<ComponentId> drams = machine.of_kind(ComponentKind::dram);
    return machine.component(drams.empty() ? machine.find("core_memory") : drams.front());
}

Bytes peak_of(const RunResult& run, const std::string& memory) {
    for (const auto& [name, bytes] : run.totals.peak_memory) {
        if (name == memory) {
            return bytes;
        }
    }
    fail("a run says how full the outermost memory was");
}

/// So many users may fit, by what one and two of them take.
std::int64_t expected_users(const Network& step, const Machine& machine, const StepRunner& run) {
    const RunResult one = run(step, 1, StepPlace::in_stream);
    if (one.totals.tensor_parallel) {
        return one.totals.tensor_parallel->most_users;
    }
    const Component& memory = outermost_memory(machine);
    const Bytes of_one = peak_of(one, memory.name);
    const Bytes more = peak_of(run(step, 2, StepPlace::in_stream), memory.name) - of_one;
    return more > Bytes(0) ? 1 + (memory.capacity() - of_one).count() / more.count() : 1;
}

bool fits(const Network& step, std::int64_t users, const ServedModel& model) {
    try {
        model.make_runner()(step, users, StepPlace::in_ring);
        return true;
    } catch (const InputError&) {
        return false;
    }
}

/// Seconds and joules of one step, and of a pipeline what its stages take.
std::vector<double> values_of(const RunResult& run, std::int64_t users, Watts standing) {
    const auto rounds = static_cast<double>(run.scenario.counted_rounds());
    const double dynamic = run.totals.energy.count() - (standing * run.totals.window).count();
    const auto& pipeline = run.totals.pipeline;
    if (!pipeline) {
        return {run.totals.window.count() / rounds, dynamic / rounds};
    }
    std::vector<double> values = {pipeline->round_trip.count(),
                                  dynamic / rounds / static_cast<double>(users)};
    for (const StageResult& stage : pipeline->stages) {
        values.push_back((stage.interval + pipeline->overhead).count());
        values.push_back((stage.latency + pipeline->overhead).count());
        values.push_back(stage.way().count());
    }
    return values;
}

/// Both ends, and where the cost of steps bends.
std::vector<std::int64_t> marks(std::int64_t first, std::int64_t last,
                                const std::function<std::int64_t(std::int64_t)>& macs) {
    SampledSteps sampled = sample_steps(first, last - first + 1, macs);
    if (sampled.checked > 0) {
        sampled.contexts.erase(sampled.contexts.begin() +
                               static_cast<std::ptrdiff_t>(sampled.checked));
    }
    return sampled.contexts;
}

/// The most that memory must hold comes first: where it does not fit, nothing else matters, and a
/// pipeline is divided for it; so that the longest prompt has room too.
std::vector<double> fullest_step(const NetworkSource& source, const StepRunner& run,
                                 const TokenRanges& ranges, std::int64_t places, std::int64_t chunk,
                                 bool pipeline, Watts standing) {
    const RunResult step = run(source.decode_step(ranges.most_context), places, StepPlace::in_ring);
    if (pipeline) {
        for (const Network& part : largest_prompt_steps(source, ranges, chunk)) {
            run(part, places, StepPlace::alone);
        }
    }
    return values_of(step, places, standing);
}

/// Whole chunks alone, where all prompts consist of them; else also what the longest prompt has
/// behind its last whole one, since no larger part comes as late.
std::vector<std::int64_t> chunk_sizes(const TokenRanges& ranges, std::int64_t chunk) {
    const std::int64_t rest = ranges.most_prompt % chunk;
    if (rest == 0 && ranges.least_prompt == ranges.most_prompt) {
        return {chunk};
    }
    std::vector<std::int64_t> sizes = doubling_counts(1, chunk);
    if (rest > 0) {
        add_marks({rest}, sizes);
    }
    return sizes;
}

/// How many tokens lie before the parts of prompts that are run.
std::vector<std::int64_t> chunk_begins(const TokenRanges& ranges, std::int64_t chunk,
                                       const std::function<std::int64_t(std::int64_t)>& macs) {
    const std::int64_t last = last_chunk_begin(ranges.most_prompt, chunk);
    if (ranges.most_prompt % chunk == 0) {
        return marks(0, last, macs);
    }
    std::vector<std::int64_t> begins = marks(0, last - chunk, macs);
    add_marks({last}, begins);
    return begins;
}

}  // namespace

TokenRanges token_ranges(const std::vector<Request>& requests) {
    TokenRanges ranges{requests.front().prompt, requests.front().prompt, 1};
    for (const Request& request : requests) {
        ranges.least_prompt = std::min(ranges.least_prompt, request.prompt);
        ranges.most_prompt = std::max(ranges.most_prompt, request.prompt);
        ranges.most_context = std::max(ranges.most_context, request.last_context());
    }
    return ranges;
}

std::int64_t places_that_fit(const ServedModel& model, const TokenRanges& ranges,
                             std::int64_t most) {
    const Network step = model.source.decode_step(ranges.most_context);
    const std::int64_t expected =
        std::clamp<std::int64_t>(expected_users(step, model.machine, model.make_runner()), 1, most);
    if (fits(step, expected, model)) {
        return expected;
    }
    return most_that(1, expected, [&](std::int64_t users) { return fits(step, users, model); });
}

bool is_pipeline(const Machine& machine) {
    const auto& cards = machine.parts().cards;
    return cards && !cards->tensor_parallel();
}

std::int64_t last_chunk_begin(std::int64_t prompt, std::int64_t chunk) {
    return (prompt - 1) / chunk * chunk;
}

std::vector<Network> largest_prompt_steps(const NetworkSource& source, const TokenRanges& ranges,
                                          std::int64_t chunk) {
    if (chunk == 0) {
        return {source.prefill(ranges.most_prompt)};
    }
    const std::int64_t last = last_chunk_begin(ranges.most_prompt, chunk);
    const std::int64_t rest = ranges.most_prompt - last;
    std::vector<Network> steps = {source.chunk_step(rest, last)};
    if (rest < chunk && last > 0) {
        steps.push_back(source.chunk_step(chunk, last - chunk));
    }
    return steps;
}

double slowest_turn(const std::vector<double>& values, std::size_t stages) {
    double slowest = 0;
    for (std::size_t s = 0; s < stages; ++s) {
        slowest = std::max(slowest, values[kBeforeStages + kOfStage * s]);
    }
    return slowest;
}

ServingCosts modelled_costs(const ServedModel& model, const StepRunner& run,
                            const TokenRanges& ranges, std::int64_t places, std::int64_t chunk) {
    const NetworkSource& source = model.source;
    const Machine& machine = model.machine;
    const bool pipeline = is_pipeline(machine);
    const Watts standing = standing_power(machine);
    const auto fullest = std::make_shared<const std::vector<double>>(
        fullest_step(source, run, ranges, places, chunk, pipeline, standing));
    const auto step = [=, &source](std::int64_t users, std::int64_t context) {
        if (users == places && context == ranges.most_context) {
            return *fullest;
        }
        return values_of(run(source.decode_step(context), users, StepPlace::in_ring), users,
                         standing);
    };
    // In a pipeline beside the caches of all places.
    const std::int64_t beside = pipeline ? places : 1;
    const StepPlace place = pipeline ? StepPlace::alone : StepPlace::in_ring;
    const auto prompt = [=, &source](std::int64_t /*users*/, std::int64_t tokens) {
        return values_of(run(source.prefill(tokens), beside, place), beside, standing);
    };
    const auto part = [=, &source](std::int64_t tokens, std::int64_t before) {
        return values_of(run(source.chunk_step(tokens, before), beside, place), beside, standing);
    };
    const auto macs_of_step = [&](std::int64_t context) {
        return source.decode_step(context).macs();
    };
    const auto macs_of_part = [&](std::int64_t before) {
        return source.chunk_step(chunk, before).macs();
    };
    const std::vector<std::int64_t> users =
        pipeline ? std::vector<std::int64_t>{places} : doubling_counts(1, places);
    ServingCosts costs{
        WorkGrid(users, marks(ranges.least_prompt, ranges.most_context, macs_of_step), step),
        chunk > 0
            ? WorkGrid(chunk_sizes(ranges, chunk), chunk_begins(ranges, chunk, macs_of_part), part)
            : WorkGrid({1}, doubling_counts(ranges.least_prompt, ranges.most_prompt), prompt),
        places,
        pipeline ? (fullest->size() - kBeforeStages) / kOfStage : 0,
        Seconds(0),
        standing,
        chunk};
    if (pipeline) {
        costs.hop = to_seconds(machine.parts().cards->hop);
    }
    return costs;
}

}  // namespace memwall
