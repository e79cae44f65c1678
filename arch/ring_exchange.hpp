// SPDX-License-Identifier: Apache-2.0
// What a collective over a ring of cards sends, and in how many steps.
#pragma once

#include <cstdint>

#include "base/quantity.hpp"
#include "workloads/collective.hpp"

namespace memwall {

/// Of one card; it receives as much.
struct RingExchange {
    Bytes sent;
    std::int64_t steps = 0;  ///< one after another, each with the latency of the link
};

/// Of a result of `whole` bytes on `cards` cards.
RingExchange ring_exchange(Collective collective, Bytes whole, std::int64_t cards);

}  // namespace memwall
