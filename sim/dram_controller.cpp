// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_controller.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

namespace {

/// Decisions that a channel makes ahead of time: enough for most accesses to be decided at once,
/// few enough that undoing them is cheap.
constexpr std::size_t kLookAhead = 64;

}  // namespace

DramController::DramController(const DramConfig& config, bool by_burst)
    : config_(config),
      layout_(config),
      touched_(static_cast<std::size_t>(config.channels), false),
      busy_(static_cast<std::size_t>(config.channels), 0) {
    for (std::int64_t c = 0; c < config.channels; ++c) {
        channels_.push_back(std::make_unique<DramChannel>(config_, layout_, by_burst));
    }
}

void DramController::submit(std::int32_t tag, const DramAccess& access, const ClockDomain& clock,
                            Picoseconds now) {
    std::size_t slot = requests_.size();
    if (free_slots_.empty()) {
        requests_.emplace_back();
    } else {
        slot = static_cast<std::size_t>(free_slots_.back());
        free_slots_.pop_back();
    }
    Request& request = requests_[slot];
    request.id = next_id_++;
    request.tag = tag;
    request.clock = &clock;
    request.channels.clear();
    for (std::int64_t c = 0; c < layout_.channels(); ++c) {
        const DramCursor part(layout_, access, c);
        if (!part.done()) {
            const auto position = static_cast<std::size_t>(c);
            channels_[position]->submit(request.id, part, access.write, now);
            request.channels.push_back(static_cast<std::int32_t>(c));
            touched_[position] = true;
        }
    }
    any_touched_ = true;
    if (request.channels.empty()) {  // nothing to move
        due_.set(static_cast<std::int32_t>(slot), clock.time_of(clock.edge_at_or_after(now)));
    }
}

void DramController::settle(Picoseconds now) {
    if (!any_touched_) {
        return;
    }
    for (std::size_t c = 0; c < channels_.size(); ++c) {
        if (touched_[c]) {
            if (channels_[c]->look_ahead(now, kLookAhead)) {
                horizon_.erase(static_cast<std::int32_t>(c));
            } else {
                horizon_.set(static_cast<std::int32_t>(c), channels_[c]->next_decision());
            }
        }
    }
    for (std::size_t slot = 0; slot < requests_.size(); ++slot) {
        const Request& request = requests_[slot];
        const bool changed =
            request.id >= 0 &&
            std::any_of(request.channels.begin(), request.channels.end(),
                        [&](std::int32_t c) { return touched_[static_cast<std::size_t>(c)]; });
        if (changed) {
            schedule(slot);
        }
    }
    touched_.assign(touched_.size(), false);
    any_touched_ = false;
}

void DramController::schedule(std::size_t slot) {
    const Request& request = requests_[slot];
    Picoseconds last;
    for (const std::int32_t c : request.channels) {
        const auto progress = channels_[static_cast<std::size_t>(c)]->progress(request.id);
        if (!progress.decided) {
            due_.erase(static_cast<std::int32_t>(slot));
            return;
        }
        last = std::max(last, progress.finish);
    }
    const ClockDomain& clock = *request.clock;
    due_.set(static_cast<std::int32_t>(slot), clock.time_of(clock.edge_at_or_after(last)));
}

Picoseconds DramController::next_time() const {
    return std::min(due_.next(), horizon_.next());
}

void DramController::advance(Picoseconds now, std::vector<std::int32_t>& finished) {
    while (horizon_.next() <= now) {
        touched_[static_cast<std::size_t>(horizon_.pop())] = true;
        any_touched_ = true;
    }
    while (due_.next() <= now) {
        const auto slot = static_cast<std::size_t>(due_.pop());
        finished.push_back(requests_[slot].tag);
        finish(slot);
    }
}

void DramController::finish(std::size_t slot) {
    Request& request = requests_[slot];
    Picoseconds last;
    Picoseconds delay;
    for (const std::int32_t c : request.channels) {
        DramChannel& channel = *channels_[static_cast<std::size_t>(c)];
        const auto progress = channel.progress(request.id);
        ensure(progress.decided, "an access that has finished is decided");
        if (progress.finish > last) {
            last = progress.finish;
            delay = progress.delay;
        }
        busy_[static_cast<std::size_t>(c)] += progress.bursts;
        channel.release(request.id);
    }
    const auto tag = static_cast<std::size_t>(request.tag);
    if (tag >= delays_.size()) {
        delays_.resize(tag + 1);
    }
    delays_[tag] = delay;
    request.id = -1;
    free_slots_.push_back(static_cast<std::int32_t>(slot));
}

Picoseconds DramController::delay(std::int32_t tag) const {
    return delays_[static_cast<std::size_t>(tag)];
}

void DramController::reset_busy() {
    std::fill(busy_.begin(), busy_.end(), 0);
}

DramOutcome DramController::outcome(Picoseconds end) const {
    DramOutcome total;
    for (const auto& channel : channels_) {
        const DramChannelCounts& counts = channel->counts();
        total.bursts += counts.bursts;
        total.row_hits += counts.row_hits;
        total.row_misses += counts.row_misses;
        total.refreshes += channel->refreshes_until(end);
    }
    return total;
}

}  // namespace memwall
