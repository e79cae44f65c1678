// SPDX-License-Identifier: Apache-2.0
// What a chain of layers is divided into for cards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/machine.hpp"
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
    Network whole;            ///< of all its cards
    /// Where cards share matrices: their sums, one after another.
    std::int64_t all_reduces = 0;
    Bytes sent, received;  ///< sums, by a card in all of them, of all items
    Precision sums = Precision::int32;
};

/// What a stage has of a network that was divided, or of another step of it.
CardPart part_of(const Network& network, const StageLayers& stage);

/// Of all these tensors, of the whole batch.
Bytes bytes_of(const Network& network, const std::vector<TensorId>& tensors);

/// Equal for networks that differ in names alone.
std::string shape_text(const Network& network);

/// What keeps weights and caches of a card: the DRAM of a machine that has one, else the memories
/// beside its cores.
const Component& card_memory(const Machine& machine);
/// What it can keep.
Bytes card_capacity(const Machine& machine);
/// Whether it is a memory on the chip that all cores share.
bool is_shared_buffer(const Component& component);
/// What a buffer in front of the card's DRAM holds; 0 without one.
Bytes shared_buffer(const Machine& machine);
/// The same as card_capacity(), without the slots for programs of cores with a memory.
Bytes card_room(const Machine& machine);
/// The most that weights and caches lose in all cores, since each begins at a row of their memory.
Bytes lost_to_rows(const Network& network, const Machine& machine);

/// Throws InputError where users, or frames, make no whole number of groups.
void check_groups(std::int64_t items, const CardsConfig& cards);

}  // namespace memwall
