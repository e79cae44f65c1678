// SPDX-License-Identifier: Apache-2.0
// The ways from server to server of a pipeline whose cards are in several of them.
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

/// What a way over the servers' link takes beside the hop.
struct ServerWay {
    Seconds occupied;  ///< of the link, by what goes together
    Seconds latency;
    [[nodiscard]] Seconds time() const { return occupied + latency; }
};

/// MODEL: an instance begins with a server, and its stages follow each other on its cards. From
/// server to server what goes together passes the servers' link behind the hop: its bytes over the
/// link's bandwidth, then the link's latency. The division of a network does not look at where
/// servers end.
class ServerWays {
public:
    /// The machine must outlive it.
    explicit ServerWays(const Machine& machine) : machine_(machine) {}

    /// The way of so many bytes between two stages; none where both are in one server, or nothing
    /// is said of a link between servers.
    [[nodiscard]] std::optional<ServerWay> between(const StageCards& from, const StageCards& to,
                                                   Bytes together) const;

private:
    const Machine& machine_;
};

}  // namespace memwall
