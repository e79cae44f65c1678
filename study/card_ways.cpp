// SPDX-License-Identifier: Apache-2.0
#include "study/card_ways.hpp"

#include <algorithm>
#include <variant>

#include "arch/card_links.hpp"

namespace memwall {
namespace {

const LinkConfig& config_of(const Machine& machine, ComponentId link) {
    return std::get<LinkConfig>(machine.component(link).config);
}

}  // namespace

// MODEL: a GPU of a pipeline stores what it hands on straight into the memory of the next one, over
// the link between them: its bytes over the link's bandwidth, then the link's latency. The link is
// used for nothing else, so this goes on beside the next group's work, and a stage takes in no more
// than its link passes on. The write is counted at the memory of the card that hands on.
std::optional<CardWay> CardWays::between(const StageCards& from, const StageCards& to,
                                         Bytes together) const {
    const std::int64_t first = std::min(from.first, to.first);
    const std::int64_t last = std::max(from.first + from.count, to.first + to.count) - 1;
    const ComponentId far = server_link(machine_);
    const bool leaves = far.valid() && first / machine_.parts().server->cards !=
                                           last / machine_.parts().server->cards;
    const ComponentId link = leaves ? far : pipeline_link(machine_);
    if (!link.valid() || first == last) {
        return std::nullopt;
    }
    const LinkConfig& config = config_of(machine_, link);
    return CardWay{link, leaves, together / config.bandwidth, to_seconds(config.latency)};
}

CardPort card_port(const Machine& machine) {
    if (const ComponentId link = pipeline_link(machine); link.valid()) {
        const LinkConfig& config = config_of(machine, link);
        return {config.bandwidth, config.latency};
    }
    const LinkConfig& host = config_of(machine, machine.find("host"));
    return {host.bandwidth, host.latency * 2};  // of both cards
}

}  // namespace memwall
