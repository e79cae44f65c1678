// SPDX-License-Identifier: Apache-2.0
#include "study/server_ways.hpp"

#include <algorithm>
#include <variant>

namespace memwall {

std::optional<ServerWay> ServerWays::between(const StageCards& from, const StageCards& to,
                                             Bytes together) const {
    const auto& server = machine_.parts().server;
    if (!server || server->link.empty()) {
        return std::nullopt;
    }
    const std::int64_t first = std::min(from.first, to.first);
    const std::int64_t last = std::max(from.first + from.count, to.first + to.count) - 1;
    if (first / server->cards == last / server->cards) {
        return std::nullopt;
    }
    const auto& link = std::get<LinkConfig>(machine_.component(machine_.find(server->link)).config);
    return ServerWay{together / link.bandwidth, to_seconds(link.latency)};
}

}  // namespace memwall
