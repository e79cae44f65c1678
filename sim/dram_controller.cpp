// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_controller.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.hpp"

namespace memwall {

DramController::DramController(const DramConfig& config, bool by_burst)
    : config_(config),
      layout_(config),
      runs_(static_cast<std::size_t>(config.channels)),
      busy_(static_cast<std::size_t>(config.channels), 0) {
    std::vector<std::int32_t> all(runs_.size());
    std::iota(all.begin(), all.end(), 0);
    if (!by_burst) {
        groups_.push_back(
            std::make_unique<Group>(Group{DramChannel(config_, layout_, false), all}));
    } else {
        for (const std::int32_t c : all) {
            groups_.push_back(
                std::make_unique<Group>(Group{DramChannel(config_, layout_, true), {c}}));
        }
    }
    here_.resize(groups_.size());
}

void DramController::divide(std::int32_t g) {
    std::vector<std::vector<std::int32_t>> classes;
    for (const std::int32_t c : group(g).members) {
        const auto same = std::find_if(
            classes.begin(), classes.end(),
            [&](const std::vector<std::int32_t>& of) { return runs_of(of.front()) == runs_of(c); });
        if (same != classes.end()) {
            same->push_back(c);
        } else {
            classes.push_back({c});
        }
    }
    for (std::size_t k = 1; k < classes.size(); ++k) {
        split_off(g, std::move(classes[k]));
    }
    group(g).members = std::move(classes.front());
}

void DramController::split_off(std::int32_t from, std::vector<std::int32_t> members) {
    const auto fresh = static_cast<std::int32_t>(groups_.size());
    groups_.push_back(std::make_unique<Group>(Group{group(from).channel, std::move(members)}));
    here_.emplace_back();
    for (const Here& place : here(from)) {
        Request& mine = request(place.request);
        Part part = mine.parts[static_cast<std::size_t>(place.part)];
        part.group = fresh;
        here(fresh).push_back({place.request, static_cast<std::int32_t>(mine.parts.size())});
        mine.undecided += part.finish == kNever ? 1 : 0;
        mine.unaccepted += part.accepted == kNever ? 1 : 0;
        mine.parts.push_back(part);
    }
    touch(fresh);
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
    for (std::size_t g = 0, known = groups_.size(); g < known; ++g) {
        divide(static_cast<std::int32_t>(g));
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        const auto number = static_cast<std::int32_t>(g);
        const std::vector<DramLayout::Run>& runs = runs_of(group(number).members.front());
        if (!runs.empty()) {
            const std::int32_t part = group(number).channel.submit(runs, stream, access.write, now);
            here_[g].push_back({slot, static_cast<std::int32_t>(mine.parts.size())});
            mine.parts.push_back({number, part, kNever, kNever});
            touch(number);
        }
    }
    mine.undecided = mine.unaccepted = mine.parts.size();
    mine.accepted = false;
    if (mine.parts.empty()) {  // nothing to move
        due_.set(slot, clock.time_of(clock.edge_at_or_after(now)));
    }
}

void DramController::touch(std::int32_t g) {
    if (!group(g).touched) {
        group(g).touched = true;
        touched_groups_.push_back(g);
    }
}

void DramController::settle(Picoseconds now) {
    for (const std::int32_t g : touched_groups_) {
        DramChannel& channel = group(g).channel;
        channel.look_ahead(now);
        take_over(g);
        const Picoseconds horizon = channel.horizon();
        if (horizon == kNever) {
            horizon_.erase(g);
        } else {
            horizon_.set(g, horizon);
        }
        group(g).touched = false;
    }
    touched_groups_.clear();
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

void DramController::take_over(std::int32_t g) {
    for (const Here& place : here(g)) {
        Request& mine = request(place.request);
        Part& part = mine.parts[static_cast<std::size_t>(place.part)];
        const auto progress = group(g).channel.progress(part.number);
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
            changed_requests_.push_back(place.request);
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
    std::int64_t opened = 0;
    std::int32_t latest = -1;  // of the channels that end last, the first
    for (const Part& part : mine.parts) {
        Group& served = group(part.group);
        const auto progress = served.channel.progress(part.number);
        ensure(progress.decided, "an access that has finished is decided");
        const std::int32_t first = served.members.front();
        if (progress.finish > last || (progress.finish == last && first < latest)) {
            last = progress.finish;
            delay = progress.delay;
            latest = first;
        }
        opened += progress.activations * static_cast<std::int64_t>(served.members.size());
        for (const std::int32_t c : served.members) {
            busy_[static_cast<std::size_t>(c)] += progress.bursts;
        }
        served.channel.release(part.number);
        std::erase_if(here(part.group), [&](const Here& place) { return place.request == slot; });
    }
    const auto tag = static_cast<std::size_t>(mine.tag);
    if (tag >= delays_.size()) {
        delays_.resize(tag + 1);
        opened_.resize(tag + 1);
    }
    delays_[tag] = delay;
    opened_[tag] += opened;
    free_slots_.push_back(slot);
}

Picoseconds DramController::delay(std::int32_t tag) const {
    return delays_[static_cast<std::size_t>(tag)];
}

std::int64_t DramController::take_activations(std::int32_t tag) {
    return std::exchange(opened_[static_cast<std::size_t>(tag)], 0);
}

void DramController::reset_busy() {
    std::fill(busy_.begin(), busy_.end(), 0);
}

DramOutcome DramController::outcome(Picoseconds end) const {
    DramOutcome total;
    for (const auto& group : groups_) {
        const auto channels = static_cast<std::int64_t>(group->members.size());
        const DramChannelCounts& counts = group->channel.counts();
        total.bursts += channels * counts.bursts;
        total.row_hits += channels * counts.row_hits;
        total.row_misses += channels * counts.row_misses;
        total.refreshes += channels * group->channel.refreshes_until(end);
    }
    return total;
}

}  // namespace memwall
