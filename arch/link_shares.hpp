// SPDX-License-Identifier: Apache-2.0
// How moves that use a port, a bus or a link at once share it in the analytic engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/link_speeds.hpp"

namespace memwall {

/// Moves on the links of a machine. Those of a lane (a server of a unit) go one after another, of
/// different lanes side by side.
// MODEL: analytic, moves that use ports, buses and links at once share them max-min fair, as in the
// replay. When a move ends is said when it is asked for: what comes later puts off what its unit is
// asked for next, not its own end. Links of a mesh are not shared.
class LinkShares {
public:
    LinkShares(const Machine& machine, std::size_t lanes);

    /// Before the first move of a body: which unit does it, and whether several at once. Links that
    /// one unit uses alone cost nothing.
    void announce(UnitId unit, bool several, const LinkDemand& demand, Picoseconds now);
    /// A move of `lane` that is asked for at `now` and begins at `from` or when the one before it
    /// in its lane is through: when it is through, if nothing more is asked for. `now` never falls;
    /// `demand` must outlive this object.
    Picoseconds send(std::size_t lane, const LinkDemand& demand, Picoseconds now, Picoseconds from);

    /// Brings everything to `now`.
    void advance(Picoseconds now);
    /// Calls `visit_time` with each time, and `visit` with each number, that decides what comes.
    template <typename VisitTime, typename Visit>
    void each(const VisitTime& visit_time, const Visit& visit) const {
        visit(static_cast<std::int64_t>(shared_));
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
        double speed = 1;   ///< of that alone
    };
    struct Flows {
        std::vector<Flow> running;
        std::vector<Flow> waiting;  ///< in the order of asking
    };
    /// A move over links that are not known to be shared.
    struct Alone {
        const LinkDemand* demand = nullptr;
        Picoseconds from;
    };

    void share_link(std::size_t link, Picoseconds now);
    static std::size_t add_running(Flows& flows, const Flow& flow);
    [[nodiscard]] static bool has_lane(const std::vector<Flow>& flows, std::size_t lane);
    [[nodiscard]] static Picoseconds next_event(const Flows& flows);
    void settle(Flows& flows, Picoseconds now);
    void share(std::vector<Flow>& running, Picoseconds now);

    std::vector<UnitId> users_;  ///< by link
    std::uint64_t shared_ = 0;   ///< links that several use, as LinkDemand::mask
    std::vector<Alone> alone_;   ///< by lane: its last move
    Flows now_;
    Flows ahead_;  ///< used by send() alone
    LinkSpeeds speeds_;
    std::vector<const LinkDemand*> demands_;  ///< used by share() alone
};

}  // namespace memwall
