// SPDX-License-Identifier: Apache-2.0
#include "study/laid_out.hpp"

#include <algorithm>
#include <variant>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "study/pipeline_text.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

bool same(const Division& a, const Division& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const StageLayers& one, const StageLayers& other) {
                          return one.layers == other.layers && one.cards == other.cards;
                      });
}

}  // namespace

void LaidOut::keep_run(const Network& network, const Scenario& rounds, const RunResult& run) {
    const auto [kept, fresh] = runs_.try_emplace(shape_text(network), CardRun{rounds, run});
    if (!fresh && rounds.rounds() > kept->second.rounds.rounds()) {
        kept->second = {rounds, run};
    }
}

void LaidOut::keep_whole(const Network& step, const Scenario& rounds, const RunResult& run) {
    keep_run(step, rounds, run);
    keep_step(step, 1, {{std::vector<bool>(step.layers().size(), true), 1}});
}

void LaidOut::keep_step(const Network& step, std::int64_t together, const Division& division) {
    together_ = together;
    if (!same(division, division_)) {
        steps_.clear();
        division_ = division;
    }
    steps_.push_back(step);
}

LaidOutStage LaidOut::stage(std::size_t stage) const {
    const auto fullest = std::max_element(
        steps_.begin(), steps_.end(),
        [](const Network& a, const Network& b) { return a.state_bytes() < b.state_bytes(); });
    ensure(fullest != steps_.end() && stage < division_.size(), "a stage of a step was run");
    LaidOutStage laid_out;
    laid_out.part = part_of(*fullest, division_[stage]);
    laid_out.together = together_;
    // A card has all users in a round, or a group of them.
    for (const std::int64_t items : {fullest->batch(), together_}) {
        laid_out.network = with_batch(laid_out.part.network, items);
        const auto run = runs_.find(shape_text(laid_out.network));
        if (run != runs_.end()) {
            laid_out.rounds = run->second.rounds;
            laid_out.run = &run->second.result;
            return laid_out;
        }
    }
    fail("a card of each stage was run");
}

std::size_t asked_stage(const std::optional<std::string>& asked, const PipelineResult& pipeline,
                        const std::string& machine) {
    const auto stages = static_cast<std::int64_t>(pipeline.stages.size());
    if (!asked) {
        if (stages == 1) {
            return 0;
        }
        throw InputError("machine '" + machine + "' has the network in " + std::to_string(stages) +
                         " stages: " + stage_list(pipeline.stages) +
                         "; --stage N says which one to show");
    }
    const auto number = parse_count(*asked);
    const auto* stage = std::get_if<std::int64_t>(&number);
    if (stage == nullptr || *stage < 1 || *stage > stages) {
        throw InputError("--stage: expected a number from 1 to " + std::to_string(stages) +
                         ", found '" + *asked + "'; the stages are " + stage_list(pipeline.stages));
    }
    return static_cast<std::size_t>(*stage - 1);
}

}  // namespace memwall
