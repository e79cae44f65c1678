// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_scheduler.hpp"

#include <algorithm>
#include <bit>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Long enough ago that it binds nothing.
constexpr std::int64_t kLongAgo = -(std::int64_t{1} << 40);

/// An activate of several clocks counts from its last: what follows it is later by the others, what
/// it follows may be as much earlier.
DramTimings from_first_clock(DramTimings t) {
    const std::int64_t more = t.activate - 1;
    t.tRCD_read += more;
    t.tRCD_write += more;
    t.tRAS += more;
    t.tRP = std::max<std::int64_t>(t.tRP - more, 1);
    return t;
}

}  // namespace

DramScheduler::DramScheduler(const DramConfig& config)
    : t_(from_first_clock(config.timings)),
      queue_(config.queue),
      drain_from_(config.queue * 8 / 10),
      drain_to_(ceil_divide(config.queue * 2, 10)),
      hits_first_(config.scheduling == DramScheduling::row_hits_first),
      closed_page_(config.page == DramPage::closed),
      split_bus_(config.command_bus == DramCommandBus::split),
      banks_(static_cast<std::size_t>(config.banks)),
      groups_(static_cast<std::size_t>(config.bank_groups)) {
    const std::int64_t in_group = config.banks / config.bank_groups;
    for (std::size_t b = 0; b < banks_.size(); ++b) {
        banks_[b].group = static_cast<std::int32_t>(static_cast<std::int64_t>(b) / in_group);
    }
    // Both queues, and a burst a bank that has left its queue for its activation.
    slots_.resize(static_cast<std::size_t>(2 * queue_) + banks_.size());
    for (std::size_t s = slots_.size(); s > 0; --s) {
        free_slots_.push_back(static_cast<std::int16_t>(s - 1));
    }
    activations_.fill(kLongAgo);
    if (t_.tREFI > 0) {
        refresh_due_ = t_.tREFI;
    }
}

void DramScheduler::enqueue(const Burst& burst, std::int64_t clock) {
    const std::size_t way = burst.write ? 1 : 0;
    ensure(queued_[way] < queue_, "a burst comes where there is room");
    latest_ = std::max(latest_, clock);
    const std::int16_t fresh = free_slots_.back();
    free_slots_.pop_back();
    Slot& mine = slot(fresh);
    // Member by member: a copy in wider words would wait for the narrower ones just written.
    mine.row = burst.row;
    mine.bank = static_cast<std::int16_t>(burst.bank);
    mine.write = burst.write;
    mine.owner = burst.owner;
    mine.age = next_age_++;
    mine.entered = clock;
    mine.next = kNone;
    queue_up(fresh, way);
    Bank& bank = banks_[static_cast<std::size_t>(burst.bank)];
    Waiting& waiting = bank.waiting[way];
    if (waiting.head == kNone) {
        waiting.head = fresh;
    } else {
        slot(waiting.tail).next = fresh;
    }
    waiting.tail = fresh;
    std::int16_t& first = burst.row == bank.row ? waiting.hit : waiting.conflict;
    if (first == kNone) {
        first = fresh;
        note(burst.bank, way);
    }
    ++waiting_;
}

/// At the end of its direction's queue.
inline void DramScheduler::queue_up(std::int16_t s, std::size_t way) {
    slot(s).younger = kNone;
    slot(s).older = youngest_[way];
    (youngest_[way] == kNone ? oldest_[way] : slot(youngest_[way]).younger) = s;
    youngest_[way] = s;
    ++queued_[way];
}

/// Puts a bank into the sets that it belongs to.
inline void DramScheduler::note(std::int32_t b, std::size_t way) {
    const Bank& bank = banks_[static_cast<std::size_t>(b)];
    const Waiting& waiting = bank.waiting[way];
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(b);
    const auto put = [bit](std::uint64_t& set, bool in) { set = in ? set | bit : set & ~bit; };
    put(hits_[way], waiting.hit != kNone);
    put(conflicts_[way], waiting.conflict != kNone && bank.row >= 0);
    put(closed_[way], waiting.conflict != kNone && bank.row < 0);
}

