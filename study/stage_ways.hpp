// SPDX-License-Identifier: Apache-2.0
// What the stages of a pipeline hand on, and what their cards exchange.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "sim/combine_cards.hpp"
#include "sim/result.hpp"
#include "study/card_parts.hpp"
#include "study/card_ways.hpp"

namespace memwall {

class StageWays {
public:
    /// Machine and parts, of all users, must outlive it. `groups`: that go through one by one.
    StageWays(const Machine& machine, const std::vector<CardPart>& parts, std::int64_t groups);

    /// Adds to the stages, one a part, what ways over links and exchanges take, and says for each
    /// what its cards send over links. `come_back`: what comes out goes back to the first stage.
    std::vector<std::vector<CardTransfer>> add(bool come_back, PipelineResult& pipeline);

private:
    void hand_on(std::size_t p, PipelineResult& pipeline);
    void exchange(std::size_t p, StageResult& stage);

    const Machine& machine_;
    const CardsConfig& cards_;
    const std::vector<CardPart>& parts_;
    std::int64_t groups_;
    CardWays ways_;
    std::vector<StageCards> places_;
    std::vector<std::vector<CardTransfer>> sent_;
};

}  // namespace memwall
