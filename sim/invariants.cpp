// SPDX-License-Identifier: Apache-2.0
#include "sim/invariants.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace memwall {

namespace {

/// How much sooner a replay may end than the analytic engine says, of that: waiting for links
/// changes the order in which units and a DRAM are asked, and another order can be the better one
/// (Graham, "Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math. 17, 1969).
constexpr double kMostSooner = 0.01;

std::string text(Picoseconds time) {
    return std::to_string(time.count()) + " ps";
}

void check_times(const Outcome& outcome) {
    ensure(outcome.window_start <= outcome.window_end && outcome.window_end <= outcome.end,
           "a window lies inside its replay");
    for (std::size_t r = 0; r < outcome.round_end.size(); ++r) {
        ensure(outcome.round_start[r] <= outcome.round_end[r], "a round ends after it began");
    }
}

void check_busy(const Machine& machine, const Outcome& outcome) {
    const Picoseconds elapsed = outcome.end - outcome.window_start;
    const std::size_t components = machine.components().size();
    for (std::size_t c = 0; c < components; ++c) {
        Picoseconds by_layer;
        for (std::size_t l = 0; l < outcome.layers.size(); ++l) {
            by_layer += outcome.busy_by_layer[l * components + c];
        }
        const Picoseconds most = std::max(by_layer, outcome.components[c].busy_max);
        if (most > elapsed) {
            fail("component '" + machine.components()[c].name + "' was busy for " + text(most) +
                 " of " + text(elapsed));
        }
    }
}

void check_peaks(const Machine& machine, const Outcome& outcome) {
    for (std::size_t c = 0; c < machine.components().size(); ++c) {
        const Component& component = machine.components()[c];
        const Bytes capacity = component.capacity();
        if (outcome.components[c].peak > capacity) {
            fail("memory '" + component.name + "' held " +
                 std::to_string(outcome.components[c].peak.count()) + " B; its capacity is " +
                 std::to_string(capacity.count()) + " B");
        }
    }
}

void check_drams(const Program& program, const Machine& machine, const Outcome& outcome) {
    for (std::size_t d = 0; d < machine.drams().size(); ++d) {
        const ComponentId dram = machine.drams()[d];
        std::int64_t counted = 0;
        for (std::size_t r = 0; r < program.actions.size(); ++r) {
            const ActionKey& key = program.actions.key(RowId(r));
            if (key.component == dram &&
                (key.action == Action::read || key.action == Action::write)) {
                counted += outcome.counts[r] + outcome.load_counts[r];
            }
        }
        const std::int64_t served = outcome.drams[d].bursts * machine.dram(DramId(d)).burst.count();
        if (served < counted) {
            fail("memory '" + machine.component(dram).name + "' served " + std::to_string(served) +
                 " B, but " + std::to_string(counted) + " B were counted");
        }
    }
}

}  // namespace

void check_delivery(const Program& program, const Step& step) {
    const auto* move = std::get_if<Move>(&step.body->what);
    if (move == nullptr) {
        return;
    }
    std::int64_t written = 0;
    bool counted = false;
    for (const ActionCount& action : step.body->actions) {
        const ActionKey& key = program.actions.key(action.row);
        if (key.action == Action::write &&
            std::find(move->destinations.begin(), move->destinations.end(), key.component) !=
                move->destinations.end()) {
            written += action.count;
            counted = true;
        }
    }
    if (counted && written != move->delivered.count()) {
        fail("a move of layer " + std::to_string(step.layer.value) + " delivers " +
             std::to_string(move->delivered.count()) + " B, but " + std::to_string(written) +
             " B are written at its destinations");
    }
}

void check_outcome(const Program& program, const Machine& machine, const Outcome& outcome) {
    check_times(outcome);
    check_busy(machine, outcome);
    check_peaks(machine, outcome);
    check_drams(program, machine, outcome);
}

void check_against_estimate(const Program& program, const Outcome& simulated,
                            const Outcome& estimated, const std::function<Outcome()>& unshared) {
    for (std::size_t r = 0; r < program.actions.size(); ++r) {
        if (simulated.counts[r] != estimated.counts[r] ||
            simulated.load_counts[r] != estimated.load_counts[r]) {
            fail("the engines count differently: " + std::to_string(simulated.counts[r]) +
                 " against " + std::to_string(estimated.counts[r]) + " of action '" +
                 name(program.actions.key(RowId(r)).action) + "'");
        }
    }
    const auto sooner_than = [&](Picoseconds end) {
        return static_cast<double>(simulated.end.count()) <
               static_cast<double>(end.count()) * (1 - kMostSooner);
    };
    Picoseconds least = estimated.end;
    if (sooner_than(least) && unshared) {
        least = unshared().end;
    }
    if (sooner_than(least)) {
        fail("the replay took " + text(simulated.end) + ", less than the analytic engine's " +
             text(least));
    }
}

}  // namespace memwall
