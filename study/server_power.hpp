// SPDX-License-Identifier: Apache-2.0
// Figures of a result with what is around the cards: hosts, fans, network.
#pragma once

#include <optional>
#include <string>

#include "arch/machine.hpp"
#include "sim/result.hpp"

namespace memwall {

/// What the servers around so many cards draw; none where the machine says nothing of them. The
/// powers and energy are those of the servers alone.
std::optional<ServerResult> servers_around(const Machine& machine, std::int64_t cards);

/// Adds them to the totals of a run on all cards of the machine.
void add_servers(const Machine& machine, Totals& totals);

/// "1 server: host 737 W, fans 208 W, network 50.0 W"
std::string servers_text(const ServerResult& server);

}  // namespace memwall
