// SPDX-License-Identifier: Apache-2.0
// Constraints ("area_mm2 <= 800") and objectives of a sweep.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/yaml.hpp"

namespace memwall {

/// A bound on a metric, in the unit of its name, or on a parameter, whose value may have a unit.
struct Constraint {
    enum class Relation { less, at_most, more, at_least, equal, unequal };

    std::string text;  ///< as written
    std::string name;  ///< of a metric or a parameter
    bool on_parameter = false;
    Relation relation = Relation::at_most;
    double bound = 0;

    /// Of the text of a value; a value that is no number ("") does not hold.
    [[nodiscard]] bool holds(const std::string& value) const;
};

/// `parameters` are the paths of the sweep. Faults go to `faults`.
std::vector<Constraint> read_constraints(const std::vector<YamlValue>& values,
                                         const std::vector<std::string>& parameters,
                                         Diagnostics& faults);

/// A metric to be made small, or large.
struct Objective {
    std::string metric;
    bool maximize = false;

    /// Less is better, whatever the direction; nullopt where there is no number.
    [[nodiscard]] std::optional<double> cost(const std::string& value) const;
};

/// A list of metrics, each in its natural direction, or {minimize: M}, {maximize: M}. Without any:
/// energy_per_item_j and latency_s.
std::vector<Objective> read_objectives(const std::vector<YamlValue>& values, Diagnostics& faults);

}  // namespace memwall
