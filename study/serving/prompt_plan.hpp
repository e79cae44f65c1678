// SPDX-License-Identifier: Apache-2.0
// How an instance reads prompts, and how many users it has places for.
#pragma once

#include <cstdint>
#include <optional>

#include "study/serving/modelled_costs.hpp"

namespace memwall {

/// What the options of `serve` leave open is nothing.
struct AskedPlan {
    std::optional<std::int64_t> places;
    std::optional<std::int64_t> chunk;
    std::int64_t requests = 1;  ///< no more places than that
};

struct ServingPlan {
    std::int64_t places = 1;    ///< at most as many as were asked for or memory holds
    std::int64_t chunk = 0;     ///< tokens of a prompt that are read at a time; 0: all
    bool chunk_chosen = false;  ///< since the longest prompt does not fit whole
};

/// MODEL: a prompt that finds no room whole is read in chunks of a power of two: the largest that
/// does, or of smaller ones as long as the longest prompt is read sooner by them. Throws InputError
/// where chunks are asked for and the machine is no pipeline of cards.
ServingPlan plan_serving(const ServedModel& model, const TokenRanges& ranges,
                         const AskedPlan& asked);

}  // namespace memwall
