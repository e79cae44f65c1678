// SPDX-License-Identifier: Apache-2.0
// The `shared` server: transfers that share ports, buses and links, max-min fair.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "arch/machine.hpp"
#include "arch/program.hpp"
#include "sim/server.hpp"
#include "sim/timer_queue.hpp"

namespace memwall {

/// All links of a machine and the flows over them. A flow takes all its links at once and moves at
/// one rate; on a link it takes its rate times its bytes there over the most bytes it has on any.
///
/// Rates are max-min fair: raise all alike until a link is full, hold the flows on it, go on with
/// the rest. They are found anew only where a flow joins or leaves, and only for the flows that
/// share a link with it, directly or through others. A flow that is alone on its links costs one
/// pass over them.
// MODEL: max-min fair sharing (Bertsekas and Gallager, Data Networks, section 6.5.2) stands for
// round-robin arbitration word by word; a finish is rounded up to the edge of the flow's clock.
class FlowNetwork final : public Server {
public:
    /// Both must outlive this object.
    FlowNetwork(std::span<const Link> links, std::span<const ClockDomain> clocks);

    /// A flow joins at `now`, an edge of `clock`. `uses` must stay until it is reported; links that
    /// are none, and links without bytes, set no limit. Rates change at the next settle().
    void start(std::int32_t tag, std::span<const LinkUse> uses, ClockId clock, Picoseconds now);
    /// Finds the rates anew where flows joined or left. Call once all requests of an instant are
    /// in.
    void settle(Picoseconds now) override;

    [[nodiscard]] Picoseconds next_time() const override { return due_.next(); }
    /// Also takes the finished flows off their links; settle() then speeds up the others.
    void advance(Picoseconds now, std::vector<std::int32_t>& finished) override;

    /// The link that held the flow back last; none if nothing did. Kept until the tag starts again.
    [[nodiscard]] LinkId bottleneck(std::int32_t tag) const;
    /// How long the flow took beyond what it takes alone. Kept likewise.
    [[nodiscard]] Picoseconds delay(std::int32_t tag) const;
    [[nodiscard]] std::size_t active() const { return active_; }
    /// How often rates were found for a set of flows that share links: what contention costs.
    [[nodiscard]] std::int64_t solutions() const { return solutions_; }

private:
    /// One flow on one link, in the link's list.
    struct Lane {
        double weight = 0;  ///< of the flow's rate, at most 1
        std::int32_t link = 0;
        std::int32_t flow = 0;
        Lane* next = nullptr;
        Lane* previous = nullptr;
    };
    struct Flow {
        std::vector<Lane> lanes;
        double size = 0;       ///< bytes on the link that carries most
        double remaining = 0;  ///< of size, at cycle `since`
        double rate = 0;       ///< bytes of size a cycle; 0: not found yet
        double since = 0;      ///< cycle of the flow's clock
        double start = 0;      ///< likewise
        double alone = 0;      ///< cycles that it takes alone
        Picoseconds delay;     ///< set when it finishes
        ClockId clock;
        LinkId bottleneck;
        std::uint64_t mark = 0;
        bool active = false;
        bool frozen = false;
    };
    struct Shared {
        double capacity = 0;  ///< bytes a second
        Lane* lanes = nullptr;
        std::uint64_t mark = 0;
        double left = 0;    ///< while rates are found: capacity not yet given away
        double weight = 0;  ///< and the weights of flows without a rate
        std::int32_t open = 0;
    };

    void join(Flow& flow, std::int32_t tag, std::span<const LinkUse> uses);
    void leave(std::int32_t tag, Picoseconds now);
    /// The flows that share links with `seed`, into set_ and their links into links_in_set_.
    void gather(std::int32_t seed);
    void solve_alone(std::int32_t tag, Picoseconds now);
    void solve_set(Picoseconds now);
    void freeze(Shared& full, LinkId link, double share, Picoseconds now);
    /// Gives a flow its rate from `now` on and the finish that follows.
    void set_rate(std::int32_t tag, double bytes_per_second, LinkId bottleneck, Picoseconds now);
    /// `now` in cycles of a clock: whole on an edge.
    double cycle(ClockId clock, Picoseconds now);

    std::span<const ClockDomain> clocks_;
    std::vector<Shared> links_;
    std::vector<Flow> flows_;  ///< by tag
    TimerQueue due_;
    std::vector<std::int32_t> seeds_;  ///< flows whose rate may have changed
    std::vector<std::int32_t> set_;
    std::vector<std::int32_t> links_in_set_;
    struct CycleAt {
        Picoseconds time = Picoseconds(-1);
        double cycle = 0;
    };
    std::vector<CycleAt> last_cycle_;  ///< by clock: most calls ask for the same instant
    std::uint64_t mark_ = 0;
    std::size_t active_ = 0;
    std::int64_t solutions_ = 0;
};

}  // namespace memwall
