// SPDX-License-Identifier: Apache-2.0
// The scheduler of one DRAM channel: which burst goes next, and when.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/dram_config.hpp"
#include "sim/dram_layout.hpp"
#include "sim/server.hpp"

namespace memwall {

/// What a channel has done, or will have done if nothing else comes.
struct DramChannelCounts {
    std::int64_t bursts = 0;
    std::int64_t row_hits = 0;
    std::int64_t row_misses = 0;
    std::int64_t refreshes = 0;
};

/// Serves the parts of accesses that lie on one channel, FR-FCFS: the open row first, at most
/// `row_hit_cap` bursts of one access while others wait.
///
/// It decides ahead of time and remembers what it decided. An access that comes at t undoes the
/// decisions that fall at t or later: they might have been others had it been known. So a finish
/// that has been reported never changes, and nothing needs waking until something finishes.
// MODEL: FR-FCFS with a cap on row hits (Rixner et al., ISCA 2000; Mutlu and Moscibroda, MICRO
// 2007), open rows, refresh of all banks together (JEDEC DDR4, HBM2), a row opened as soon as its
// access is known and its bank is free. Column commands are one burst apart; the bus turns around
// between reads and writes. A decision falls when the command before it has left the bus.
class DramChannel {
public:
    /// `by_burst` decides burst by burst instead of by runs of row hits: same result, for tests.
    DramChannel(const DramConfig& config, const DramLayout& layout, bool by_burst);

    /// A part of an access comes at `now`, no earlier than any before; `id` is never used twice.
    void submit(std::int64_t id, const DramCursor& part, bool write, Picoseconds now);
    /// Decides ahead of `now` until nothing waits or `most` decisions are made; true if nothing
    /// waits.
    bool look_ahead(Picoseconds now, std::size_t most);
    /// When the next decision falls; kNever if nothing waits.
    [[nodiscard]] Picoseconds next_decision() const;

    /// Whether all bursts of a part are decided, and then its last data and how long others' bursts
    /// held it up.
    struct Progress {
        bool decided = false;
        Picoseconds finish;
        std::int64_t bursts = 0;
        Picoseconds delay;
    };
    [[nodiscard]] Progress progress(std::int64_t id) const;
    /// Forgets a part that has finished.
    void release(std::int64_t id);

    [[nodiscard]] const DramChannelCounts& counts() const { return state_.counts; }
    /// Refreshes until `end`, those of idle times included.
    [[nodiscard]] std::int64_t refreshes_until(Picoseconds end) const;

private:
    struct Bank {
        std::int64_t row = -1;
        Picoseconds activated;
        Picoseconds free;  ///< its last column command has left the bus
    };
    struct Part {
        std::int64_t id = 0;
        DramCursor cursor;
        bool write = false;
        Picoseconds arrival;
        std::int64_t last_turn = 0;
        std::int64_t bursts = 0;
        std::int64_t others_before = 0;  ///< bursts of the channel when it came
        std::int64_t others_after = 0;   ///< and when its last burst was decided
        Picoseconds last_command;
    };
    /// All that a decision changes, but for one bank and one part.
    struct State {
        Picoseconds slot;  ///< the earliest next column command
        Picoseconds last_activate = Picoseconds(-1);
        Picoseconds closed_until;  ///< the end of the last refresh: rows opened before are closed
        Picoseconds refresh_due = kNever;
        std::int64_t turn = 0;    ///< counts changes from one access to another
        std::int64_t last = -1;   ///< the access served last
        std::int64_t streak = 0;  ///< its bursts in a row while others waited
        bool last_write = false;
        bool idle_bus = true;  ///< nothing was ever on the bus
        DramChannelCounts counts;
    };
    struct Decision {
        Picoseconds at;    ///< of its first burst
        Picoseconds last;  ///< and of its last
        State before;
        std::int64_t bank = -1;  ///< -1: a refresh
        Bank bank_before;
        std::size_t part = 0;
        Part part_before;
    };

    /// Makes the next decision if it falls before `limit`.
    bool decide(Picoseconds limit);
    void refresh(Picoseconds at);
    [[nodiscard]] std::size_t choose(Picoseconds at) const;
    [[nodiscard]] std::size_t choose_next(Picoseconds at) const;
    void serve(std::size_t which, Picoseconds at, bool alone, Picoseconds limit);
    [[nodiscard]] std::int64_t run_length(const Part& part, Picoseconds first, bool alone,
                                          Picoseconds limit) const;
    [[nodiscard]] bool open(const Bank& bank, std::int64_t row) const;
    /// The column command of a part's next burst if it were chosen at `at`; and its bank then.
    struct Command {
        Picoseconds time;
        bool hit = false;
        Picoseconds activate;
    };
    [[nodiscard]] Command command(const Part& part, Picoseconds at) const;
    void undo_from(Picoseconds time);
    [[nodiscard]] std::size_t waiting(std::size_t* only) const;
    [[nodiscard]] std::size_t position(std::int64_t id) const;

    const DramConfig& config_;
    const DramLayout& layout_;
    bool by_burst_;
    State state_;
    std::vector<Bank> banks_;
    std::vector<Part> parts_;  ///< in the order of their coming
    std::vector<Decision> decisions_;
    Picoseconds latest_;  ///< the last time that something came
};

}  // namespace memwall
