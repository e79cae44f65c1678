// SPDX-License-Identifier: Apache-2.0
// The server around the cards of a machine.
#pragma once

#include <cstdint>
#include <string>

#include "arch/technology.hpp"
#include "base/quantity.hpp"

namespace memwall {

// MODEL: what a server draws beside its cards, its hosts, fans and network, does not depend on what
// they do, and each of its cards has an equal share of it.
/// Watts of a whole server, at its plug; what power supplies lose is the host's.
struct ServerConfig {
    std::int64_t cards = 1;  ///< in a server
    Sourced host;            ///< processors, memory, drives, switches between the cards
    Sourced fans;
    Sourced network;   ///< to other servers: adapters and the server's share of switches
    std::string link;  ///< the component over which it reaches other servers; empty: unsaid

    /// The part of a server in which so many cards are.
    [[nodiscard]] double servers(std::int64_t of_cards) const {
        return static_cast<double>(of_cards) / static_cast<double>(cards);
    }
    [[nodiscard]] Watts power() const { return Watts(host.value + fans.value + network.value); }
};

}  // namespace memwall
