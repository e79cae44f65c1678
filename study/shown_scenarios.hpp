// SPDX-License-Identifier: Apache-2.0
// What a model gives for scenarios of which nobody published a figure, beside the rows of a
// validation.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sim/result.hpp"
#include "study/validation.hpp"

namespace memwall {

/// The figures of a scenario's run.
struct ScenarioFigures {
    ShownScenario scenario;
    std::string item;       ///< "frame", "token"
    double throughput = 0;  ///< items a second
    Seconds latency;
    Watts power;
    Joules energy_per_item;
    std::int64_t most_users = 0;  ///< that memory has room for, as its cards are laid out; 0: none
    std::string bound_by;  ///< what the rate hangs on, and of one chip for which share of the time
};

ScenarioFigures figures_of(ShownScenario scenario, const RunResult& run);

/// A table with a title; empty where there are no scenarios.
std::string scenarios_text(const std::vector<ScenarioFigures>& scenarios);
nlohmann::ordered_json scenarios_json(const std::vector<ScenarioFigures>& scenarios);

}  // namespace memwall
