// SPDX-License-Identifier: Apache-2.0
// How moves that use a port, a bus or a link at once share it in the analytic engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall {

/// What a move asks of the links that it may have to share: of all but those of a mesh, which lie
/// side by side in a component.
struct LinkDemand {
    struct Use {
        std::size_t link = 0;  ///< its place among the machine's
        double load = 0;       ///< of the link while nothing holds the move back, at most 1
    };
    ShortList<Use, 4> uses;
    std::uint64_t mask = 0;  ///< a bit for each of `uses`; links far apart may share one
    double bytes = 0;        ///< a picosecond, on the link with the most, while nothing holds it
    Picoseconds alone;       ///< that it takes on its slowest link of any kind
};
LinkDemand link_demand(const Move& move, const Machine& machine);

/// Moves on the links of a machine. Those of a lane (a server of a unit) go one after another, of
/// different lanes side by side.
// MODEL: analytic, moves that use ports, buses and links at once share them max-min fair, as in the
// replay. When a move ends is said when it is asked for: what comes later puts off what its unit is
// asked for next, not its own end. Links of a mesh are not shared.
class LinkShares {
public:
    explicit LinkShares(const Machine& machine);

    /// A move of `lane` that is asked for at `now` and begins at `from` or when the one before it
    /// in its lane is through: when it is through, if nothing more is asked for. `now` never falls;
    /// `demand` must stay until then.
    Picoseconds send(std::size_t lane, const LinkDemand& demand, Picoseconds now, Picoseconds from);

    /// Brings everything to `now`.
    void advance(Picoseconds now) {
        if (!now_.running.empty() || !now_.waiting.empty()) {
            advance(now_, now);
        }
    }
    /// Calls `visit_time` with each time, and `visit` with each number, that decides what comes.
    template <typename VisitTime, typename Visit>
    void each(const VisitTime& visit_time, const Visit& visit) const {
        visit(static_cast<std::int64_t>(now_.running.size()));
        for (const auto* flows : {&now_.running, &now_.waiting}) {
            for (const Flow& flow : *flows) {
                visit(static_cast<std::int64_t>(flow.lane));
                visit(reinterpret_cast<std::intptr_t>(flow.demand));
                visit(flow.left.count());
                visit_time(flow.since);
                visit_time(flow.end);
            }
        }
    }
    void put_off(Picoseconds later);

private:
    struct Flow {
        const LinkDemand* demand = nullptr;
        std::size_t lane = 0;
        Picoseconds left;   ///< that it takes alone from `since` on
        Picoseconds since;  ///< of one that waits: when it may begin
        Picoseconds end;    ///< at its speed
        double speed = 1;   ///< of that alone; 0: not found yet
    };
    struct Flows {
        std::vector<Flow> running;
        std::vector<Flow> waiting;  ///< in the order of asking
    };
    struct LinkLoad {
        double load = 0;    ///< of the flows that have a speed
        double weight = 0;  ///< of those without: their load for each byte a picosecond
    };

    [[nodiscard]] static bool has_lane(const std::vector<Flow>& flows, std::size_t lane);
    void advance(Flows& flows, Picoseconds until);
    [[nodiscard]] static Picoseconds next_event(const Flows& flows);
    void settle(Flows& flows, Picoseconds now);
    void share(std::vector<Flow>& running, Picoseconds now);
    bool carry_all(std::vector<Flow>& running);
    void find_speeds(std::vector<Flow>& running);
    [[nodiscard]] double most_bytes(const LinkDemand& demand) const;
    void hold(Flow& flow, double bytes);

    Flows now_;
    Flows ahead_;                      ///< used by send() alone
    std::vector<LinkLoad> loads_;      ///< by link, likewise by share()
    std::vector<std::size_t> loaded_;  ///< of `loads_`
};

}  // namespace memwall
