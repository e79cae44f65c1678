// SPDX-License-Identifier: Apache-2.0
#include "study/card_exchange.hpp"

#include <variant>

namespace memwall {

// MODEL: in an all-reduce between cards the host reads each card's sums, writes those of the others
// and lets it run on: the commands of one more item, so the card's overhead comes once more. A
// group also waits for the hop, for both ends of the host link and for the sums that come in;
// meanwhile a card does other groups. The run of a card has the same bytes on its host link, as if
// the others' sums came with its inputs.
ExchangeCost exchange_cost(const Machine& machine, std::int64_t all_reduces, Bytes received) {
    const CardsConfig& cards = *machine.parts().cards;
    const auto& host = std::get<LinkConfig>(machine.component(machine.find("host")).config);
    const auto times = static_cast<double>(all_reduces);
    return {Seconds(to_seconds(cards.overhead).count() * times),
            Seconds(to_seconds(cards.hop + host.latency * 2).count() * times) +
                received / host.bandwidth};
}

}  // namespace memwall
