// SPDX-License-Identifier: Apache-2.0
#include "study/cards_run.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "arch/pipeline.hpp"
#include "base/error.hpp"
#include "sim/combine_cards.hpp"
#include "study/card_divider.hpp"
#include "study/card_parts.hpp"
#include "study/part_runs.hpp"
#include "study/stage_split.hpp"
#include "study/stage_ways.hpp"

namespace memwall {
namespace {

class CardsRun {
public:
    CardsRun(const Network& network, const Machine& machine, Passage passage, CardLayout& layout,
             const CardRunner& run, const CardFits& fits)
        : network_(network),
          machine_(machine),
          cards_(*machine.parts().cards),
          passage_(passage),
          layout_(layout),
          groups_(network.batch() / cards_.together),
          runs_(machine, groups_, run),
          fits_(fits) {
        check_groups(network.batch(), cards_);
        if (layout.division.empty()) {
            divide(layout);
            return;
        }
        take(layout.division);
        const std::vector<RefusedStage> refused = refused_stages(layout.division);
        if (!refused.empty()) {
            layout.division.clear();
            layout.refused.insert(layout.refused.end(), refused.begin(), refused.end());
            throw DividedAgain(refused.front().why);
        }
    }

    RunResult run() {
        PipelineResult pipeline = stages();
        if (layout_.tells_most_users) {
            find_most_users(pipeline);
        }
        const RingTime ring = time_round_ring(groups_, pipeline.round_trip, pipeline.turn());
        pipeline.by_round_trip = ring.by_round_trip && passage_ != Passage::stream;
        const Seconds window = window_of(pipeline);
        RunResult result = combine_cards(shares(pipeline), cards_.count, machine_, window);
        result.network = network_.name();
        result.totals.power_scope =
            std::to_string(cards_.count) + (cards_.count == 1 ? " card" : " cards");
        result.scenario = Scenario();
        result.scenario.batch = result.scenario.items = network_.batch();
        result.scenario.composed = composed();
        result.totals.items = network_.batch();
        result.totals.throughput = static_cast<double>(network_.batch()) / window.count();
        result.totals.energy_per_item =
            Joules(result.totals.energy.count() / static_cast<double>(network_.batch()));
        result.totals.latency = {
            passage_ == Passage::stream ? trip_of(pipeline) : window, {}, {}, {}};
        result.totals.items_together = cards_.together;
        pipeline.static_power = standing_power(window);
        pipeline.dynamic_power = result.totals.power - pipeline.static_power;
        result.totals.pipeline = std::move(pipeline);
        return result;
    }

private:
    // MODEL: under a power cap each card of a pipeline works at the clock at which it could work
    // all the time, also where it waits for others in between, and waits at its own clock.
    /// Of all cards.
    [[nodiscard]] Watts standing_power(Seconds window) {
        const Watts own = machine_.standing_power();
        double watts = own.count() * static_cast<double>(cards_.count);
        for (const CardPart& part : parts_) {
            const Totals& busy = runs_.of(part.network).busy.totals;
            if (busy.power_cap) {
                const Watts less = own - machine_.at_clock(busy.power_cap->clock).standing_power();
                watts -= less.count() * (busy.window.count() / window.count());
            }
        }
        return Watts(watts);
    }

    void take(const Division& division) {
        parts_.clear();
        for (const StageLayers& stage : division) {
            parts_.push_back(part_of(network_, stage));
        }
    }

    /// The best division of which every part finds room on its card, by what its stages take when
    /// they are run.
    void divide(CardLayout& layout) {
        CardDivider divider(network_, machine_, passage_ == Passage::stream ? 0 : groups_);
        divider.weigh(
            [&](const Network& layers, WholeCard card) { return runs_.weighed(layers, card); });
        for (const RefusedStage& refused : layout.refused) {
            divider.refuse(refused);
        }
        while (layout.division.empty()) {
            Division division = divider.divide();
            take(division);
            if (!refuses(divider, division, layout)) {
                improve(divider, std::move(division), layout);
            }
        }
    }

    /// Whether a stage finds no room; the divider and the layout know then.
    bool refuses(CardDivider& divider, const Division& division, CardLayout& layout) {
        const std::vector<RefusedStage> refused = refused_stages(division);
        for (const RefusedStage& stage : refused) {
            divider.refuse(stage);
            layout.refused.push_back(stage);
        }
        return !refused.empty();
    }

    /// Stages that are slower than they were taken for give way to others, until the best division
    /// is one whose stages take what they should. The fastest of all that were run is kept.
    void improve(CardDivider& divider, Division division, CardLayout& layout) {
        constexpr int kMostTries = 24;
        Seconds least = window_of(stages());
        layout.division = division;
        for (int tries = 0; tries < kMostTries && corrected(divider, division); ++tries) {
            try {
                division = divider.divide();
            } catch (const DoesNotFit&) {
                break;  // nothing else finds room
            }
            take(division);
            if (refuses(divider, division, layout)) {
                continue;
            }
            const Seconds window = window_of(stages());
            if (window < least) {
                least = window;
                layout.division = division;
            }
        }
        take(layout.division);
    }

    /// Whether a stage of the division takes longer than the divider thought.
    bool corrected(CardDivider& divider, const Division& division) {
        bool some = false;
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            const PartRun* run = runs_.known(parts_[p].network);
            some = run == nullptr || divider.correct(division[p], run->interval) || some;
        }
        return some;
    }

