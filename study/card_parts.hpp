// SPDX-License-Identifier: Apache-2.0
// What a chain of layers is divided into for cards, and who gets what.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/pipeline.hpp"
#include "sim/result.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Which layers a stage has, of a network and of all its steps: weights stay where they are.
struct StageLayers {
    std::vector<bool> layers;
    std::int64_t cards = 1;
};
using Division = std::vector<StageLayers>;

/// A part of a network on one card, or of which several have an equal share.
struct CardPart {
    Network network;  ///< of one card
    std::int64_t cards = 1;
    std::string first, last;  ///< layers
};

/// Runs layers one behind the other as if one card could hold them all and its host link were never
/// in the way.
using WholeRun = std::function<RunResult(const Network& layers)>;

/// The pipeline of the cards of `machine`: the least slowest stage, then the shortest way. Throws
/// InputError where the network does not fit.
Division divide_over_cards(const Network& network, const Machine& machine, const WholeRun& run);

/// What a stage has of a network that was divided, or of another step of it.
CardPart part_of(const Network& network, const StageLayers& stage);

/// Equal for networks that differ in names alone.
std::string shape_text(const Network& network);

/// What a card can keep: the memories beside its cores.
Bytes card_capacity(const Machine& machine);
/// The same without the cores' two slots for instructions.
Bytes card_room(const Machine& machine);
/// The most that weights and caches lose in all cores, since each begins at a row of memory.
Bytes lost_to_rows(const Network& network, const Machine& machine);

}  // namespace memwall
