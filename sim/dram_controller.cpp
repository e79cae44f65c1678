// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_controller.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace memwall {

DramController::DramController(const DramConfig& config, bool by_burst)
    : config_(config),
      layout_(config),
      here_(static_cast<std::size_t>(config.channels)),
      runs_(static_cast<std::size_t>(config.channels)),
      touched_(static_cast<std::size_t>(config.channels), false),
      busy_(static_cast<std::size_t>(config.channels), 0) {
    for (std::int64_t c = 0; c < config.channels; ++c) {
        channels_.push_back(std::make_unique<DramChannel>(config_, layout_, by_burst));
    }
}

void DramController::submit(std::int32_t tag, std::int32_t stream, const DramAccess& access,
                            const ClockDomain& clock, Picoseconds now) {
    auto slot = static_cast<std::int32_t>(requests_.size());
    if (free_slots_.empty()) {
        requests_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    Request& mine = request(slot);
    mine.tag = tag;
    mine.clock = &clock;
    mine.parts.clear();
    for (auto& runs : runs_) {
        runs.clear();
    }
    layout_.split(access, runs_);
    for (std::size_t c = 0; c < channels_.size(); ++c) {
        if (!runs_[c].empty()) {
            const std::int32_t number = channels_[c]->submit(runs_[c], stream, access.write, now);
            here_[c].push_back({slot, static_cast<std::int32_t>(mine.parts.size())});
            mine.parts.push_back({static_cast<std::int32_t>(c), number, kNever, kNever});
            touch(static_cast<std::int32_t>(c));
        }
    }
    mine.undecided = mine.unaccepted = mine.parts.size();
    mine.accepted = false;
    if (mine.parts.empty()) {  // nothing to move
        due_.set(slot, clock.time_of(clock.edge_at_or_after(now)));
    }
}

void DramController::touch(std::int32_t channel) {
    if (!touched_[static_cast<std::size_t>(channel)]) {
        touched_[static_cast<std::size_t>(channel)] = true;
        touched_channels_.push_back(channel);
    }
}

void DramController::settle(Picoseconds now) {
    for (const std::int32_t c : touched_channels_) {
        DramChannel& channel = *channels_[static_cast<std::size_t>(c)];
        channel.look_ahead(now);
        take_over(c);
        const Picoseconds horizon = channel.horizon();
        if (horizon == kNever) {
            horizon_.erase(c);
        } else {
            horizon_.set(c, horizon);
        }
        touched_[static_cast<std::size_t>(c)] = false;
    }
    touched_channels_.clear();
    for (const std::int32_t slot : changed_requests_) {
        request(slot).changed = false;
        schedule(slot);
    }
    changed_requests_.clear();
}

void DramController::schedule(std::int32_t slot) {
    const Request& mine = request(slot);
    Picoseconds accepted;
    Picoseconds last;
    for (const Part& part : mine.parts) {
        accepted = std::max(accepted, part.accepted);
        last = std::max(last, part.finish);
    }
    const auto edge = [&](Picoseconds time) {
        return mine.clock->time_of(mine.clock->edge_at_or_after(time));
    };
    if (mine.unaccepted == 0 && !mine.accepted) {
        accepting_.set(slot, edge(accepted));
    } else {
        accepting_.erase(slot);
    }
    if (mine.undecided == 0) {
        due_.set(slot, edge(last));
    } else {
        due_.erase(slot);
    }
}

void DramController::take_over(std::int32_t channel) {
    for (const Here& here : here_[static_cast<std::size_t>(channel)]) {
        Request& mine = request(here.request);
        Part& part = mine.parts[static_cast<std::size_t>(here.part)];
        const auto progress = channels_[static_cast<std::size_t>(channel)]->progress(part.number);
        const Picoseconds finish = progress.decided ? progress.finish : kNever;
        if (finish == part.finish && progress.accepted == part.accepted) {
            continue;
        }
        mine.unaccepted -= part.accepted == kNever ? 1 : 0;
        mine.unaccepted += progress.accepted == kNever ? 1 : 0;
        part.accepted = progress.accepted;
        mine.undecided -= part.finish == kNever ? 1 : 0;
        mine.undecided += finish == kNever ? 1 : 0;
        part.finish = finish;
        if (!mine.changed) {
            mine.changed = true;
            changed_requests_.push_back(here.request);
        }
    }
}

Picoseconds DramController::next_time() const {
    return std::min({due_.next(), accepting_.next(), horizon_.next()});
}

void DramController::advance(Picoseconds now, std::vector<std::int32_t>& finished) {
    while (horizon_.next() <= now) {
        touch(horizon_.pop());
    }
    while (accepting_.next() <= now) {
        accept(accepting_.pop());
    }
    while (due_.next() <= now) {
        const std::int32_t slot = due_.pop();
        accept(slot);
        finished.push_back(request(slot).tag);
        finish(slot);
    }
}

void DramController::accept(std::int32_t slot) {
    Request& mine = request(slot);
    if (!mine.accepted) {
        mine.accepted = true;
        accepting_.erase(slot);
        accepted_.push_back(mine.tag);
    }
}

void DramController::take_accepted(std::vector<std::int32_t>& accepted) {
    accepted.insert(accepted.end(), accepted_.begin(), accepted_.end());
    accepted_.clear();
}

void DramController::finish(std::int32_t slot) {
    Request& mine = request(slot);
    Picoseconds last;
    Picoseconds delay;
    for (const Part& part : mine.parts) {
        DramChannel& channel = *channels_[static_cast<std::size_t>(part.channel)];
        const auto progress = channel.progress(part.number);
        ensure(progress.decided, "an access that has finished is decided");
        if (progress.finish > last) {
            last = progress.finish;
            delay = progress.delay;
        }
        busy_[static_cast<std::size_t>(part.channel)] += progress.bursts;
        channel.release(part.number);
        std::erase_if(here_[static_cast<std::size_t>(part.channel)],
                      [&](const Here& here) { return here.request == slot; });
    }
    const auto tag = static_cast<std::size_t>(mine.tag);
    if (tag >= delays_.size()) {
        delays_.resize(tag + 1);
    }
    delays_[tag] = delay;
    free_slots_.push_back(slot);
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
