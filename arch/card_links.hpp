// SPDX-License-Identifier: Apache-2.0
// The ways from a card, and from its server, to others.
#pragma once

#include "arch/machine.hpp"

namespace memwall {

/// The component over which a card's server reaches others; invalid where none is said.
inline ComponentId server_link(const Machine& machine) {
    const auto& server = machine.parts().server;
    return server && !server->link.empty() ? machine.find(server->link) : ComponentId();
}

/// The component over which a card of a pipeline reaches the others of its server; invalid where
/// that is the host link, which its run has.
inline ComponentId pipeline_link(const Machine& machine) {
    const auto& cards = machine.parts().cards;
    return cards && cards->linked_pipeline() ? machine.find(cards->link) : ComponentId();
}

}  // namespace memwall
