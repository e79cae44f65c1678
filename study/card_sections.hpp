// SPDX-License-Identifier: Apache-2.0
// The pieces of a network that cards are given: they are never divided further, but for outputs and
// in blocks that cards share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/machine.hpp"
#include "arch/pipeline.hpp"
#include "base/quantity.hpp"
#include "sim/result.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// What layers need of the card that has them.
struct CardNeeds {
    Bytes weights, state_of_user, activations;
    Bytes lost;     ///< to rows of its memories
    Bytes in, out;  ///< what a group brings and takes away

    /// With the caches of so many users.
    [[nodiscard]] Bytes with_users(std::int64_t users) const {
        return weights + state_of_user * users + activations + lost;
    }
};

/// Layers between two places where a network may be cut.
struct Section {
    std::vector<bool> layers;
    Network network;
    int shape = 0;                       ///< equal for sections that differ in names alone
    std::int64_t divisible_outputs = 1;  ///< of the layer that cards may divide; 1: of none
    Seconds seconds;                     ///< that it adds to a round of one group
    Seconds seconds_resident;            ///< the same where its weights lie in the card's buffer
    CardNeeds needs;
    bool multiplies = false;
};

/// Sections [begin, end), all between two places where a single tensor crosses: cards may share
/// their matrices.
struct Block {
    std::size_t begin = 0, end = 0;
    Network network;
    int shape = 0;
};

/// What each of several cards needs that share a block.
struct BlockShare {
    CardNeeds needs;
    std::int64_t all_reduces = 0;
    Bytes received;  ///< sums of the others, by a group
};

/// As many cards as a machine may have.
inline constexpr std::int64_t kMostCards = 1024;

/// The layers that cards have; all others are the host's.
std::vector<bool> layers_on_cards(const Network& network, const Machine& machine);

/// All sections in order, their seconds not weighed yet.
class CardSections {
public:
    /// Network and machine must outlive it.
    CardSections(const Network& network, const Machine& machine);

    [[nodiscard]] std::vector<Section>& all() { return sections_; }
    [[nodiscard]] const std::vector<Section>& all() const { return sections_; }
    /// The block that a section is in; null for one whose outputs cards may divide.
    [[nodiscard]] const Block* block_with(std::size_t section) const;
    /// The block of just these sections; null where there is none.
    [[nodiscard]] const Block* block(std::size_t begin, std::size_t end) const;
    /// What each card of a stage needs where all do the same but for outputs: weights, caches of
    /// `users` and the most activations; where that is more than `room`, some of it that is more.
    /// What a core's own room adds shows when the part is mapped.
    [[nodiscard]] Bytes needed(const Stage& stage, std::int64_t users, Bytes room) const;
    /// None where so many cards can't share it.
    [[nodiscard]] const std::optional<BlockShare>& share(const Block& block,
                                                         std::int64_t cards) const;

private:
    void cut(std::size_t begin, std::size_t end);
    [[nodiscard]] Section make(std::size_t begin, std::size_t end);
    [[nodiscard]] CardNeeds needs_of(const Network& layers) const;

    const Network& network_;
    const Machine& machine_;
    std::vector<bool> all_;
    std::vector<std::size_t> finer_;  ///< places to cut what no card holds
    std::map<std::string, int> shapes_;
    std::vector<Section> sections_;
    std::vector<Block> blocks_;
    std::vector<std::optional<std::size_t>> block_of_;  ///< by section
    /// By shape of a block and cards.
    mutable std::map<std::pair<int, std::int64_t>, std::optional<BlockShare>> shares_;
};

/// What each section adds to a round of a card that has all of them. Equal ones count alike,
/// whichever of them had its weights in a buffer.
std::vector<Seconds> seconds_of(const std::vector<Section>& sections, const RunResult& run);

/// Whether a card with so much room, or several with equal parts of its outputs, holds a section
/// without caches.
bool fits_somewhere(const Section& section, Bytes room);

}  // namespace memwall
