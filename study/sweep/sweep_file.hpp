// SPDX-License-Identifier: Apache-2.0
// A sweep as its file says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "study/sweep/axis.hpp"
#include "study/sweep/condition.hpp"
#include "study/sweep/setting.hpp"

namespace memwall {

/// Spend a budget of points where the Pareto front moves, in place of running all of them.
struct SearchPlan {
    std::int64_t budget = 0;
    std::int64_t population = 0;
    std::uint64_t seed = 1;
};

struct Sweep {
    std::string name;
    std::string question;
    Settings base;  ///< of every point; the axes override them
    PointSpace space;
    std::vector<Constraint> constraints;
    std::vector<Objective> objectives;
    std::optional<SearchPlan> search;
    YamlValue tree;  ///< of the file

    /// All that is set at a point, the base first.
    [[nodiscard]] Settings settings(std::int64_t point) const;
};

/// Faults go to `faults`; the result makes no sense if there are any.
Sweep load_sweep(const YamlValue& root, Diagnostics& faults);

}  // namespace memwall
