// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/schedule.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "arch/estimate.hpp"
#include "arch/spatial/emitter.hpp"

namespace memwall {
namespace {

/// A layer that begins, or a step that starts, in the draft of a program.
struct DraftEvent {
    Picoseconds at;
    std::int64_t round = 0;
    std::size_t which = 0;  ///< layer, or agent
};

struct Draft {
    std::vector<DraftEvent> begins;  ///< of layers, in the order of time
    std::vector<DraftEvent> starts;  ///< of steps, agent by agent in their order
    std::vector<Picoseconds> ends;   ///< of rounds
};

Draft run_draft(const Program& program, const SpatialEmitter& emitter, const Machine& machine,
                const std::function<bool()>& cancelled) {
    constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    Draft draft;
    const std::vector<TokenId>& epochs = emitter.epochs();
    std::vector<std::size_t> layer_of(program.tokens.size(), kNone);
    for (std::size_t f = 0; f < epochs.size(); ++f) {
        layer_of[epochs[f].position()] = f;
    }
    const auto observe = [&](AgentId agent, const Step& step, const StepTimes& times) {
        if (!step.layer.valid()) {
            return;
        }
        for (const TokenPost& post : step.posts) {
            const std::size_t layer = layer_of[post.token.position()];
            if (layer != kNone) {
                draft.begins.push_back({times.complete, step.item, layer});
            }
        }
        if (emitter.scheduled(agent)) {
            draft.starts.push_back({times.start, step.item, agent.position()});
        }
    };
    draft.ends = estimate(program, machine, Window{0}, observe, cancelled).round_end;
    std::stable_sort(draft.begins.begin(), draft.begins.end(),
                     [](const DraftEvent& a, const DraftEvent& b) { return a.at < b.at; });
    return draft;
}

/// When each step of one round starts, relative to the layer of that round or one before that began
/// last. What starts before anything began has no place in it.
Schedule schedule_of(const Draft& draft, std::int64_t round, std::size_t agents,
                     const ClockDomain& clock) {
    std::vector<DraftEvent> begins;
    std::copy_if(draft.begins.begin(), draft.begins.end(), std::back_inserter(begins),
                 [&](const DraftEvent& begin) { return begin.round <= round; });
    Schedule schedule(agents);
    for (const DraftEvent& start : draft.starts) {
        if (start.round != round) {
            continue;
        }
        const auto later =
            std::upper_bound(begins.begin(), begins.end(), start.at,
                             [](Picoseconds at, const DraftEvent& begin) { return at < begin.at; });
        ScheduledStart scheduled;
        if (later != begins.begin()) {
            const DraftEvent& begin = *std::prev(later);
            scheduled.layer = begin.which;
            scheduled.rounds_before = round - begin.round;
            scheduled.start_at =
                clock.edge_at_or_after(start.at) - clock.edge_at_or_after(begin.at);
        }
        schedule[start.which].push_back(scheduled);
    }
    return schedule;
}

}  // namespace

SteadySchedule steady_schedule(const Network& network, const Machine& machine, const Chip& chip,
                               const Cores& cores, const SpatialNetwork& layers,
                               const MapperOptions& options) {
    constexpr std::int64_t kRoundsBehind = 2;
    constexpr std::int64_t kMostRounds = 48;
    SteadySchedule steady;
    for (std::int64_t rounds = 6; rounds <= kMostRounds; rounds *= 2) {
        SpatialEmitter unscheduled(network, machine, chip, cores, layers, options, nullptr);
        const Program program = unscheduled.run(rounds);
        const Draft draft = run_draft(program, unscheduled, machine, options.cancelled);
        const ClockDomain& clock = machine.clock(program.clock);
        const auto of_round = [&](std::int64_t round) {
            return schedule_of(draft, round, program.agents.size(), clock);
        };
        const std::int64_t last = rounds - 1 - kRoundsBehind;
        steady.schedule = of_round(last);
        const std::int64_t half = last / 2;
        const Picoseconds span = draft.ends[static_cast<std::size_t>(last)] -
                                 draft.ends[static_cast<std::size_t>(last - half)];
        steady.round = Picoseconds(span.count() / half);
        if (steady.schedule == of_round(last - 1)) {
            break;
        }
    }
    return steady;
}

}  // namespace memwall
