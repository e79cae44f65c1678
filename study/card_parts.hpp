// SPDX-License-Identifier: Apache-2.0
// What a chain of layers is divided into for cards, and who gets what.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "arch/pipeline.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// A part of a network on one card, or of which several have an equal share.
struct CardPart {
    Network network;  ///< of one card
    std::int64_t cards = 1;
    std::string first, last;  ///< layers
};

/// Seconds between the groups of users that a card with this part takes in; throws InputError where
/// it does not fit.
using PartInterval = std::function<Seconds(const Network& part)>;

/// The pipeline of the cards of `machine`: the least slowest stage, then the shortest way. Throws
/// InputError where the network does not fit.
std::vector<CardPart> divide_over_cards(const Network& network, const Machine& machine,
                                        const PartInterval& interval);

/// Equal for networks that differ in names alone.
std::string shape_text(const Network& network);

/// What a card can keep: the memories beside its cores.
Bytes card_capacity(const Machine& machine);

}  // namespace memwall
