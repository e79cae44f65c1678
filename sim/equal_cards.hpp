// SPDX-License-Identifier: Apache-2.0
// One result from that of a card which stands for several that do the same at the same time.
#pragma once

#include <cstdint>

#include "sim/result.hpp"

namespace memwall {

/// All counts, bytes, energies and powers times `cards`; times and rates stay. Peaks of memories
/// stay those of one card.
RunResult of_equal_cards(RunResult card, std::int64_t cards);

}  // namespace memwall