std::int64_t DramScheduler::earliest() const {
    return std::max(latest_, std::min(bus_free_[kRowBus], bus_free_[kColumnBus]));
}

inline void DramScheduler::set_direction() {
    if (writing_) {
        writing_ = queued_[1] >= drain_to_ || queued_[0] == 0;
    } else {
        writing_ = queued_[1] > drain_from_ || queued_[0] == 0;
    }
}

DramScheduler::Issued DramScheduler::step(std::int64_t limit) {
    if (waiting_ == 0) {
        return {};
    }
    std::int64_t now = earliest();
    if (now >= limit) {
        return {};
    }
    Choice choice;
    choose_opened(now, choice);
    if (now < refresh_due_) {
        set_direction();
        const std::size_t way = writing_ ? 1 : 0;
        choose_column(now, way, choice);
        choose_row(now, way, choice);
    }
    if (now >= refresh_due_ || choice.clocks() >= refresh_due_ - now) {
        now = std::max(now, refresh_due_);
        choice = {};
        choose_opened(now, choice);
        if (choice.bank < 0) {
            const std::int64_t start = refresh_start();
            if (start >= limit) {
                return {};
            }
            refresh();
            return {Command::refresh, start, 0, 0};
        }
    }
    const std::int64_t clock = now + choice.clocks();
    return clock < limit ? issue(choice, clock) : Issued{};
}

/// Bursts whose row was opened for them: at one clock before all others.
inline void DramScheduler::choose_opened(std::int64_t now, Choice& best) const {
    const std::int64_t free = std::max(now, bus_free_[kColumnBus]);
    for (std::uint64_t left = opened_; left != 0; left &= left - 1) {
        const std::int32_t b = std::countr_zero(left);
        const Bank& bank = banks_[static_cast<std::size_t>(b)];
        const Slot& opened = slot(bank.opened_for);
        const std::size_t way = opened.write ? 1 : 0;
        const std::int64_t clock =
            std::max(std::max(free, column_at_[way]),
                     std::max(bank.column_at[way],
                              groups_[static_cast<std::size_t>(bank.group)].column_at[way]));
        best.offer(clock - now, static_cast<std::uint64_t>(opened.age), b, Command::column, true);
    }
}

/// The oldest row hit of each bank.
inline void DramScheduler::choose_column(std::int64_t now, std::size_t way, Choice& best) const {
    const std::int64_t free = std::max({now, bus_free_[kColumnBus], column_at_[way]});
    const auto offer = [&](std::int32_t b) {
        const Bank& bank = banks_[static_cast<std::size_t>(b)];
        const std::int64_t clock =
            std::max(std::max(free, bank.column_at[way]),
                     groups_[static_cast<std::size_t>(bank.group)].column_at[way]);
        best.offer(clock - now,
                   kNotOpened + static_cast<std::uint64_t>(slot(bank.waiting[way].hit).age), b,
                   Command::column);
        return clock;
    };
    const std::int16_t oldest = oldest_[way];
    if (oldest != kNone) {
        const std::int32_t b = slot(oldest).bank;
        if (banks_[static_cast<std::size_t>(b)].waiting[way].hit == oldest && offer(b) == free) {
            return;  // no other goes before it
        }
    }
    for (std::uint64_t left = hits_[way]; left != 0; left &= left - 1) {
        offer(std::countr_zero(left));
    }
}

