// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_channel.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

DramChannel::DramChannel(const DramConfig& config, const DramLayout& layout, bool by_burst)
    : config_(config),
      layout_(layout),
      by_burst_(by_burst),
      banks_(static_cast<std::size_t>(config.banks)) {
    if (config.refresh_interval.count() > 0) {
        state_.refresh_due = config.refresh_interval;
    }
}

void DramChannel::submit(std::int64_t id, const DramCursor& part, bool write, Picoseconds now) {
    undo_from(now);
    while (decide(now)) {
    }
    Part fresh;
    fresh.id = id;
    fresh.cursor = part;
    fresh.write = write;
    fresh.arrival = now;
    fresh.last_turn = state_.turn;
    fresh.others_before = state_.counts.bursts;
    std::size_t only = 0;
    if (waiting(&only) <= 1) {
        state_.streak = 0;  // what was served alone kept nobody waiting
    }
    parts_.push_back(fresh);
    latest_ = now;
}

bool DramChannel::look_ahead(Picoseconds now, std::size_t most) {
    if (!decisions_.empty() && decisions_.back().last < now) {
        decisions_.clear();
    } else if (decisions_.size() > 4 * most) {
        const auto kept = std::find_if(decisions_.begin(), decisions_.end(),
                                       [&](const Decision& d) { return d.last >= now; });
        decisions_.erase(decisions_.begin(), kept);
    }
    for (std::size_t made = 0; made < most; ++made) {
        if (!decide(kNever)) {
            return true;
        }
    }
    std::size_t only = 0;
    return waiting(&only) == 0;
}

Picoseconds DramChannel::next_decision() const {
    std::size_t only = 0;
    return waiting(&only) == 0 ? kNever : std::max(state_.slot, latest_);
}

std::size_t DramChannel::waiting(std::size_t* only) const {
    std::size_t count = 0;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        if (!parts_[p].cursor.done()) {
            *only = p;
            ++count;
        }
    }
    return count;
}

bool DramChannel::decide(Picoseconds limit) {
    std::size_t only = 0;
    const std::size_t count = waiting(&only);
    const Picoseconds at = std::max(state_.slot, latest_);
    if (count == 0 || at >= limit) {
        return false;
    }
    if (state_.refresh_due <= at) {
        refresh(at);
        return true;
    }
    serve(count == 1 ? only : choose(at), at, count == 1, limit);
    return true;
}

void DramChannel::refresh(Picoseconds at) {
    Decision decision;
    decision.at = decision.last = at;
    decision.before = state_;
    decisions_.push_back(decision);

    // Refreshes that fell into an idle time are long over; only the last one can matter.
    const std::int64_t past = (at - state_.refresh_due).count() / config_.refresh_interval.count();
    state_.counts.refreshes += past;
    if (past > 0) {
        state_.refresh_due += config_.refresh_interval * past;
        const Picoseconds previous = state_.refresh_due - config_.refresh_interval;
        state_.closed_until = std::max(state_.slot, previous) + config_.refresh_time;
    }

    Picoseconds begin = std::max(state_.refresh_due, state_.slot);
    if (state_.last_activate >= state_.closed_until) {  // rows are open
        begin = std::max(begin, state_.last_activate + config_.activate_to_precharge);
        begin += config_.precharge;
    }
    state_.closed_until = begin + config_.refresh_time;
    state_.slot = std::max(state_.slot, state_.closed_until);
    state_.refresh_due += config_.refresh_interval;
    ++state_.counts.refreshes;
}

bool DramChannel::open(const Bank& bank, std::int64_t row) const {
    return bank.row == row && bank.activated >= state_.closed_until;
}

DramChannel::Command DramChannel::command(const Part& part, Picoseconds at) const {
    const Bank& bank = banks_[static_cast<std::size_t>(layout_.bank_of(part.cursor.at()))];
    Picoseconds bus = std::max(at, state_.slot);
    if (!state_.idle_bus && state_.last_write != part.write) {
        bus = std::max(bus, state_.slot + config_.turnaround);
    }
    if (open(bank, layout_.row_of(part.cursor.at()))) {
        return {std::max(bus, bank.activated + config_.activate_to_access), true, bank.activated};
    }
    Picoseconds activate = std::max(part.arrival, state_.closed_until);
    if (bank.row >= 0 && bank.activated >= state_.closed_until) {  // another row is open
        const Picoseconds close =
            std::max({activate, bank.free, bank.activated + config_.activate_to_precharge});
        activate = close + config_.precharge;
    }
    if (config_.activate_interval.count() > 0 && state_.last_activate.count() >= 0) {
        activate = std::max(activate, state_.last_activate + config_.activate_interval);
    }
    return {std::max(bus, activate + config_.activate_to_access), false, activate};
}

std::size_t DramChannel::choose(Picoseconds at) const {
    if (state_.streak < config_.row_hit_cap) {
        for (std::size_t p = 0; p < parts_.size(); ++p) {
            if (parts_[p].id == state_.last && !parts_[p].cursor.done() &&
                command(parts_[p], at).hit) {
                return p;
            }
        }
    }
    return choose_next(at);
}

