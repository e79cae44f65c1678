// SPDX-License-Identifier: Apache-2.0
// What a run lays out on chips, kept as it goes: how the network was divided over cards, and what
// each of them was given to do. A single chip of a language model is the only stage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "sim/result.hpp"
#include "sim/scenario.hpp"
#include "study/card_parts.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// One chip of a stage.
struct LaidOutStage {
    CardPart part;
    Network network;  ///< the part with as many items as a round of the card has
    Scenario rounds;
    std::int64_t together = 1;  ///< items that go through the card at a time
    /// Of the card with all its users, or of one that has the same but for names. Of the log.
    const RunResult* run = nullptr;
};

/// Several steps of a language model may be kept; they are divided alike.
class LaidOut {
public:
    /// What a chip did. Of the runs of parts that differ in names alone the longest is kept: that
    /// with all users, not the one of a group alone.
    void keep_run(const Network& network, const Scenario& rounds, const RunResult& run);
    /// A step that one chip did all of.
    void keep_whole(const Network& step, const Scenario& rounds, const RunResult& run);
    /// A step, at its batch and precision, how many items go through a card together, and how it
    /// was divided in the end. Steps that were divided otherwise before are forgotten: they come
    /// again.
    void keep_step(const Network& step, std::int64_t together, const Division& division);

    /// 0: nothing was divided.
    [[nodiscard]] std::size_t stages() const { return division_.size(); }
    [[nodiscard]] std::size_t steps() const { return steps_.size(); }
    /// A stage, from 0, of the step with the largest caches.
    [[nodiscard]] LaidOutStage stage(std::size_t stage) const;

private:
    struct CardRun {
        Scenario rounds;
        RunResult result;
    };

    std::map<std::string, CardRun> runs_;  ///< by shape
    std::vector<Network> steps_;
    std::int64_t together_ = 1;
    Division division_;
};

/// The stage, from 0, that --stage asks for, from 1. Throws InputError, which lists the stages,
/// where it asks for none that there is; of a single stage nothing need be asked.
std::size_t asked_stage(const std::optional<std::string>& asked, const PipelineResult& pipeline,
                        const std::string& machine);

}  // namespace memwall
