// SPDX-License-Identifier: Apache-2.0
// Periods of a run that an engine leaves out: what a recorder notes of one, and adds for those like
// it.
#include <algorithm>
#include <map>
#include <utility>

#include "arch/outcome_recorder.hpp"

namespace memwall {

void OutcomeRecorder::begin_period() {
    log_.begin();
    recorded_.clear();
    marked_ = 0;
    begin_of_period_ = {{}, 0, changes_.size()};
}

void OutcomeRecorder::end_period() {
    log_.end();
    recorded_.clear();
}

OutcomeRecorder::Mark OutcomeRecorder::mark() {
    marked_ = recorded_.size();
    return {log_.mark(), marked_, changes_.size()};
}

/// As one with the step of the same layer that was noted last, where that was in the same round.
void OutcomeRecorder::note(const Recorded& step) {
    std::size_t& last = recent_[step.layer.valid() ? step.layer.position() : 0];
    if (last >= marked_ && last < recorded_.size()) {
        Recorded& before = recorded_[last];
        if (before.round == step.round && before.layer == step.layer && before.edge == step.edge) {
            before.start = std::min(before.start, step.start);
            before.complete = std::max(before.complete, step.complete);
            return;
        }
    }
    last = recorded_.size();
    recorded_.push_back(step);
}

bool OutcomeRecorder::holds_as_at(const Mark& from) const {
    std::vector<std::int64_t> more(busy_until_.size());
    for (std::size_t c = from.changes; c < changes_.size(); ++c) {
        more[static_cast<std::size_t>(changes_[c].component)] += changes_[c].bytes;
    }
    return std::all_of(more.begin(), more.end(), [](std::int64_t bytes) { return bytes == 0; });
}

void OutcomeRecorder::leave_out(const PeriodsLeftOut& left_out, const Mark& from, Picoseconds now,
                                Picoseconds earliest) {
    log_.leave_out(left_out, from.log);
    if (left_out.rounds > 0) {
        leave_out_steps(left_out, from.recorded);
    } else {
        leave_out_turns(left_out, from.recorded);
    }
    // The last of them, with what is under way, show all that a memory ever holds in one.
    const std::int64_t shown = std::min(
        left_out.periods, 2 + ceil_divide((now - earliest).count(), left_out.time.count()));
    const std::size_t end = changes_.size();
    for (std::int64_t period = left_out.periods - shown + 1; period <= left_out.periods; ++period) {
        for (std::size_t c = from.changes; c < end; ++c) {
            Change change = changes_[c];
            change.at += left_out.time * period;
            changes_.push_back(change);
        }
    }
    for (Picoseconds& until : busy_until_) {
        until += until > earliest ? left_out.time * left_out.periods : Picoseconds(0);
    }
}

/// Turns within a round: only the last of them shows when it, its layers and its round end.
void OutcomeRecorder::leave_out_turns(const PeriodsLeftOut& left_out, std::size_t from) {
    const Picoseconds later = left_out.time * left_out.periods;
    for (std::size_t r = from; r < recorded_.size(); ++r) {
        Recorded step = recorded_[r];
        step.start += later;
        step.complete += later;
        keep_round(step);
        keep_ends(step);
        keep_block_end(step);
    }
}

/// When rounds, and layers in the last one, began and ended.
void OutcomeRecorder::leave_out_steps(const PeriodsLeftOut& left_out, std::size_t from) {
    const auto copy = [&](Recorded step, std::int64_t period) {
        step.round += left_out.rounds * period;
        step.start += left_out.time * period;
        step.complete += left_out.time * period;
        return step;
    };
    std::map<std::pair<std::int64_t, NetworkEdge>, Recorded> rounds;
    for (std::size_t r = from; r < recorded_.size(); ++r) {
        const Recorded& step = recorded_[r];
        Recorded& all = rounds.try_emplace({step.round, step.edge}, step).first->second;
        all.start = std::min(all.start, step.start);
        all.complete = std::max(all.complete, step.complete);
        const std::int64_t to_last = program_.rounds - 1 - step.round;
        const std::int64_t period = to_last / left_out.rounds;
        if (period >= 1 && period <= left_out.periods) {
            keep_ends(copy(step, period));  // if that is in the last round
        }
    }
    for (const auto& [key, all] : rounds) {
        for (std::int64_t period = 1; period <= left_out.periods; ++period) {
            keep_round(copy(all, period));
        }
    }
}

}  // namespace memwall
