// SPDX-License-Identifier: Apache-2.0
// The pieces of a network that cards are given: they are never divided further, but for outputs.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "base/quantity.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Layers between two places where a network may be cut.
struct Section {
    std::vector<bool> layers;
    Network network;
    int shape = 0;                       ///< equal for sections that differ in names alone
    std::int64_t divisible_outputs = 1;  ///< of the layer that cards may divide; 1: of none
    Seconds seconds;                     ///< that it adds to a round of one group
    Seconds seconds_resident;            ///< the same where its weights lie in the card's buffer
    Bytes weights, state_of_user, activations, lost;
    Bytes in, out;  ///< what a group brings and takes away
    bool multiplies = false;
};

/// As many cards as a machine may have.
inline constexpr std::int64_t kMostCards = 1024;

/// The layers that cards have; all others are the host's.
std::vector<bool> layers_on_cards(const Network& network);

/// All sections in order, their seconds not weighed yet. Network and machine must outlive them.
std::vector<Section> card_sections(const Network& network, const Machine& machine);

/// Whether a card with so much room, or several with equal parts of its outputs, holds a section
/// without caches.
bool fits_somewhere(const Section& section, Bytes room);

}  // namespace memwall
