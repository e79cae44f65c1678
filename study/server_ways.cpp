// SPDX-License-Identifier: Apache-2.0
#include "study/server_ways.hpp"

#include <algorithm>
#include <variant>

#include "arch/server_link.hpp"

namespace memwall {

std::optional<ServerWay> ServerWays::between(const StageCards& from, const StageCards& to,
                                             Bytes together) const {
    const ComponentId id = server_link(machine_);
    if (!id.valid()) {
        return std::nullopt;
    }
    const std::int64_t in_server = machine_.parts().server->cards;
    const std::int64_t first = std::min(from.first, to.first);
    const std::int64_t last = std::max(from.first + from.count, to.first + to.count) - 1;
    if (first / in_server == last / in_server) {
        return std::nullopt;
    }
    const auto& link = std::get<LinkConfig>(machine_.component(id).config);
    return ServerWay{together / link.bandwidth, to_seconds(link.latency)};
}

}  // namespace memwall
