// SPDX-License-Identifier: Apache-2.0
// How a network is asked for: how many items, how many together, and which of them are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "arch/outcome.hpp"

namespace memwall {

enum class Phase {
    single,   ///< one batch from a standing start
    stream,   ///< batch after batch; the first ones are not counted
    offline,  ///< all items at hand at once; everything is counted, filling included
};

const char* name(Phase phase);
const std::vector<std::string>& phase_names();

/// What can be said of a scenario; the rest follows from the phase.
struct ScenarioRequest {
    Phase phase = Phase::stream;
    std::int64_t batch = 1;
    std::optional<std::int64_t> items;
    std::optional<std::int64_t> rounds;  ///< batches, in place of items
    std::optional<std::int64_t> warmup_items;
    bool cold = false;
};

/// A resolved scenario: items and warmup_items are whole batches.
struct Scenario {
    Phase phase = Phase::stream;
    std::int64_t batch = 1;
    std::int64_t items = 1;
    std::int64_t warmup_items = 0;  ///< left out of the window, at the start
    bool cold = false;              ///< the window begins with loading what stays in the machine

    /// Batches in all, and those that are counted.
    [[nodiscard]] std::int64_t rounds() const { return items / batch; }
    [[nodiscard]] std::int64_t counted_rounds() const { return (items - warmup_items) / batch; }
    /// The window of a program whose rounds have `items_per_round` items, a whole part of a batch.
    [[nodiscard]] Window window(std::int64_t items_per_round) const {
        return {warmup_items / items_per_round};
    }
    [[nodiscard]] std::int64_t counted_items() const { return items - warmup_items; }
};

/// Throws InputError with every number that makes no sense: below 1, no whole batches, a warm-up
/// that leaves nothing, items and rounds at once, a single phase with more than one batch, or a
/// cold start with a warm-up.
Scenario resolve(const ScenarioRequest& request);

}  // namespace memwall
