// SPDX-License-Identifier: Apache-2.0
#include "sim/simple_dram.hpp"

#include <algorithm>

#include "arch/dram_access.hpp"

namespace memwall {

void SimpleDram::submit(std::int32_t tag, std::int32_t /*stream*/, const DramAccess& access,
                        const ClockDomain& clock, Picoseconds now) {
    auto slot = static_cast<std::int32_t>(requests_.size());
    if (free_slots_.empty()) {
        requests_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    Request& mine = requests_[static_cast<std::size_t>(slot)];
    mine.tag = tag;
    mine.bursts = least_served(access, config_.burst).count() / config_.burst.count();
    bursts_ += mine.bursts;
    const Picoseconds begin = std::max(now, free_at_);
    mine.delay = begin - now;
    Picoseconds finish = now;
    if (mine.bursts > 0) {
        free_at_ = begin + config_.bus_time(mine.bursts);
        finish = free_at_ + config_.latency;
    }
    due_.set(slot, clock.time_of(clock.edge_at_or_after(finish)));
    accepting_.set(slot, clock.time_of(clock.edge_at_or_after(std::max(now, free_at_))));
}

void SimpleDram::advance(Picoseconds now, std::vector<std::int32_t>& finished) {
    while (accepting_.next() <= now) {
        accepted_.push_back(requests_[static_cast<std::size_t>(accepting_.pop())].tag);
    }
    while (due_.next() <= now) {
        const std::int32_t slot = due_.pop();
        const Request& mine = requests_[static_cast<std::size_t>(slot)];
        const auto tag = static_cast<std::size_t>(mine.tag);
        if (tag >= delays_.size()) {
            delays_.resize(tag + 1);
        }
        delays_[tag] = mine.delay;
        busy_[0] += mine.bursts;
        finished.push_back(mine.tag);
        free_slots_.push_back(slot);
    }
}

void SimpleDram::take_accepted(std::vector<std::int32_t>& accepted) {
    accepted.insert(accepted.end(), accepted_.begin(), accepted_.end());
    accepted_.clear();
}

Picoseconds SimpleDram::delay(std::int32_t tag) const {
    return delays_[static_cast<std::size_t>(tag)];
}

DramOutcome SimpleDram::outcome(Picoseconds /*end*/) const {
    DramOutcome outcome;
    outcome.bursts = bursts_;
    return outcome;
}

}  // namespace memwall
