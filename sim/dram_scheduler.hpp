// SPDX-License-Identifier: Apache-2.0
// The commands of one DRAM channel: which goes next, and when. In clocks of the DRAM.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/dram_config.hpp"
#include "sim/dram_layout.hpp"

namespace memwall {

/// What a channel has done, or will have done if nothing else comes.
struct DramChannelCounts {
    std::int64_t bursts = 0;
    std::int64_t row_hits = 0;
    std::int64_t row_misses = 0;  ///< each one activation
    std::int64_t refreshes = 0;
};

/// A full queue of consecutive bursts of one access, and those that come after them.
struct DramRun {
    const DramLayout& layout;
    const DramLayout::Block& block;  ///< where all of them lie
    std::int64_t first = 0;          ///< the number of the oldest that waits
    std::int64_t end = 0;            ///< the run's
    bool write = false;
    std::int32_t owner = 0;
};

/// Chooses among the bursts in its queues, one queue for reads and one for writes. A burst leaves
/// its queue when its column command or the activation for it is issued. Copies share nothing: a
/// copy is the way back.
// MODEL: FR-FCFS (Rixner et al., ISCA 2000): of the commands that are ready, the oldest burst's;
// a burst whose row was opened for it goes before all others. Commands keep the distances of
// DramTimings (JEDEC). Writes wait in a queue of their own and are drained when it is 0.8 full or
// no read waits, until it is 0.2 full (as in Ramulator 2). A refresh closes all banks of a channel;
// when one is due, only bursts whose row is opened already go before it.
class DramScheduler {
public:
    explicit DramScheduler(const DramConfig& config);

    struct Burst {
        std::int64_t row = 0;
        std::int32_t bank = 0;
        bool write = false;
        std::int32_t owner = 0;  ///< told back when it is served
    };
    [[nodiscard]] bool has_room(bool write) const { return queued_[write ? 1 : 0] < queue_; }
    [[nodiscard]] bool empty() const { return waiting_ == 0; }
    /// A burst comes at a clock, no earlier than any before and only where there is room.
    void enqueue(const Burst& burst, std::int64_t clock);

    enum class Command { none, precharge, activate, column, refresh };
    struct Issued {
        Command command = Command::none;
        std::int64_t clock = 0;
        std::int32_t owner = 0;    ///< of an activation or a column command: the burst's
        std::int64_t entered = 0;  ///< of a column command: when the burst came
    };
    /// Issues the next command if its clock is before `limit`; Command::none if there is none.
    Issued step(std::int64_t limit);
    /// Whether the queue of one direction is full of row hits and nothing else is to be done.
    [[nodiscard]] bool only_hits(bool write) const;
    /// Serves as many bursts of a run as go one after another before `limit`, the next ones of the
    /// run taking their places, exactly as step() and enqueue() would one by one; 0 where there is
    /// no such run. only_hits() holds, and the bursts that wait are the run's, the last that came.
    std::int64_t step_run(const DramRun& run, std::int64_t limit);
    /// No command goes before this clock any more.
    [[nodiscard]] std::int64_t earliest() const;
    [[nodiscard]] std::int64_t last_column() const { return last_column_; }
    /// Clocks from a column command to the end of its data.
    [[nodiscard]] std::int64_t data_end(bool write) const {
        return (write ? t_.CWL : t_.CL) + t_.burst;
    }

    [[nodiscard]] std::int64_t burst_clocks() const { return t_.burst; }

    [[nodiscard]] const DramChannelCounts& counts() const { return counts_; }
    /// Refreshes until a clock, those of idle times included.
    [[nodiscard]] std::int64_t refreshes_until(std::int64_t clock) const;

private:
    static constexpr std::int16_t kNone = -1;
    static constexpr std::size_t kRowBus = 0;
    static constexpr std::size_t kColumnBus = 1;
    /// The bursts of one direction that wait at a bank, oldest first.
    struct Waiting {
        std::int16_t head = kNone;
        std::int16_t tail = kNone;
        std::int16_t hit = kNone;       ///< the oldest for the open row
        std::int16_t conflict = kNone;  ///< the oldest for another; of a closed bank: the head
    };
    struct Bank {
        std::int64_t row = -1;         ///< -1: closed
        std::int64_t activate_at = 0;  ///< each command no earlier than
        std::int64_t precharge_at = 0;
        std::array<std::int64_t, 2> column_at{};  ///< read, write
        std::array<Waiting, 2> waiting;
        std::int32_t group = 0;
        std::int16_t opened_for = kNone;  ///< the burst that its row was opened for
    };
    struct Group {
        std::int64_t activate_at = 0;
        std::array<std::int64_t, 2> column_at{};
    };
    /// A burst that waits; small, for a channel has many.
    struct Slot {
        std::int64_t row = 0;
        std::int64_t age = 0;
        std::int64_t entered = 0;
        std::int32_t owner = 0;
        std::int16_t bank = 0;
        bool write = false;
        std::int16_t next = kNone;   ///< the next of its bank and direction
        std::int16_t older = kNone;  ///< in the queue of its direction
        std::int16_t younger = kNone;
    };
    /// The best command so far: the earliest, of those the first in rank.
    struct Choice {
        std::uint64_t key = UINT64_MAX;  ///< clocks from now, then rank
        std::int32_t bank = -1;
        Command command = Command::none;
        bool opened = false;  ///< for the burst that the row was opened for

