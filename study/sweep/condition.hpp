// SPDX-License-Identifier: Apache-2.0
// Constraints ("area_mm2 <= 800") and objectives of a sweep.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "study/sweep/setting.hpp"

namespace memwall {

/// A bound on a metric, in the unit of its name, or on a parameter, whose value may have a unit.
/// What is a text (a precision, what bounds the layers) is equal or not.
struct Constraint {
    enum class Relation { less, at_most, more, at_least, equal, unequal };

    std::string text;  ///< as written
    std::string name;  ///< of a metric or a parameter
    bool on_parameter = false;
    Relation relation = Relation::at_most;
    double bound = 0;
    std::optional<std::string> word;  ///< in place of the bound, of a text

    /// Of the text of a value; a value that is no number, or where there is none (""), does not
    /// hold.
    [[nodiscard]] bool holds(const std::string& value) const;
};

/// `parameters`: what the sweep sets at its first point; its values say what bounds they may have.
/// Faults go to `faults`.
std::vector<Constraint> read_constraints(const std::vector<YamlValue>& values,
                                         const Settings& parameters, Diagnostics& faults);

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