    /// Of one group through all cards, and not back.
    [[nodiscard]] Seconds trip_of(const PipelineResult& pipeline) const {
        return pipeline.round_trip - way_behind(pipeline, parts_.size() - 1);
    }

    /// In which every group gets a token, or all frames are made.
    [[nodiscard]] Seconds window_of(const PipelineResult& pipeline) const {
        const auto turns = [&](std::int64_t groups) {
            return Seconds(pipeline.turn().count() * static_cast<double>(groups));
        };
        switch (passage_) {
            case Passage::ring:
                return time_round_ring(groups_, pipeline.round_trip, pipeline.turn()).round;
            case Passage::once:
                return trip_of(pipeline) + turns(groups_ - 1);
            case Passage::stream:
                return turns(groups_);
        }
        fail("unknown passage");
    }

    /// Those that find no room when they are mapped, one of each shape.
    std::vector<RefusedStage> refused_stages(const Division& division) {
        std::vector<RefusedStage> refused;
        std::set<std::string> shapes;
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            if (!shapes.insert(shape_text(parts_[p].network)).second) {
                continue;
            }
            try {
                runs_.of(parts_[p].network);
            } catch (const DoesNotFit& refusal) {
                refused.push_back({division[p], refusal});
            }
        }
        return refused;
    }

    PipelineResult stages() {
        PipelineResult pipeline;
        pipeline.cards = cards_.count;
        pipeline.hop = to_seconds(cards_.hop);
        pipeline.overhead = to_seconds(cards_.overhead);
        for (const CardPart& part : parts_) {
            const PartRun& run = runs_.of(part.network);
            StageResult stage;
            stage.first = part.first;
            stage.last = part.last;
            stage.cards = part.cards;
            stage.interval = run.interval;
            stage.latency = run.latency;
            for (const auto& [memory, peak] : run.busy.totals.peak_memory) {
                stage.held = memory == card_memory(machine_).name ? peak : stage.held;
            }
            const Bytes state = part.network.state_bytes();
            if (!runs_.all_in_cores()) {  // those of the groups that wait
                stage.held += state - Bytes(state.count() / groups_);
            }
            pipeline.stages.push_back(std::move(stage));
        }
        sent_ = StageWays(machine_, parts_, groups_).add(passage_ != Passage::stream, pipeline);
        for (std::size_t p = 0; p < parts_.size() && runs_.all_in_cores(); ++p) {
            const Network& part = parts_[p].network;
            StageResult& stage = pipeline.stages[p];
            stage.split = stage_split(part, runs_.of(part), machine_, groups_, stage.interval);
        }
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            pipeline.round_trip += time_of(pipeline, p);
        }
        return pipeline;
    }

    /// By the sum of bytes, and as far as parts fit when they are mapped with so many.
    void find_most_users(PipelineResult& pipeline) const {
        std::map<std::string, std::int64_t> known;  // by shape
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            const Network& part = parts_[p].network;
            const Bytes state = part.state_bytes();
            if (state == Bytes(0)) {
                continue;
            }
            const auto [most, fresh] = known.try_emplace(shape_text(part), 0);
            if (fresh) {
                const Bytes room = card_capacity(machine_) - pipeline.stages[p].held + state;
                most->second = room.count() / (state.count() / network_.batch());
                if (fits_) {
                    most->second = most_users_of_part(part, cards_.together, network_.batch(),
                                                      most->second, fits_);
                }
            }
            pipeline.stages[p].most_users = most->second;
        }
    }

    /// From when a group comes to a stage until it comes to the next one.
    static Seconds time_of(const PipelineResult& pipeline, std::size_t stage) {
        return pipeline.stages[stage].latency + pipeline.overhead + way_behind(pipeline, stage);
    }

    /// From a stage to the next one, or from the last one back.
    static Seconds way_behind(const PipelineResult& pipeline, std::size_t stage) {
        return pipeline.hop + pipeline.stages[stage].way();
    }

    std::vector<CardShare> shares(const PipelineResult& pipeline) {
        std::vector<CardShare> shares;
        Seconds start(0);
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            CardShare share;
            share.run = &runs_.of(parts_[p].network).busy;
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
            shares.back().handed_on = sent_[p];
            start += time_of(pipeline, p);
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
                const RunResult& stands = runs_.known(parts.back()->network)->busy;
                const RunResult own = runs_.busy(parts.back()->network);
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
    Passage passage_;
    const CardLayout& layout_;
    std::int64_t groups_;
    PartRuns runs_;
    const CardFits& fits_;
    std::vector<CardPart> parts_;
    std::vector<std::vector<CardTransfer>> sent_;  ///< by part: over links to other cards
};

}  // namespace

RunResult run_cards(const Network& network, const Machine& machine, Passage passage,
                    CardLayout& layout, const CardRunner& run, const CardFits& fits) {
    const bool alone = layout.refused.empty();
    try {
        return CardsRun(network, machine, passage, layout, run, fits).run();
    } catch (const DividedAgain&) {
        throw;
    } catch (const DoesNotFit& refusal) {
        if (!alone) {
            throw;  // another step has no room beside this one
        }
        throw with_what_fits(refusal, network, machine, fits);
    }
}

}  // namespace memwall