        static std::uint64_t key_of(std::int64_t clocks, std::uint64_t rank) {
            return (static_cast<std::uint64_t>(clocks) << kRankBits) + rank;
        }
        void offer(std::int64_t clocks, std::uint64_t rank, std::int32_t its_bank, Command its,
                   bool its_opened = false) {
            const std::uint64_t its_key = key_of(clocks, rank);
            if (its_key < key) {
                *this = {its_key, its_bank, its, its_opened};
            }
        }
        /// Whether it goes before all that could go after as many clocks at that rank.
        [[nodiscard]] bool before(std::int64_t clocks, std::uint64_t rank) const {
            return key <= key_of(clocks, rank);
        }
        [[nodiscard]] std::int64_t clocks() const {
            return static_cast<std::int64_t>(key >> kRankBits);
        }
    };
    /// Of an age, and of whether the burst's row was opened for it.
    static constexpr unsigned kRankBits = 40;
    static constexpr std::uint64_t kNotOpened = std::uint64_t{1} << (kRankBits - 1);

    void choose_opened(std::int64_t now, Choice& best) const;
    void choose_column(std::int64_t now, std::size_t way, Choice& best) const;
    void choose_row(std::int64_t now, std::size_t way, Choice& best) const;
    void set_direction();
    void take_bus(Command command, std::int64_t clock) {
        const std::int64_t taken = clock + (command == Command::activate ? t_.activate : 1);
        if (split_bus_) {
            bus_free_[command == Command::column ? kColumnBus : kRowBus] = taken;
            latest_ = std::max(latest_, clock);  // what comes later has seen this command
        } else {
            bus_free_.fill(taken);
        }
    }
    [[nodiscard]] Issued issue(const Choice& choice, std::int64_t clock);
    void activate(std::int32_t bank, std::int64_t clock);
    void column(std::int32_t bank, std::int16_t slot, std::int64_t clock);
    void close(std::int32_t bank, std::int64_t activate_at);
    [[nodiscard]] std::int64_t refresh_start() const;
    void refresh();
    /// The end of the bursts in open rows, and their banks, each XORed with `base`.
    struct OpenRows {
        std::int64_t end = 0;
        std::uint32_t base = 0;
        const std::vector<std::uint32_t>* banks = nullptr;
    };
    [[nodiscard]] OpenRows open_rows(const DramRun& run) const;
    [[nodiscard]] std::int64_t run_start(const DramRun& run, const OpenRows& open,
                                         std::int64_t apart) const;
    void serve_run(const DramRun& run, std::size_t banks, std::int64_t start, std::int64_t apart,
                   std::int64_t bursts);
    void requeue_run(const DramRun& run, std::int64_t start, std::int64_t apart,
                     std::int64_t bursts);
    void find_rows(std::int32_t bank);
    void queue_up(std::int16_t slot, std::size_t way);
    void note(std::int32_t bank, std::size_t way);
    void unlink(Waiting& waiting, std::int16_t slot);
    [[nodiscard]] Slot& slot(std::int16_t s) { return slots_[static_cast<std::size_t>(s)]; }
    [[nodiscard]] const Slot& slot(std::int16_t s) const {
        return slots_[static_cast<std::size_t>(s)];
    }

    DramTimings t_;
    std::int64_t queue_;
    std::int64_t drain_from_;  ///< writes are drained from more than this many waiting
    std::int64_t drain_to_;    ///< until fewer than this
    bool hits_first_;
    bool closed_page_;
    bool split_bus_;

    std::vector<Bank> banks_;
    std::vector<Group> groups_;
    std::vector<Slot> slots_;
    std::vector<std::int16_t> free_slots_;
    // Sets of banks, a bit each, by direction: those where bursts wait for the open row, for
    // another, and for a closed bank; and those with a row opened for a burst.
    std::array<std::uint64_t, 2> hits_{};
    std::array<std::uint64_t, 2> conflicts_{};
    std::array<std::uint64_t, 2> closed_{};
    std::uint64_t opened_ = 0;
    std::array<std::int16_t, 2> oldest_{kNone, kNone};  ///< of each queue
    std::array<std::int16_t, 2> youngest_{kNone, kNone};
    std::array<std::int64_t, 2> queued_{};
    std::int64_t waiting_ = 0;
    std::int64_t next_age_ = 0;
    bool writing_ = false;
    std::int64_t latest_ = 0;                    ///< the last time that something came
    std::array<std::int64_t, 2> bus_free_{};     ///< row and column commands
    std::array<std::int64_t, 2> column_at_{};    ///< read, write, all groups
    std::int64_t activate_at_ = 0;               ///< all groups
    std::array<std::int64_t, 4> activations_{};  ///< the last four, in turn
    std::size_t next_activation_ = 0;
    std::int64_t last_column_ = -1;  ///< the clock of the last column command of a run
    std::int64_t refresh_due_ = INT64_MAX;
    DramChannelCounts counts_;
};

}  // namespace memwall
