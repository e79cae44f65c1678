// SPDX-License-Identifier: Apache-2.0
#include "study/part_runs.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "study/card_parts.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

/// Of a part's run: the first steps fill what the last finds full, and so many groups more.
constexpr std::int64_t kSteps = 3;

/// Enough groups of users to keep a card busy, when parts are weighed.
constexpr std::int64_t kWeighedGroups = 8;

/// So many rounds of a part, of which the last ones are counted.
Scenario rounds_of(const Network& part, std::int64_t rounds, std::int64_t counted = 1) {
    Scenario scenario;
    scenario.batch = part.batch();
    scenario.items = rounds * part.batch();
    scenario.warmup_items = scenario.items - counted * part.batch();
    return scenario;
}

/// Whether the last group, whose layers a result tells, took what all took on average.
bool takes_equal_turns(const RunResult& run, Seconds mean) {
    constexpr double kAlike = 1e-3;
    Seconds last(0);
    for (const LayerResult& layer : run.layers) {
        last += layer.adds;
    }
    return std::abs(last.count() - mean.count()) <= kAlike * mean.count();
}

Bytes& capacity_of(Component& memory) {
    auto* dram = std::get_if<DramConfig>(&memory.config);
    return dram != nullptr ? dram->capacity : std::get<MemoryConfig>(memory.config).capacity;
}

}  // namespace

Machine one_large_card(const Machine& machine, WholeCard card) {
    constexpr double kNeverInTheWay = 1024;
    Machine::Parts parts = machine.parts();
    for (Component& component : parts.components) {
        if (component.name == card_memory(machine).name ||
            (card == WholeCard::all_buffers && is_shared_buffer(component))) {
            Bytes& capacity = capacity_of(component);
            capacity = capacity * parts.cards->count;
        }
        if (auto* link = std::get_if<LinkConfig>(&component.config)) {
            link->bandwidth = BytesPerSecond(link->bandwidth.count() * kNeverInTheWay);
            link->latency = Picoseconds(0);
        }
    }
    return Machine(std::move(parts));
}

PartRuns::PartRuns(const Machine& machine, std::int64_t groups, const CardRunner& run)
    : groups_(groups),
      together_(machine.parts().cards->together),
      all_in_cores_(card_memory(machine).kind != ComponentKind::dram),
      run_(run) {}

RunResult PartRuns::weighed(const Network& layers, WholeCard card) const {
    const std::int64_t some = all_in_cores_ ? std::min(groups_, kWeighedGroups) : 1;
    const Network part = with_batch(layers, some * together_);
    return run_(part, rounds_of(part, kSteps + kWeighedGroups / some), card);
}

const PartRun& PartRuns::of(const Network& part) {
    if (const PartRun* run = known(part)) {
        return *run;
    }
    PartRun run;
    run.busy = busy(part);
    run.interval = interval(part, run.busy);
    run.latency = alone(part).totals.latency.mean;
    return runs_.emplace(shape_text(part), std::move(run)).first->second;
}

const PartRun* PartRuns::known(const Network& part) const {
    const auto found = runs_.find(shape_text(part));
    return found == runs_.end() ? nullptr : &found->second;
}

// MODEL: a card that keeps caches in a DRAM takes the groups of users one after another, each as a
// round of its own. In one whose memory is in the cores all of them are in one round, since where a
// user's cache lies decides what travels.
RunResult PartRuns::busy(const Network& part) const {
    if (all_in_cores_) {
        return run_(part, rounds_of(part, kSteps + kWeighedGroups / groups_), {});
    }
    const Network group = with_batch(part, together_);
    return run_(group, rounds_of(group, kSteps + groups_, groups_), {});
}

/// Groups that fall into step two by two take turns of two lengths: an odd number of them has one
/// more of one, twice as many do not.
Seconds PartRuns::interval(const Network& part, const RunResult& busy) const {
    const Seconds mean(busy.totals.window.count() / static_cast<double>(groups_));
    if (!all_in_cores_ || groups_ % 2 == 0 || takes_equal_turns(busy, mean)) {
        return mean;
    }
    const RunResult twice =
        run_(part, rounds_of(part, kSteps + 1 + kWeighedGroups / groups_, 2), {});
    return Seconds(twice.totals.window.count() / static_cast<double>(2 * groups_));
}

/// A group alone: where it finds its caches in the cores its tokens come one after another, else
/// they would queue.
RunResult PartRuns::alone(const Network& part) const {
    const Network group = with_batch(part, together_);
    const bool one_by_one = all_in_cores_ && part.state_bytes() > Bytes(0);
    return run_(group, rounds_of(group, one_by_one ? kSteps + kWeighedGroups : 1), {});
}

}  // namespace memwall
