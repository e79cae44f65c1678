// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_channel.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {
namespace {

/// Decisions that a channel makes at once: enough that remembering where it stood is cheap, few
/// enough that taking them back is.
constexpr int kLookAhead = 64;

}  // namespace

DramChannel::DramChannel(const DramConfig& config, const DramLayout& layout, bool by_burst)
    : layout_(layout),
      clock_(config.clock),
      queue_(config.queue),
      by_runs_(!by_burst && config.queue > 1 &&
               layout.rotates(ceil_divide(config.timings.tCCD_L,
                                          std::max(config.timings.tCCD_S, config.timings.burst)))),
      ahead_(config),
      base_(config) {}

std::int32_t DramChannel::free_part() {
    for (std::size_t p = 0; p < released_.size(); ++p) {
        if (released_[p] && ahead_.parts[p].done()) {
            released_[p] = false;
            return static_cast<std::int32_t>(p);
        }
    }
    released_.push_back(false);
    runs_.emplace_back();
    ahead_.parts.emplace_back();
    return static_cast<std::int32_t>(released_.size() - 1);
}

std::int32_t DramChannel::submit(const std::vector<DramLayout::Run>& runs, std::int32_t stream,
                                 bool write, Picoseconds now) {
    const std::int64_t clock = first_clock_from(now);
    if (!certain_ && ahead_.last >= clock) {
        ahead_ = base_;
    }
    while (decide(clock, nullptr)) {
    }
    certain_ = true;
    const std::int32_t fresh = free_part();
    Part& mine = part(fresh);
    mine = {};
    auto& kept = runs_[static_cast<std::size_t>(fresh)];
    kept = std::make_shared<const std::vector<DramLayout::Run>>(runs);
    mine.cursor = DramCursor(*kept);
    mine.write = write;
    mine.stream = stream;
    mine.order = next_order_++;
    mine.served_before = ahead_.served;
    auto& feeding = ahead_.feeding[write ? 1 : 0];
    const bool alone = std::none_of(feeding.begin(), feeding.end(),
                                    [&](std::int32_t p) { return part(p).stream == stream; });
    if (alone) {
        feeding.push_back(fresh);
    }
    refill(clock);
    return fresh;
}

void DramChannel::look_ahead(Picoseconds now) {
    if (!certain_) {
        if (ahead_.last >= first_clock_from(now)) {
            return;  // far enough ahead
        }
        certain_ = true;
    }
    if (ahead_.scheduler.empty()) {
        return;
    }
    base_ = ahead_;
    certain_ = false;
    bool completed = false;
    for (int made = 0; made < kLookAhead && !completed; ++made) {
        if (!decide(INT64_MAX, &completed)) {
            return;
        }
    }
}

Picoseconds DramChannel::horizon() const {
    return ahead_.scheduler.empty() ? kNever : clock_ * (ahead_.last + 1);
}

bool DramChannel::decide_run(std::int64_t limit) {
    if (ahead_.consecutive < queue_) {
        return false;
    }
    const std::int32_t p = ahead_.entered_part;
    Part& mine = part(p);
    const std::size_t way = mine.write ? 1 : 0;
    const auto& feeding = ahead_.feeding[way];
    if (feeding.size() != 1 || feeding.front() != p || !ahead_.feeding[1 - way].empty() ||
        mine.cursor.at() != ahead_.entered_burst + 1 || mine.cursor.in_run() < queue_ ||
        !ahead_.scheduler.only_hits(mine.write)) {
        return false;
    }
    const std::int64_t first = mine.cursor.at() - queue_;
    if (layout_.block_of(first) != mine.block.number) {
        return false;
    }
    const std::int64_t end = mine.cursor.at() + mine.cursor.in_run();
    const std::int64_t bursts =
        ahead_.scheduler.step_run({layout_, mine.block, first, end, mine.write, p}, limit);
    if (bursts == 0) {
        return false;
    }
    ahead_.served += bursts;
    ahead_.consecutive += bursts;
    ahead_.entered_burst += bursts;
    ahead_.last = ahead_.scheduler.last_column();
    mine.bursts += bursts;
    mine.served_after = ahead_.served;
    mine.finish = ahead_.last + ahead_.scheduler.data_end(mine.write);
    mine.cursor.skip(bursts);
    if (mine.cursor.done()) {
        mine.accepted = ahead_.last;
        feed_next(way, 0);
    }
    return true;
}

