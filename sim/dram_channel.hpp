// SPDX-License-Identifier: Apache-2.0
// One DRAM channel: the parts of accesses that lie on it, burst by burst into the scheduler.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sim/dram_layout.hpp"
#include "sim/dram_scheduler.hpp"
#include "sim/server.hpp"

namespace memwall {

/// Serves parts of accesses. Those of one stream enter the scheduler's queues one after another,
/// those of several streams by turns, a burst each.
///
/// It decides ahead of time and remembers where it stood. An access that comes at t takes back the
/// decisions that fall at t or later: they might have been others had it been known. So a finish
/// that has been reported never changes, and nothing needs waking until something finishes.
/// A copy goes on as the original would.
// MODEL: bursts of one stream (a channel of a DMA) enter a DRAM channel's queue in their order,
// several streams by turns; a queue takes the next burst as soon as one leaves it.
class DramChannel {
public:
    /// `by_burst` decides burst by burst instead of by runs of row hits: same result, for tests.
    DramChannel(const DramConfig& config, const DramLayout& layout, bool by_burst);

    /// A part of an access comes at `now`, no earlier than any before. It goes by the number that
    /// is returned until it is released.
    std::int32_t submit(const std::vector<DramLayout::Run>& runs, std::int32_t stream, bool write,
                        Picoseconds now);
    /// Decides some way ahead of `now`.
    void look_ahead(Picoseconds now);
    /// When it must look ahead again; kNever where all is decided.
    [[nodiscard]] Picoseconds horizon() const;

    /// Whether all bursts of a part are decided, and then its last data and how long others' bursts
    /// held it up.
    struct Progress {
        bool decided = false;
        Picoseconds accepted = kNever;  ///< its last burst is in the queue; kNever: not decided
        Picoseconds finish;
        std::int64_t bursts = 0;
        std::int64_t activations = 0;  ///< rows opened for its bursts
        Picoseconds delay;
    };
    [[nodiscard]] Progress progress(std::int32_t part) const;
    /// Forgets a part that has finished.
    void release(std::int32_t part) { released_[static_cast<std::size_t>(part)] = true; }

    [[nodiscard]] const DramChannelCounts& counts() const { return ahead_.scheduler.counts(); }
    /// Refreshes until `end`, those of idle times included.
    [[nodiscard]] std::int64_t refreshes_until(Picoseconds end) const {
        return ahead_.scheduler.refreshes_until(end.count() / clock_.count());
    }

private:
    struct Part {
        DramCursor cursor;
        DramLayout::Block block;  ///< where its next burst lies
        bool write = false;
        std::int32_t stream = 0;
        std::int64_t order = 0;
        std::int64_t bursts = 0;         ///< that entered the queue
        std::int64_t waiting = 0;        ///< of those, not served yet
        std::int64_t activations = 0;    ///< rows opened for them
        std::int64_t served_before = 0;  ///< bursts of the channel when it came
        std::int64_t served_after = 0;   ///< and with its last one
        std::int64_t accepted = -1;      ///< in clocks, its last burst is in the queue
        std::int64_t finish = 0;         ///< in clocks, of its last data
        [[nodiscard]] bool done() const { return cursor.done() && waiting == 0; }
    };
    /// All that a decision changes.
    struct State {
        explicit State(const DramConfig& config) : scheduler(config) {}
        DramScheduler scheduler;
        std::vector<Part> parts;
        /// Of reads and of writes: the first part of each stream that has bursts left, and whose
        /// turn it is.
        std::array<std::vector<std::int32_t>, 2> feeding;
        std::array<std::size_t, 2> turn{};
        std::int64_t served = 0;
        std::int64_t last = -1;  ///< the clock of the last decision
        /// The burst that entered a queue last, and how many before it were each the next of the
        /// same part.
        std::int32_t entered_part = -1;
        std::int64_t entered_burst = -1;
        std::int64_t consecutive = 0;
    };

    [[nodiscard]] std::int64_t first_clock_from(Picoseconds time) const {
        return ceil_divide(time.count(), clock_.count());
    }
    [[nodiscard]] Part& part(std::int32_t p) { return ahead_.parts[static_cast<std::size_t>(p)]; }
    /// Makes the next decision if it falls before `limit`; whether it did. `completed` is set where
    /// a part is served.
    bool decide(std::int64_t limit, bool* completed);
    /// As decide, for as many row hits of one access as follow each other.
    bool decide_run(std::int64_t limit);
    void refill(std::int64_t clock);
    void feed_next(std::size_t way, std::size_t which);
    std::int32_t free_part();

    const DramLayout& layout_;
    Picoseconds clock_;
    std::int64_t queue_;
    bool by_runs_;  ///< whether runs of row hits are decided together
    State ahead_;
    State base_;           ///< as `ahead_` before the decisions that may be taken back
    bool certain_ = true;  ///< none may be: `base_` is of no use
    /// By part; cursors point into them, those of copies too.
    std::vector<std::shared_ptr<const std::vector<DramLayout::Run>>> runs_;
    std::vector<bool> released_;
    std::int64_t next_order_ = 0;
};

}  // namespace memwall
