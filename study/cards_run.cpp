// SPDX-License-Identifier: Apache-2.0
#include "study/cards_run.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "arch/pipeline.hpp"
#include "base/error.hpp"
#include "sim/combine_cards.hpp"
#include "study/card_parts.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// Of a part's run: the first steps fill what the last finds full, and so many groups more.
constexpr std::int64_t kSteps = 3;

/// Enough groups of users to keep a card busy, when parts are weighed.
constexpr std::int64_t kWeighedGroups = 8;

Scenario steps_of(const Network& part, std::int64_t groups) {
    Scenario scenario;
    scenario.batch = part.batch();
    scenario.items = (kSteps + kWeighedGroups / groups) * part.batch();
    scenario.warmup_items = scenario.items - part.batch();
    return scenario;
}

/// A group alone: with caches its tokens come one after another, else they would queue.
Scenario alone_scenario(const Network& part) {
    Scenario scenario = steps_of(part, 1);
    if (part.state_bytes() == Bytes(0)) {
        scenario.items = part.batch();
        scenario.warmup_items = 0;
    }
    return scenario;
}

/// A part with all its users, and alone with one group of them.
struct PartRun {
    RunResult busy;
    Seconds latency;
};

class CardsRun {
public:
    CardsRun(const Network& network, const Machine& machine, Division& division,
             const CardRunner& run)
        : network_(network),
          machine_(machine),
          cards_(*machine.parts().cards),
          run_(run),
          groups_(network.batch() / cards_.together) {
        check_groups(network.batch(), cards_);
        const std::int64_t some = std::min(groups_, kWeighedGroups);
        if (division.empty()) {
            division = divide_over_cards(network, machine, [&](const Network& layers) {
                const Network weighed = with_batch(layers, some * cards_.together);
                return run_(weighed, steps_of(weighed, some), true);
            });
        }
        for (const StageLayers& stage : division) {
            parts_.push_back(part_of(network, stage));
        }
    }

    RunResult run(Passage passage) {
        PipelineResult pipeline = stages();
        const Seconds trip = pipeline.round_trip - pipeline.hop;  // the last one is the way back
        const auto turns = [&](std::int64_t groups) {
            return Seconds(pipeline.slowest().count() * static_cast<double>(groups));
        };
        const RingTime ring = time_round_ring(groups_, pipeline.round_trip, pipeline.slowest());
        pipeline.by_round_trip = ring.by_round_trip && passage != Passage::stream;
        const Seconds window = passage == Passage::ring   ? ring.round
                               : passage == Passage::once ? trip + turns(groups_ - 1)
                                                          : turns(groups_);
        RunResult result = combine_cards(shares(pipeline), cards_.count, machine_, window);
        result.network = network_.name();
        result.totals.power_scope = std::to_string(cards_.count) + " cards";
        result.scenario = Scenario();
        result.scenario.batch = result.scenario.items = network_.batch();
        result.scenario.composed = composed();
        result.totals.items = network_.batch();
        result.totals.throughput = static_cast<double>(network_.batch()) / window.count();
        result.totals.energy_per_item =
            Joules(result.totals.energy.count() / static_cast<double>(network_.batch()));
        result.totals.latency = {passage == Passage::stream ? trip : window, {}, {}, {}};
        result.totals.items_together = cards_.together;
        pipeline.static_power =
            Watts(machine_.standing_power().count() * static_cast<double>(cards_.count));
        pipeline.dynamic_power = result.totals.power - pipeline.static_power;
        result.totals.pipeline = std::move(pipeline);
        return result;
    }

private:
    static Seconds interval(const RunResult& busy, std::int64_t groups) {
        return Seconds(busy.totals.window.count() / static_cast<double>(groups));
    }

    const PartRun& run_of(const CardPart& part) {
        const auto [known, fresh] = runs_.try_emplace(shape_text(part.network));
        if (fresh) {
            known->second.busy = run_(part.network, steps_of(part.network, groups_), false);
            const Network alone = with_batch(part.network, cards_.together);
            known->second.latency = run_(alone, alone_scenario(alone), false).totals.latency.mean;
        }
        return known->second;
    }

    PipelineResult stages() {
        PipelineResult pipeline;
        pipeline.cards = cards_.count;
        pipeline.hop = to_seconds(cards_.hop);
        for (const CardPart& part : parts_) {
            const PartRun& run = run_of(part);
            StageResult stage;
            stage.first = part.first;
            stage.last = part.last;
            stage.cards = part.cards;
            stage.interval = interval(run.busy, groups_);
            stage.latency = run.latency;
            for (const auto& [memory, peak] : run.busy.totals.peak_memory) {
                stage.held = memory == "core_memory" ? peak : stage.held;
            }
            const Bytes state = part.network.state_bytes();
            if (state > Bytes(0)) {
                const Bytes room = card_capacity(machine_) - stage.held + state -
                                   lost_to_rows(part.network, machine_);
                stage.most_users = room.count() / (state.count() / network_.batch());
            }
            pipeline.round_trip += stage.latency + pipeline.hop;
            pipeline.stages.push_back(std::move(stage));
        }
        return pipeline;
    }

    std::vector<CardShare> shares(const PipelineResult& pipeline) {
        std::vector<CardShare> shares;
        Seconds start(0);
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            CardShare share;
            share.run = &run_of(parts_[p]).busy;
            share.start = start;
            for (std::int64_t card = 0; card < parts_[p].cards; ++card) {
                share.layers.clear();
                for (const Layer& layer : parts_[p].network.layers()) {
                    share.layers.push_back(parts_[p].cards == 1
                                               ? layer.name
                                               : layer.name + "/" + std::to_string(card + 1));
                }
                shares.push_back(share);
            }
            start += pipeline.stages[p].latency + pipeline.hop;
        }
        return shares;
    }

    /// One of the cards that another stands for is run too, and compared.
    ComposedCards composed() {
        ComposedCards composed;
        std::map<std::string, std::vector<const CardPart*>> alike;
        for (const CardPart& part : parts_) {
            composed.cards += part.cards;
            alike[shape_text(part.network)].push_back(&part);
        }
        composed.run = static_cast<std::int64_t>(alike.size());
        for (const auto& [shape, parts] : alike) {
            if (parts.size() > 1) {
                const RunResult& stands = runs_.at(shape).busy;
                const RunResult own =
                    run_(parts.back()->network, steps_of(parts.back()->network, groups_), false);
                const auto miss = [](double a, double b) { return std::abs(a / b - 1); };
                composed.error = std::max(
                    {composed.error, miss(stands.totals.window.count(), own.totals.window.count()),
                     miss(stands.totals.energy.count(), own.totals.energy.count())});
                ++composed.run;
            }
        }
        return composed;
    }

    const Network& network_;
    const Machine& machine_;
    const CardsConfig& cards_;
    const CardRunner& run_;
    std::int64_t groups_;
    std::vector<CardPart> parts_;
    std::map<std::string, PartRun> runs_;
};

}  // namespace

void check_groups(std::int64_t items, const CardsConfig& cards) {
    if (items % cards.together != 0) {
        throw InputError(std::to_string(items) + " users are no whole number of groups of " +
                         std::to_string(cards.together) +
                         " that go through a card together (machine.cards.together)");
    }
}

RunResult run_cards(const Network& network, const Machine& machine, Passage passage,
                    Division& division, const CardRunner& run) {
    return CardsRun(network, machine, division, run).run(passage);
}

}  // namespace memwall
