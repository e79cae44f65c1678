// SPDX-License-Identifier: Apache-2.0
#include "study/serving/prompt_plan.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "base/error.hpp"

namespace memwall {
namespace {

class PipelinePlanner {
public:
    PipelinePlanner(const ServedModel& model, const TokenRanges& ranges, const AskedPlan& asked)
        : model_(model), ranges_(ranges), asked_(asked) {}

    ServingPlan run() {
        ServingPlan plan;
        plan.chunk = asked_.chunk.value_or(0);
        if (plan.chunk >= ranges_.most_prompt) {
            plan.chunk = 0;
        }
        if (!asked_.chunk && !fits(0)) {
            plan.chunk = best_chunk();
            plan.chunk_chosen = plan.chunk > 0;
        }
        if (asked_.places) {
            plan.places = *asked_.places;
            expect_room(plan);
        } else {
            plan.places = std::max<std::int64_t>(
                1, model_.card_fit(steps(plan.chunk)).most_users(asked_.requests + 1));
        }
        return plan;
    }

private:
    /// Those that need the most room.
    [[nodiscard]] std::vector<Network> steps(std::int64_t chunk) const {
        std::vector<Network> steps = largest_prompt_steps(model_.source, ranges_, chunk);
        steps.insert(steps.begin(), model_.source.decode_step(ranges_.most_context));
        return steps;
    }

    /// Whether those who are asked for have room, or one user.
    [[nodiscard]] bool fits(std::int64_t chunk) const {
        return model_.card_fit(steps(chunk)).holds(asked_.places.value_or(1));
    }

    /// Where there is room for some, but not for all that were asked for, says for how many. Where
    /// there is none the run of the model says why.
    void expect_room(const ServingPlan& plan) const {
        if (fits(plan.chunk)) {
            return;
        }
        // Unless said otherwise prompts may be read in the smallest chunks, beside the most users.
        const std::int64_t chunk =
            asked_.chunk || !model_.source.has_chunks() ? plan.chunk : std::int64_t{1};
        const std::int64_t most = model_.card_fit(steps(chunk)).most_users(plan.places);
        if (most > 0) {
            throw DoesNotFit(
                "network '" + model_.source.network().name() + "' does not fit machine '" +
                model_.machine.name() + "' with " + std::to_string(plan.places) + " places for " +
                std::to_string(ranges_.most_context) + " tokens beside the reading of a prompt" +
                (plan.chunk > 0 ? " in chunks of " + std::to_string(plan.chunk) : "") +
                "; there is room for --users " + std::to_string(most) + " at most");
        }
    }

    /// 0: none has room, or the model reads prompts whole only.
    [[nodiscard]] std::int64_t best_chunk() const {
        std::int64_t chunk = 1;
        while (chunk * 2 < ranges_.most_prompt) {
            chunk *= 2;
        }
        std::int64_t best = 0;
        double least = std::numeric_limits<double>::infinity();
        for (; chunk >= 1 && model_.source.has_chunks(); chunk /= 2) {
            if (best == 0 && !fits(chunk)) {
                continue;
            }
            const std::optional<double> seconds = measured(chunk);
            if (best > 0 && (!seconds || *seconds >= least)) {
                break;
            }
            if (seconds) {
                least = *seconds;
                best = chunk;
            }
        }
        return best;
    }

    /// None where one of the runs finds no room, though those that need most seemed to.
    [[nodiscard]] std::optional<double> measured(std::int64_t chunk) const {
        try {
            return with_modelled_costs(
                model_, ranges_, asked_.places.value_or(1), chunk,
                [&](ServingCosts& costs) { return prompt_seconds(chunk, costs); });
        } catch (const DoesNotFit&) {
            return std::nullopt;
        }
    }

    /// Of the longest prompt alone, as if each of its whole chunks took as long as the last one.
    [[nodiscard]] double prompt_seconds(std::int64_t chunk, ServingCosts& costs) const {
        const std::int64_t last = last_chunk_begin(ranges_.most_prompt, chunk);
        const std::int64_t rest = ranges_.most_prompt - last;
        const double way = costs.prompts.at(rest, static_cast<double>(last))[0];
        if (last == 0) {
            return way;
        }
        const std::int64_t before = rest == chunk ? last : last - chunk;
        const std::vector<double>& whole = costs.prompts.at(chunk, static_cast<double>(before));
        const std::int64_t chunks_before = last / chunk;
        return way + static_cast<double>(chunks_before) * slowest_turn(whole, costs.stages);
    }

    const ServedModel& model_;
    const TokenRanges& ranges_;
    const AskedPlan& asked_;
};

}  // namespace

ServingPlan plan_serving(const ServedModel& model, const TokenRanges& ranges,
                         const AskedPlan& asked) {
    if (is_pipeline(model.machine)) {
        if (model.machine.parts().cards->together > 1) {
            throw InputError(
                "serve: users come one by one; expected --set machine.cards.together=1");
        }
        return PipelinePlanner(model, ranges, asked).run();
    }
    if (asked.chunk) {
        throw InputError("serve: --chunk is for pipelines of cards; machine '" +
                         model.machine.name() + "' reads prompts whole, between two steps");
    }
    ServingPlan plan;
    plan.places = asked.places ? *asked.places : places_that_fit(model, ranges, asked.requests);
    return plan;
}

}  // namespace memwall
