// SPDX-License-Identifier: Apache-2.0
// The way from a card's server to others.
#pragma once

#include "arch/machine.hpp"

namespace memwall {

/// The component over which a card's server reaches others; invalid where none is said.
inline ComponentId server_link(const Machine& machine) {
    const auto& server = machine.parts().server;
    return server && !server->link.empty() ? machine.find(server->link) : ComponentId();
}

}  // namespace memwall