/// What opens a row for the oldest burst of each bank that needs it.
inline void DramScheduler::choose_row(std::int64_t now, std::size_t way, Choice& best) const {
    const std::uint64_t conflicts = conflicts_[way] & ~opened_;
    const std::int64_t free = std::max(now, bus_free_[kRowBus]);
    if ((closed_[way] | conflicts) == 0 ||
        best.before(free - now, kNotOpened + static_cast<std::uint64_t>(slot(oldest_[way]).age))) {
        return;
    }
    const std::int64_t activate_from =
        std::max({free, activate_at_, activations_[next_activation_] + t_.tFAW});
    for (std::uint64_t left = closed_[way]; left != 0; left &= left - 1) {
        const std::int32_t b = std::countr_zero(left);
        const Bank& bank = banks_[static_cast<std::size_t>(b)];
        const std::int64_t clock =
            std::max(std::max(activate_from, bank.activate_at),
                     groups_[static_cast<std::size_t>(bank.group)].activate_at);
        best.offer(clock - now,
                   kNotOpened + static_cast<std::uint64_t>(slot(bank.waiting[way].conflict).age), b,
                   Command::activate);
    }
    for (std::uint64_t left = conflicts; left != 0; left &= left - 1) {
        const std::int32_t b = std::countr_zero(left);
        const Bank& bank = banks_[static_cast<std::size_t>(b)];
        const Waiting& waiting = bank.waiting[way];
        const Slot& wanting = slot(waiting.conflict);
        if (hits_first_ && waiting.hit != kNone && slot(waiting.hit).entered <= wanting.entered) {
            continue;
        }
        best.offer(std::max(free, bank.precharge_at) - now,
                   kNotOpened + static_cast<std::uint64_t>(wanting.age), b, Command::precharge);
    }
}

inline DramScheduler::Issued DramScheduler::issue(const Choice& choice, std::int64_t clock) {
    const Bank& bank = banks_[static_cast<std::size_t>(choice.bank)];
    take_bus(choice.command, clock);
    if (choice.command == Command::precharge) {
        close(choice.bank, clock + t_.tRP);
        return {Command::precharge, clock, 0, 0};
    }
    if (choice.command == Command::activate) {
        activate(choice.bank, clock);
        return {Command::activate, clock, slot(bank.opened_for).owner, 0};
    }
    const std::int16_t s = choice.opened ? bank.opened_for : bank.waiting[writing_ ? 1 : 0].hit;
    column(choice.bank, s, clock);
    return {Command::column, clock, slot(s).owner, slot(s).entered};
}

inline void DramScheduler::activate(std::int32_t b, std::int64_t clock) {
    Bank& bank = banks_[static_cast<std::size_t>(b)];
    const std::size_t way = writing_ ? 1 : 0;
    const std::int16_t s = bank.waiting[way].conflict;
    bank.row = slot(s).row;
    bank.column_at = {clock + t_.tRCD_read, clock + t_.tRCD_write};
    bank.precharge_at = std::max(bank.precharge_at, clock + t_.tRAS);
    bank.activate_at = std::max(bank.activate_at, clock + t_.tRC);
    groups_[static_cast<std::size_t>(bank.group)].activate_at = clock + t_.tRRD_L;
    activate_at_ = clock + t_.tRRD_S;
    activations_[next_activation_] = clock;
    next_activation_ = (next_activation_ + 1) % activations_.size();
    ++counts_.row_misses;
    unlink(bank.waiting[way], s);
    bank.opened_for = s;
    opened_ |= std::uint64_t{1} << static_cast<unsigned>(b);
    find_rows(b);
}

inline void DramScheduler::column(std::int32_t b, std::int16_t s, std::int64_t clock) {
    Bank& bank = banks_[static_cast<std::size_t>(b)];
    const bool write = slot(s).write;
    const std::size_t way = write ? 1 : 0;
    const std::size_t other = 1 - way;
    Group& group = groups_[static_cast<std::size_t>(bank.group)];
    group.column_at[way] = clock + t_.tCCD_L;
    column_at_[way] = clock + std::max(t_.tCCD_S, t_.burst);
    if (write) {
        const std::int64_t end = clock + t_.CWL + t_.burst;
        column_at_[other] = std::max(column_at_[other], end + t_.tWTR_S);
        group.column_at[other] = std::max(group.column_at[other], end + t_.tWTR_L);
        bank.precharge_at = std::max(bank.precharge_at, end + t_.tWR);
    } else {
        column_at_[other] = std::max(column_at_[other], clock + t_.tRTW);
        bank.precharge_at = std::max(bank.precharge_at, clock + t_.tRTP);
    }
    if (bank.opened_for == s) {
        bank.opened_for = kNone;
        opened_ &= ~(std::uint64_t{1} << static_cast<unsigned>(b));
    } else {
        unlink(bank.waiting[way], s);
        ++counts_.row_hits;
        std::int16_t& hit = bank.waiting[way].hit;
        for (hit = slot(s).next; hit != kNone && slot(hit).row != bank.row;) {
            hit = slot(hit).next;
        }
        if (hit == kNone) {
            note(b, way);
        }
    }
    free_slots_.push_back(s);
    --waiting_;
    ++counts_.bursts;
    if (closed_page_ && bank.waiting[0].hit == kNone && bank.waiting[1].hit == kNone &&
        bank.opened_for == kNone) {
        close(b, bank.precharge_at + t_.tRP);
    }
}

