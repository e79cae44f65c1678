// SPDX-License-Identifier: Apache-2.0
#include "study/server_power.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/parse.hpp"

namespace memwall {

std::optional<ServerResult> servers_around(const Machine& machine, std::int64_t cards) {
    const auto& server = machine.parts().server;
    if (!server) {
        return std::nullopt;
    }
    ServerResult result;
    result.servers = server->servers(cards);
    const auto all = [&](double watts) { return Watts(watts * result.servers); };
    result.host = all(server->host.value);
    result.fans = all(server->fans.value);
    result.network = all(server->network.value);
    result.power = all(server->power().count());
    result.power_low = all(server->host.low + server->fans.low + server->network.low);
    result.power_high = all(server->host.high + server->fans.high + server->network.high);
    return result;
}

void add_servers(const Machine& machine, Totals& totals) {
    totals.server = servers_around(machine, machine.cards());
    if (!totals.server) {
        return;
    }
    ServerResult& server = *totals.server;
    server.power += totals.power;
    server.power_low += totals.energy_low / totals.window;
    server.power_high += totals.energy_high / totals.window;
    server.energy_per_item =
        Joules((server.power * totals.window).count() / static_cast<double>(totals.items));
}

std::string servers_text(const ServerResult& server) {
    const bool whole = server.servers == std::floor(server.servers);
    return fmt::format("{:g} server{}{}: host {}, fans {}, network {}", server.servers,
                       server.servers == 1 ? "" : "s", whole ? "" : ", by the cards' share",
                       format_watts(server.host), format_watts(server.fans),
                       format_watts(server.network));
}

}  // namespace memwall
