// SPDX-License-Identifier: Apache-2.0
// What a replay counts, and the outcome at its end.
#include <algorithm>

#include "arch/body_costs.hpp"
#include "base/error.hpp"
#include "sim/invariants.hpp"
#include "sim/replay_engine.hpp"

namespace memwall {

std::int64_t ReplayEngine::round_of(const Step& step) const {
    if (!step.layer.valid()) {
        return -1;
    }
    ensure(step.layer.position() < program_.layers.size(), "a step works for a layer");
    ensure(step.item >= 0 && step.item < program_.rounds, "a step works for one of the rounds");
    return step.item;
}

void ReplayEngine::count_start(Slot& mine, Picoseconds now) {
    const Step& step = mine.next.step;
    check_delivery(program_, step);
    const bool load = mine.round < 0;
    if (load || mine.round >= options_.window.warmup) {
        std::vector<std::int64_t>& counts = load ? load_counts_ : counts_;
        for (const ActionCount& action : step.body->actions) {
            std::int64_t& count = counts[action.row.position()];
            count = checked_add(count, action.count);
        }
    }
    if (options_.causes) {
        StepRecord record;
        record.enabled = row(mine.agent).cause;
        record.start = now;
        record.layer = step.layer;
        record.round = static_cast<std::int32_t>(mine.round);
        mine.record = causes_.add(record);
    }
    if (load) {
        ++loading_;
        return;
    }
    Round& round = rounds_[static_cast<std::size_t>(mine.round)];
    if (mine.round == 0 && round.first == kNever && loading_ > 0 && options_.window.warmup == 0) {
        restart_window(now);  // loading goes on beside the first round
    }
    round.first = std::min(round.first, now);
    if (step.body->edge == NetworkEdge::input) {
        round.first_input = std::min(round.first_input, now);
    }
    if (mine.scheduled.count() >= 0 && mine.round >= options_.window.warmup) {
        tally_.scheduled(step, {mine.ready, mine.scheduled, now}, row(mine.agent).waited);
    }
    if (mine.round + 1 == program_.rounds) {
        tally_.started(step, now);
        tally_.queued(step.layer, now - mine.arrived);
    }
}

void ReplayEngine::count_activations(const Slot& mine, DramId dram, std::int64_t rows) {
    if (mine.round < 0) {
        load_activations_[dram.position()] += rows;
    } else if (mine.round >= options_.window.warmup) {
        share_activations(program_, machine_, *mine.next.step.body, {dram, rows, 1}, activations_);
    }
}

void ReplayEngine::count_completion(const Slot& mine, Picoseconds now) {
    const Step& step = mine.next.step;
    end_ = std::max(end_, now);
    if (mine.round < 0) {
        --loading_;
        load_end_ = std::max(load_end_, now);
        if (options_.window.warmup == 0 && rounds_.front().first == kNever) {
            restart_window(now);
        }
        return;
    }
    const bool output = step.body->edge == NetworkEdge::output;
    Round& round = rounds_[static_cast<std::size_t>(mine.round)];
    round.last = std::max(round.last, now);
    if (output) {
        outputs_seen_ = true;
        round.last_output = std::max(round.last_output, now);
    }
    if (mine.round < options_.window.warmup && (output || !outputs_seen_)) {
        restart_window(now);
    }
    if (mine.round + 1 == program_.rounds) {
        tally_.completed(step.layer, now);
        tally_.queued(step.layer, mine.delay);
        if (round.end() == now && (output || round.last_output.count() < 0)) {
            last_record_ = mine.record;
        }
    }
    const double layers = static_cast<double>(std::max<std::size_t>(1, program_.layers.size()));
    const double reached =
        static_cast<double>(mine.round) + static_cast<double>(step.layer.position() + 1) / layers;
    progress_ = std::max(progress_, reached / static_cast<double>(program_.rounds));
}

void ReplayEngine::restart_window(Picoseconds now) {
    window_start_ = now;
    activity_.restart(now);
    for (DramPort* dram : servers_.drams()) {
        dram->reset_busy();
    }
}

void ReplayEngine::write_rounds(Outcome& outcome) const {
    Picoseconds window_end;
    for (const Round& round : rounds_) {
        ensure(round.first != kNever, "every round of a program has steps");
        outcome.round_start.push_back(round.start());
        outcome.round_end.push_back(round.end());
        window_end = std::max(window_end, round.end());
    }
    outcome.load_end = load_end_;
    outcome.window_start = window_start_;
    outcome.window_end = window_end;
    outcome.end = end_;
}

void ReplayEngine::write_path(Outcome& outcome) const {
    PathShares path(program_.layers.size());
    if (options_.causes) {
        path = causes_.critical_path(last_record_, static_cast<std::int32_t>(program_.rounds - 1),
                                     program_.layers.size());
    }
    for (std::size_t l = 0; l < outcome.layers.size(); ++l) {
        LayerOutcome& layer = outcome.layers[l];
        layer.path_known = options_.causes;
        const auto largest = [](const auto& times) {
            auto most = static_cast<std::size_t>(Bound::latency);
            for (std::size_t b = 0; b < kBoundCount; ++b) {
                most = times[b] > times[most] ? b : most;
            }
            return most;
        };
        const std::size_t on_path = largest(path[l]);
        const bool is_on = path[l][on_path].count() > 0;
        layer.bound_by = is_on ? static_cast<Bound>(on_path) : tally_.longest_need(l);
        for (std::size_t b = 0; b < kBoundCount; ++b) {
            const auto bound = static_cast<Bound>(b);
            if (bound != Bound::compute && bound != Bound::vector) {
                layer.exposed += path[l][b];
            }
        }
    }
}

Outcome ReplayEngine::outcome() const {
    ensure(done(), "an outcome is taken when all is done");
    ensure(servers_.flows().active() == 0, "nothing is in flight at the end");
    Outcome outcome;
    outcome.counts = counts_;
    outcome.load_counts = load_counts_;
    outcome.activations = activations_;
    outcome.load_activations = load_activations_;
    write_rounds(outcome);
    tally_.write(outcome, outcome.round_start.back());
    write_path(outcome);
    std::vector<const DramPort*> drams;
    for (DramPort* dram : servers_.drams()) {
        drams.push_back(dram);
        outcome.drams.push_back(dram->outcome(end_));
    }
    activity_.write(outcome, drams);
    for (std::size_t c = 0; c < outcome.components.size(); ++c) {
        outcome.components[c].peak = occupancy_.peak(ComponentId(c));
    }
    outcome.steps = steps_;
    check_outcome(program_, machine_, outcome);
    return outcome;
}

}  // namespace memwall
