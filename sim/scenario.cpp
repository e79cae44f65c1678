// SPDX-License-Identifier: Apache-2.0
#include "sim/scenario.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

// Enough for the window to see the steady state: inputs queue up for two or three batches before
// the latency settles.
constexpr std::int64_t kRounds = 6;
constexpr std::int64_t kWarmupRounds = 3;
constexpr std::int64_t kMostItems = 1'000'000'000;

/// Reports a number of items that is no whole number of batches in [least, most].
bool whole_batches(const char* what, std::int64_t items, std::int64_t least, std::int64_t batch,
                   Diagnostics& faults) {
    if (items < least || items > kMostItems) {
        faults.error({}, std::string("scenario: expected ") + what + " from " +
                             std::to_string(least) + " to " + std::to_string(kMostItems) +
                             ", found " + std::to_string(items));
        return false;
    }
    if (items % batch != 0) {
        faults.error({}, std::string("scenario: expected ") + what + " in whole batches of " +
                             std::to_string(batch) + ", found " + std::to_string(items));
        return false;
    }
    return true;
}

}  // namespace

const char* name(Phase phase) {
    switch (phase) {
        case Phase::single:
            return "single";
        case Phase::stream:
            return "stream";
        case Phase::offline:
            return "offline";
    }
    fail("unknown phase");
}

const std::vector<std::string>& phase_names() {
    static const std::vector<std::string> kNames = {"single", "stream", "offline"};
    return kNames;
}

Scenario resolve(const ScenarioRequest& request) {
    Diagnostics faults;
    if (request.batch < 1 || request.batch > kMostItems) {
        faults.error({}, "expected a batch from 1 to " + std::to_string(kMostItems) + ", found " +
                             std::to_string(request.batch));
    }
    faults.throw_if_any();
    if (request.items && request.rounds) {
        throw InputError("scenario: items and rounds say the same; give one of them");
    }
    if (request.rounds && (*request.rounds < 1 || *request.rounds > kMostItems / request.batch)) {
        throw InputError("scenario: expected rounds from 1 to " +
                         std::to_string(kMostItems / request.batch) + ", found " +
                         std::to_string(*request.rounds));
    }
    const std::int64_t batch = request.batch;
    const bool single = request.phase == Phase::single;
    const bool stream = request.phase == Phase::stream;
    Scenario scenario;
    scenario.phase = request.phase;
    scenario.batch = batch;
    scenario.items = request.items.value_or(batch * request.rounds.value_or(single ? 1 : kRounds));
    if (whole_batches("items", scenario.items, 1, batch, faults) && single &&
        scenario.items != batch) {
        faults.error({}, "scenario: a single phase has one batch (" + std::to_string(batch) +
                             "), found " + std::to_string(scenario.items) + " items");
    }
    scenario.cold = request.cold;
    scenario.warmup_items = request.warmup_items.value_or(
        stream && !request.cold ? batch * std::min(kWarmupRounds, scenario.items / batch / 2) : 0);
    if (whole_batches("warmup_items", scenario.warmup_items, 0, batch, faults) && faults.empty() &&
        scenario.warmup_items >= scenario.items) {
        faults.error({}, "scenario: a warm-up of " + std::to_string(scenario.warmup_items) +
                             " items leaves none of " + std::to_string(scenario.items) +
                             " to be counted");
    }
    if (scenario.cold && scenario.warmup_items > 0) {
        faults.error({},
                     "scenario: a cold start is counted from its beginning; found a warm-up of " +
                         std::to_string(scenario.warmup_items) + " items");
    }
    faults.throw_if_any();
    return scenario;
}

}  // namespace memwall
