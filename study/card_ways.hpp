// SPDX-License-Identifier: Apache-2.0
// The ways between the stages of a pipeline: from card to card, and from server to server.
#pragma once

#include <cstdint>
#include <optional>

#include "arch/machine.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// Cards of a stage, numbered from the first of an instance.
struct StageCards {
    std::int64_t first = 0;
    std::int64_t count = 1;
};

/// What a way over a link takes beside the hop.
struct CardWay {
    ComponentId link;
    bool between_servers = false;
    Seconds occupied;  ///< of the link, by what goes together
    Seconds latency;
    [[nodiscard]] Seconds time() const { return occupied + latency; }
};

/// MODEL: an instance begins with a server, and its stages follow each other on its cards. From
/// server to server what goes together passes the servers' link behind the hop: its bytes over the
/// link's bandwidth, then the link's latency. The division of a network does not look at where
/// servers end.
class CardWays {
public:
    /// The machine must outlive it.
    explicit CardWays(const Machine& machine) : machine_(machine) {}

    /// The way of so many bytes between two stages: over the servers' link where it leads to
    /// another server and one is said, else over the one between cards. None where a stage keeps
    /// them, or hands them on over its host link, which its run has.
    [[nodiscard]] std::optional<CardWay> between(const StageCards& from, const StageCards& to,
                                                 Bytes together) const;

private:
    const Machine& machine_;
};

/// Over which a card hands on.
struct CardPort {
    BytesPerSecond bandwidth;
    Picoseconds latency;  ///< from card to card
};
CardPort card_port(const Machine& machine);

}  // namespace memwall
