// SPDX-License-Identifier: Apache-2.0
#include "arch/ring_exchange.hpp"

#include "base/quantity.hpp"

namespace memwall {

// MODEL: a ring of n cards: an all-gather takes n - 1 steps in each of which a card passes on an
// n-th of the result; an all-reduce adds up in n - 1 steps and gathers in as many, so each card
// sends 2 (n - 1) / n of the bytes in 2 (n - 1) steps (Patarasuk & Yuan, J. Parallel Distrib.
// Comput. 69, 2009; Thakur et al., IJHPCA 19, 2005). The sums hide behind the transfers.
RingExchange ring_exchange(Collective collective, Bytes whole, std::int64_t cards) {
    const std::int64_t turns = collective == Collective::all_reduce ? 2 : 1;
    RingExchange exchange;
    exchange.steps = turns * (cards - 1);
    exchange.sent = Bytes(exchange.steps * ceil_divide(whole.count(), cards));
    return exchange;
}

}  // namespace memwall
