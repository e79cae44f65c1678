// SPDX-License-Identifier: Apache-2.0
// Runs of row hits, many bursts in one step: what DramScheduler would do one by one.
#include <algorithm>
#include <bit>

#include "base/error.hpp"
#include "sim/dram_scheduler.hpp"

namespace memwall {

bool DramScheduler::only_hits(bool write) const {
    const std::size_t way = write ? 1 : 0;
    return queued_[way] == queue_ && queued_[1 - way] == 0 && opened_ == 0 && closed_[way] == 0 &&
           conflicts_[way] == 0 && !closed_page_;
}

/// The clock of the run's first burst, or -1 where the bursts would not follow each other `apart`.
std::int64_t DramScheduler::run_start(const DramRun& run, const OpenRows& open,
                                      std::int64_t apart) const {
    const std::size_t way = run.write ? 1 : 0;
    const std::int64_t start = std::max({earliest(), bus_free_[kColumnBus], column_at_[way]});
    const bool ready =
        std::all_of(open.banks->begin(), open.banks->end(), [&](std::uint32_t difference) {
            return banks_[open.base ^ difference].column_at[way] <= start;
        });
    if (!ready) {
        return -1;
    }
    for (std::int64_t j = 0; j * apart < t_.tCCD_L; ++j) {
        const auto b = static_cast<std::size_t>(run.layout.bank(run.block, run.first + j));
        const Group& group = groups_[static_cast<std::size_t>(banks_[b].group)];
        if (group.column_at[way] > start + j * apart) {
            return -1;
        }
    }
    return start;
}

/// The bursts from run.first on that lie in open rows.
DramScheduler::OpenRows DramScheduler::open_rows(const DramRun& run) const {
    for (int bits = run.layout.block_bits(); bits > 0; --bits) {
        const std::int64_t size = std::int64_t{1} << static_cast<unsigned>(bits);
        const std::int64_t begin = run.first / size * size;
        const std::int64_t end = std::min(begin + size, run.end);
        if (end - run.first < 2 * queue_) {
            break;  // too short to be worth it
        }
        const std::vector<std::uint32_t>& banks = run.layout.banks_of_low_bits(bits);
        const auto base = static_cast<std::uint32_t>(run.layout.bank(run.block, begin));
        const bool open = std::all_of(banks.begin(), banks.end(), [&](std::uint32_t difference) {
            return banks_[base ^ difference].row == run.block.row;
        });
        if (open) {
            return {end, base, &banks};
        }
    }
    return {run.first, 0, nullptr};
}

std::int64_t DramScheduler::step_run(const DramRun& run, std::int64_t limit) {
    const std::int64_t apart = std::max(t_.tCCD_S, t_.burst);
    const OpenRows open = open_rows(run);
    // The queue stays full: a burst comes for each that goes.
    std::int64_t bursts = open.end - run.first - queue_;
    if (bursts < queue_) {
        return 0;
    }
    const std::size_t way = run.write ? 1 : 0;
    const std::int64_t oldest = slot(oldest_[way]).age;
    const std::int64_t start = run_start(run, open, apart);
    if (oldest != next_age_ - queue_ || start < 0) {
        return 0;  // an older burst waits among them, or they would not go one by one
    }
    const std::int64_t stop = std::min(limit, refresh_due_);
    if (stop <= start) {
        return 0;
    }
    bursts = std::min(bursts, (stop - 1 - start) / apart + 1);
    if (bursts < queue_) {
        return 0;
    }
    writing_ = run.write;
    serve_run(run, open.banks->size(), start, apart, bursts);
    requeue_run(run, start, apart, bursts);
    return bursts;
}

/// What the run leaves behind in the banks, their groups and the buses.
void DramScheduler::serve_run(const DramRun& run, std::size_t banks, std::int64_t start,
                              std::int64_t apart, std::int64_t bursts) {
    const std::size_t way = run.write ? 1 : 0;
    const std::size_t other = 1 - way;
    const std::int64_t last = start + (bursts - 1) * apart;
    std::uint64_t seen = 0;  // each bank's last burst counts
    for (std::int64_t j = bursts - 1; j >= 0 && banks > 0; --j) {
        const std::int32_t b = run.layout.bank(run.block, run.first + j);
        const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(b);
        if ((seen & bit) != 0) {
            continue;
        }
        seen |= bit;
        --banks;
        const std::int64_t clock = start + j * apart;
        Bank& bank = banks_[static_cast<std::size_t>(b)];
        Group& group = groups_[static_cast<std::size_t>(bank.group)];
        group.column_at[way] = std::max(group.column_at[way], clock + t_.tCCD_L);
        if (run.write) {
            const std::int64_t end = clock + t_.CWL + t_.burst;
            group.column_at[other] = std::max(group.column_at[other], end + t_.tWTR_L);
            bank.precharge_at = std::max(bank.precharge_at, end + t_.tWR);
        } else {
            bank.precharge_at = std::max(bank.precharge_at, clock + t_.tRTP);
        }
    }
    column_at_[way] = last + apart;
    column_at_[other] = std::max(column_at_[other],
                                 run.write ? last + t_.CWL + t_.burst + t_.tWTR_S : last + t_.tRTW);
    take_bus(Command::column, last);
    last_column_ = last;
    counts_.bursts += bursts;
    counts_.row_hits += bursts;
}

/// The bursts that came during the run wait now, in the slots of those that waited before.
void DramScheduler::requeue_run(const DramRun& run, std::int64_t start, std::int64_t apart,
                                std::int64_t bursts) {
    const std::size_t way = run.write ? 1 : 0;
    const std::size_t kept = free_slots_.size();
    for (std::uint64_t left = hits_[way]; left != 0; left &= left - 1) {
        Waiting& waiting = banks_[static_cast<std::size_t>(std::countr_zero(left))].waiting[way];
        for (std::int16_t s = waiting.head; s != kNone; s = slot(s).next) {
            free_slots_.push_back(s);
        }
        waiting = {};
    }
    ensure(free_slots_.size() == kept + static_cast<std::size_t>(queue_),
           "a run fills the queue with row hits");
    hits_[way] = 0;
    oldest_[way] = youngest_[way] = kNone;
    queued_[way] = 0;
    waiting_ -= queue_;
    next_age_ += bursts - queue_;
    for (std::int64_t j = bursts - queue_; j < bursts; ++j) {
        const std::int64_t burst = run.first + queue_ + j;
        enqueue({run.block.row, run.layout.bank(run.block, burst), run.write, run.owner},
                start + j * apart);
    }
}

}  // namespace memwall
