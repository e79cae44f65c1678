// SPDX-License-Identifier: Apache-2.0
// One result from those of the cards of a pipeline, each of which did its part of the network for
// the same items.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "sim/result.hpp"

namespace memwall {

/// Results on their way over a link to other cards, in the window.
struct CardTransfer {
    ComponentId link;
    Bytes bytes;
    Precision precision = Precision::int8;
};

/// What a card did of a round. Cards with equal parts share a run.
struct CardShare {
    const RunResult* run = nullptr;
    std::vector<std::string> layers;        ///< names of its own, in the order of the run's
    Seconds start;                          ///< of its part, in the way of an item alone
    std::vector<CardTransfer> handed_on{};  ///< by its last layer
};

/// The sum of all cards over `window`, in which the items of one run go through all of them. A card
/// draws its leakage and clock power also while it waits; so do those of `all_cards` that have no
/// part. Scenario, items, latency and throughput are for the caller to set.
RunResult combine_cards(const std::vector<CardShare>& cards, std::int64_t all_cards,
                        const Machine& machine, Seconds window);

}  // namespace memwall
