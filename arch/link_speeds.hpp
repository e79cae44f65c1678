// SPDX-License-Identifier: Apache-2.0
// How fast moves go that use ports, buses and links at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall {

/// Of a link in a mask of links; links far apart may have the same.
inline std::uint64_t link_bit(std::size_t link) {
    constexpr std::size_t kBits = 64;
    return std::uint64_t{1} << link % kBits;
}

/// What a move asks of the links that it may have to share: of all but those of a mesh, which lie
/// side by side in a component.
struct LinkDemand {
    struct Use {
        std::size_t link = 0;  ///< its place among the machine's
        double load = 0;       ///< of the link while nothing holds the move back, at most 1
    };
    ShortList<Use, 4> uses;
    std::uint64_t mask = 0;  ///< link_bit() of each of `uses`
    double bytes = 0;        ///< a picosecond, on the link with the most, while nothing holds it
    Picoseconds alone;       ///< that it takes on its slowest link of any kind
};
LinkDemand link_demand(const Move& move, const Machine& machine);

/// Max-min fair speeds of moves, as those of FlowNetwork in the replay.
class LinkSpeeds {
public:
    explicit LinkSpeeds(std::size_t links) : known_(kKnown), loads_(links) {}

    /// Of each move when these, and no others, are under way: 1 is that of the move alone. What the
    /// pointers show must outlive this object. Good until the next call.
    const std::vector<double>& of(const std::vector<const LinkDemand*>& demands);

private:
    struct LinkLoad {
        double load = 0;    ///< of the moves that have a speed
        double weight = 0;  ///< of those without: their load for each byte a picosecond
    };
    /// Moves that were under way at once, and their speeds.
    struct Known {
        std::vector<const LinkDemand*> demands;
        std::vector<double> speeds;
    };
    static constexpr std::size_t kKnown = 256;

    bool carry_all(const std::vector<const LinkDemand*>& demands);
    void find(Known& moves);
    [[nodiscard]] double most_bytes(const LinkDemand& demand) const;
    void hold(const LinkDemand& demand, double speed);

    std::vector<Known> known_;         ///< by a number made of their demands
    std::vector<LinkLoad> loads_;      ///< by link
    std::vector<std::size_t> loaded_;  ///< of `loads_`
};

}  // namespace memwall