bool DramChannel::decide(std::int64_t limit, bool* completed) {
    if (by_runs_ && decide_run(limit)) {
        return true;
    }
    const DramScheduler::Issued issued = ahead_.scheduler.step(limit);
    if (issued.command == DramScheduler::Command::none) {
        return false;
    }
    ahead_.last = issued.clock;
    if (issued.command == DramScheduler::Command::column) {
        ++ahead_.served;
        Part& mine = part(issued.owner);
        --mine.waiting;
        mine.served_after = ahead_.served;
        mine.finish = issued.clock + ahead_.scheduler.data_end(mine.write);
        if (completed != nullptr && mine.done()) {
            *completed = true;
        }
    } else if (issued.command == DramScheduler::Command::activate) {
        ++part(issued.owner).activations;
    }
    refill(issued.clock);
    return true;
}

void DramChannel::refill(std::int64_t clock) {
    for (std::size_t way = 0; way < 2; ++way) {
        auto& feeding = ahead_.feeding[way];
        std::size_t& turn = ahead_.turn[way];
        while (!feeding.empty() && ahead_.scheduler.has_room(way == 1)) {
            turn = turn < feeding.size() ? turn : 0;
            const std::int32_t p = feeding[turn];
            Part& mine = part(p);
            const std::int64_t burst = mine.cursor.at();
            if (const std::int64_t number = layout_.block_of(burst); number != mine.block.number) {
                mine.block = layout_.block(number);
            }
            ahead_.scheduler.enqueue(
                {mine.block.row, layout_.bank(mine.block, burst), mine.write, p}, clock);
            const bool next = p == ahead_.entered_part && burst == ahead_.entered_burst + 1;
            ahead_.consecutive = next ? ahead_.consecutive + 1 : 1;
            ahead_.entered_part = p;
            ahead_.entered_burst = burst;
            ++mine.bursts;
            ++mine.waiting;
            mine.cursor.skip(1);
            if (mine.cursor.done()) {
                mine.accepted = clock;
                feed_next(way, turn);
            } else {
                ++turn;
            }
        }
    }
}

/// The first part of a stream has no bursts left: the next one feeds, or nobody.
void DramChannel::feed_next(std::size_t way, std::size_t which) {
    auto& feeding = ahead_.feeding[way];
    const std::int32_t stream = part(feeding[which]).stream;
    std::int32_t next = -1;
    for (std::size_t p = 0; p < ahead_.parts.size(); ++p) {
        const Part& other = ahead_.parts[p];
        if (other.stream == stream && other.write == (way == 1) && !other.cursor.done() &&
            (next < 0 || other.order < part(next).order)) {
            next = static_cast<std::int32_t>(p);
        }
    }
    if (next >= 0) {
        feeding[which] = next;
    } else {
        feeding.erase(feeding.begin() + static_cast<std::ptrdiff_t>(which));
    }
}

DramChannel::Progress DramChannel::progress(std::int32_t p) const {
    const Part& mine = ahead_.parts[static_cast<std::size_t>(p)];
    const Picoseconds accepted = mine.accepted >= 0 ? clock_ * mine.accepted : kNever;
    if (!mine.done()) {
        return {false, accepted, kNever, 0, 0, Picoseconds(0)};
    }
    const std::int64_t others = mine.served_after - mine.served_before - mine.bursts;
    return {true,
            accepted,
            clock_ * mine.finish,
            mine.bursts,
            mine.activations,
            clock_ * (std::max<std::int64_t>(others, 0) * ahead_.scheduler.burst_clocks())};
}

}  // namespace memwall
