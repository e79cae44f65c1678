// SPDX-License-Identifier: Apache-2.0
// A chain of layers over several chips: who gets which part, and how fast users go round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/quantity.hpp"

namespace memwall {

/// Items [begin, end) of a chain on one card, or on several that do equal parts of them at once.
struct Stage {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int64_t cards = 1;

    friend bool operator==(const Stage&, const Stage&) = default;
};

/// What a stage takes of time.
struct StageCost {
    Seconds turn;      ///< until it can take in the next group
    Seconds waits{0};  ///< what a group is longer on its way, while the stage does others
};

/// Cost of items [begin, end) on `cards` cards; none where they do not fit, or can't be divided.
using StageTime =
    std::function<std::optional<StageCost>(std::size_t begin, std::size_t end, std::int64_t cards)>;

/// What a partition is to be good for.
struct PartitionGoal {
    std::int64_t groups =
        0;             ///< that go through the stages one behind the other; 0: no end of them
    Seconds each;      ///< what a stage adds to the way beside its own time
    Seconds turn;      ///< and what it adds to its turns
    double slack = 0;  ///< by this share the slowest stage may be slower for a shorter way
};

/// The partition of `items` over at most `cards` cards that is best for `goal`: where a group's way
/// and the turns of all groups at the slowest stage, whichever is longer, take least; without an
/// end of groups, where the slowest stage is the least. Of those whose slowest stage is as fast, or
/// slower by the slack, the one with the shortest way. Exact, by dynamic programming over the
/// chain. None where nothing fits.
std::optional<std::vector<Stage>> partition_chain(std::size_t items, std::int64_t cards,
                                                  const PartitionGoal& goal, const StageTime& time);

/// MODEL: users go round a ring of stages: each stage takes in a group every turn, first come
/// first served, and a group's next token begins when its last one has come out. A round takes the
/// groups' way alone or the slowest stage's turns, whichever is longer.
struct RingTime {
    Seconds round;               ///< in which every group gets a token
    bool by_round_trip = false;  ///< else the slowest stage limits
};
RingTime time_round_ring(std::int64_t groups, Seconds round_trip, Seconds slowest);

}  // namespace memwall