void DramScheduler::close(std::int32_t b, std::int64_t activate_at) {
    Bank& bank = banks_[static_cast<std::size_t>(b)];
    bank.row = -1;
    bank.activate_at = std::max(bank.activate_at, activate_at);
    for (std::size_t way = 0; way < 2; ++way) {
        Waiting& waiting = bank.waiting[way];
        waiting.hit = kNone;
        waiting.conflict = waiting.head;
        note(b, way);
    }
}

/// The oldest burst for the open row, and the oldest for another, of each direction.
void DramScheduler::find_rows(std::int32_t b) {
    Bank& bank = banks_[static_cast<std::size_t>(b)];
    for (std::size_t way = 0; way < 2; ++way) {
        Waiting& waiting = bank.waiting[way];
        waiting.hit = waiting.conflict = kNone;
        for (std::int16_t s = waiting.head; s != kNone; s = slot(s).next) {
            std::int16_t& first = slot(s).row == bank.row ? waiting.hit : waiting.conflict;
            if (first == kNone) {
                first = s;
                if (waiting.hit != kNone && waiting.conflict != kNone) {
                    break;
                }
            }
        }
        note(b, way);
    }
}

inline void DramScheduler::unlink(Waiting& waiting, std::int16_t s) {
    const Slot& gone = slot(s);
    const std::size_t way = gone.write ? 1 : 0;
    (gone.older == kNone ? oldest_[way] : slot(gone.older).younger) = gone.younger;
    (gone.younger == kNone ? youngest_[way] : slot(gone.younger).older) = gone.older;
    --queued_[way];
    if (waiting.head == s) {
        waiting.head = gone.next;
        if (waiting.head == kNone) {
            waiting.tail = kNone;
        }
        return;
    }
    std::int16_t before = waiting.head;
    while (slot(before).next != s) {
        before = slot(before).next;
    }
    slot(before).next = gone.next;
    if (waiting.tail == s) {
        waiting.tail = before;
    }
}

/// When the refresh that is due begins to close banks: no burst is under way any more.
std::int64_t DramScheduler::refresh_start() const {
    return std::max({refresh_due_, bus_free_[kRowBus], bus_free_[kColumnBus]});
}

void DramScheduler::refresh() {
    std::int64_t start = refresh_start();
    // Refreshes of a long idle time are over; of those before the last nothing is left.
    const std::int64_t idle = (earliest() - refresh_due_) / t_.tREFI;
    if (idle > 1) {
        counts_.refreshes += idle - 1;
        refresh_due_ += t_.tREFI * (idle - 1);
        start = refresh_due_;
    }
    std::int64_t begin = start;
    bool open = false;
    for (const Bank& bank : banks_) {
        if (bank.row >= 0) {
            open = true;
            begin = std::max(begin, bank.precharge_at);
        }
    }
    begin += open ? t_.tRP : 0;
    for (const Bank& bank : banks_) {
        begin = std::max(begin, bank.activate_at);
    }
    for (std::size_t b = 0; b < banks_.size(); ++b) {
        close(static_cast<std::int32_t>(b), begin + t_.tRFC - (t_.activate - 1));
    }
    for (std::int64_t& free : bus_free_) {
        free = std::max(free, start + 1);
    }
    refresh_due_ += t_.tREFI;
    ++counts_.refreshes;
}

std::int64_t DramScheduler::refreshes_until(std::int64_t clock) const {
    const std::int64_t due = refresh_due_;
    return counts_.refreshes + (due <= clock ? 1 + (clock - due) / t_.tREFI : 0);
}

}  // namespace memwall