/// Whom to turn to where no row hits go on: whoever was passed over too often, else the one that is
/// ready first, else the one that was served longest ago.
std::size_t DramChannel::choose_next(Picoseconds at) const {
    std::size_t best = SIZE_MAX;
    Picoseconds best_time;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
        const Part& part = parts_[p];
        const bool had_enough = part.id == state_.last && state_.streak >= config_.row_hit_cap;
        if (part.cursor.done() || had_enough) {
            continue;
        }
        if (state_.turn - part.last_turn > config_.row_hit_cap) {
            return p;
        }
        const Picoseconds time = command(part, at).time;
        if (best == SIZE_MAX || time < best_time ||
            (time == best_time && part.last_turn < parts_[best].last_turn)) {
            best = p;
            best_time = time;
        }
    }
    ensure(best != SIZE_MAX, "a channel with waiting accesses serves one of them");
    return best;
}

std::int64_t DramChannel::run_length(const Part& part, Picoseconds first, bool alone,
                                     Picoseconds limit) const {
    if (by_burst_) {
        return 1;
    }
    std::int64_t bursts = part.cursor.in_row(layout_);
    if (!alone) {
        const std::int64_t streak = part.id == state_.last ? state_.streak : 0;
        bursts = std::min(bursts, std::max<std::int64_t>(1, config_.row_hit_cap - streak));
    }
    // The decision on burst i of the run falls at first + i bursts: before a refresh is due, and
    // before the limit.
    const Picoseconds stop = std::min(limit, state_.refresh_due);
    if (stop != kNever) {
        const std::int64_t span = (stop - first).count();
        const std::int64_t fit =
            span <= 0 ? 1
                      : std::max<std::int64_t>(1, ceil_divide(span, config_.burst_time.count()));
        bursts = std::min(bursts, fit);
    }
    return bursts;
}

void DramChannel::serve(std::size_t which, Picoseconds at, bool alone, Picoseconds limit) {
    Part& part = parts_[which];
    const std::int64_t bank_index = layout_.bank_of(part.cursor.at());
    Bank& bank = banks_[static_cast<std::size_t>(bank_index)];
    const Command first = command(part, at);
    const std::int64_t bursts = run_length(part, first.time, alone, limit);
    // Decided at `at`, and each burst after the first when the one before left the bus.
    const Picoseconds last = bursts == 1 ? at : first.time + config_.burst_time * (bursts - 1);
    decisions_.push_back({at, last, state_, bank_index, bank, which, part});

    if (!first.hit) {
        bank.row = layout_.row_of(part.cursor.at());
        bank.activated = first.activate;
        state_.last_activate = std::max(state_.last_activate, first.activate);
        ++state_.counts.row_misses;
    }
    const bool same = part.id == state_.last;
    state_.counts.row_hits += bursts - (first.hit ? 0 : 1);
    state_.counts.bursts += bursts;
    state_.slot = first.time + config_.burst_time * bursts;
    state_.streak = alone ? 0 : (same ? state_.streak : 0) + bursts;
    state_.turn += same ? 0 : 1;
    state_.last = part.id;
    state_.last_write = part.write;
    state_.idle_bus = false;
    bank.free = state_.slot;
    part.last_turn = state_.turn;
    part.bursts += bursts;
    part.others_after = state_.counts.bursts;
    part.last_command = state_.slot - config_.burst_time;
    part.cursor.skip(layout_, bursts);
}

void DramChannel::undo_from(Picoseconds time) {
    while (!decisions_.empty()) {
        const Decision& last = decisions_.back();
        if (last.last < time) {
            return;
        }
        state_ = last.before;
        if (last.bank >= 0) {
            banks_[static_cast<std::size_t>(last.bank)] = last.bank_before;
            parts_[last.part] = last.part_before;
        }
        decisions_.pop_back();
    }
}

std::size_t DramChannel::position(std::int64_t id) const {
    const auto found =
        std::lower_bound(parts_.begin(), parts_.end(), id,
                         [](const Part& part, std::int64_t wanted) { return part.id < wanted; });
    ensure(found != parts_.end() && found->id == id, "a channel knows its accesses");
    return static_cast<std::size_t>(found - parts_.begin());
}

DramChannel::Progress DramChannel::progress(std::int64_t id) const {
    const Part& part = parts_[position(id)];
    if (!part.cursor.done()) {
        return {};
    }
    const Picoseconds finish = part.last_command + config_.access_latency + config_.burst_time;
    const std::int64_t others = part.others_after - part.others_before - part.bursts;
    return {true, finish, part.bursts, config_.burst_time * others};
}

void DramChannel::release(std::int64_t id) {
    const std::size_t gone = position(id);
    // Decisions that may still be undone name their parts by position.
    std::erase_if(decisions_, [&](const Decision& d) { return d.bank >= 0 && d.part == gone; });
    for (Decision& decision : decisions_) {
        if (decision.bank >= 0 && decision.part > gone) {
            --decision.part;
        }
    }
    parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(gone));
}

std::int64_t DramChannel::refreshes_until(Picoseconds end) const {
    std::int64_t count = state_.counts.refreshes;
    if (state_.refresh_due <= end) {
        count += 1 + (end - state_.refresh_due).count() / config_.refresh_interval.count();
    }
    return count;
}

}  // namespace memwall
