// SPDX-License-Identifier: Apache-2.0
// What it takes cards that share a block to add up their partial sums through their host.
#pragma once

#include <cstdint>

#include "arch/machine.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// Of one group.
struct ExchangeCost {
    Seconds turn;   ///< that the cards and their host are taken
    Seconds waits;  ///< that a group is longer on its way, while the cards do others
    [[nodiscard]] Seconds way() const { return turn + waits; }
};

/// So many all-reduces, one after another, in which a card receives so many bytes in all.
ExchangeCost exchange_cost(const Machine& machine, std::int64_t all_reduces, Bytes received);

}  // namespace memwall
