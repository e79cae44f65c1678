// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/condition.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/parse.hpp"
#include "study/sweep/magnitude.hpp"
#include "study/sweep/metrics.hpp"

namespace memwall {
namespace {

using Relation = Constraint::Relation;

constexpr std::array<std::pair<std::string_view, Relation>, 6> kRelations{{
    {"<=", Relation::at_most},
    {">=", Relation::at_least},
    {"==", Relation::equal},
    {"!=", Relation::unequal},
    {"<", Relation::less},
    {">", Relation::more},
}};

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string::npos
               ? ""
               : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Of a bound: counts are numbers.
std::string_view kind_of(const Magnitude& magnitude) {
    const std::string_view kind = magnitude.kind;
    return kind == "count" ? "number" : kind;
}

/// What the values are that a constraint is about.
struct Bounded {
    bool text = false;
    std::string_view kind = "number";  ///< of numbers
    std::string expected;              ///< as a bound
};

Bounded bounded_by(const Setting& parameter) {
    const auto magnitude = read_magnitude(parameter.text());
    if (!magnitude) {
        return {true, "", "a value of '" + parameter.path + "'"};
    }
    const std::string_view kind = kind_of(*magnitude);
    return {false, kind,
            (kind == "number" ? std::string("a number") : std::string(kind)) +
                ", as the values of '" + parameter.path + "' are"};
}

Bounded bounded_by(const SweepMetric& metric) {
    return {metric.is_text, "number",
            metric.is_text ? "a word that '" + std::string(metric.name) + "' may be"
                           : "a number in the unit of '" + std::string(metric.name) + "'"};
}

/// The bound, as far as it is one of such values.
void read_bound(const YamlValue& value, const std::string& bound, const Bounded& of,
                Constraint& constraint, Diagnostics& faults) {
    const auto refuse = [&](const std::string& expected) {
        faults.error(value.mark(),
                     "'constraints': expected " + expected + ", found '" + bound + "'");
    };
    if (of.text) {
        const bool equality =
            constraint.relation == Relation::equal || constraint.relation == Relation::unequal;
        if (!equality) {
            faults.error(value.mark(), "'constraints': '" + constraint.name +
                                           "' is a text: expected == or != with it");
        } else if (bound.empty()) {
            refuse(of.expected);
        }
        constraint.word = bound;
        return;
    }
    const auto magnitude = read_magnitude(bound);
    if (!magnitude || kind_of(*magnitude) != of.kind) {
        return refuse(of.expected);
    }
    constraint.bound = magnitude->value;
}

std::optional<Constraint> read_constraint(const YamlValue& value, const Settings& parameters,
                                          Diagnostics& faults) {
    const auto text = scalar_as<std::string>(value, "'constraints'", faults);
    if (!text) {
        return std::nullopt;
    }
    const auto* found = std::find_if(
        kRelations.begin(), kRelations.end(),
        [&](const auto& relation) { return text->find(relation.first) != std::string::npos; });
    if (found == kRelations.end()) {
        faults.error(value.mark(),
                     "'constraints': expected NAME <= NUMBER (or <, >=, >, ==, !=), "
                     "found '" +
                         *text + "'");
        return std::nullopt;
    }
    const std::size_t at = text->find(found->first);
    Constraint constraint;
    constraint.text = *text;
    constraint.relation = found->second;
    constraint.name = trimmed(text->substr(0, at));
    const std::string bound = trimmed(text->substr(at + found->first.size()));
    const auto parameter =
        std::find_if(parameters.begin(), parameters.end(),
                     [&](const Setting& setting) { return setting.path == constraint.name; });
    constraint.on_parameter = parameter != parameters.end();
    const SweepMetric* metric = find_total(constraint.name);
    if (constraint.on_parameter) {
        read_bound(value, bound, bounded_by(*parameter), constraint, faults);
    } else if (metric != nullptr) {
        read_bound(value, bound, bounded_by(*metric), constraint, faults);
    } else {
        std::vector<std::string> known = total_names();
        for (const Setting& setting : parameters) {
            known.push_back(setting.path);
        }
        faults.error(value.mark(), "'constraints': '" + constraint.name +
                                       "' is no metric and no parameter of the sweep" +
                                       suggestion(constraint.name, known));
        return std::nullopt;
    }
    return constraint;
}

}  // namespace

bool Constraint::holds(const std::string& value) const {
    if (word) {
        return !value.empty() && (value == *word) == (relation == Relation::equal);
    }
    const auto magnitude = read_magnitude(value);
    if (!magnitude) {
        return false;
    }
    const double found = magnitude->value;
    switch (relation) {
        case Relation::less:
            return found < bound;
        case Relation::at_most:
            return found <= bound;
        case Relation::more:
            return found > bound;
        case Relation::at_least:
            return found >= bound;
        case Relation::equal:
            return found == bound;
        case Relation::unequal:
            return found != bound;
    }
    fail("unknown relation");
}

std::vector<Constraint> read_constraints(const std::vector<YamlValue>& values,
                                         const Settings& parameters, Diagnostics& faults) {
    std::vector<Constraint> constraints;
    for (const YamlValue& value : values) {
        if (auto constraint = read_constraint(value, parameters, faults)) {
            constraints.push_back(std::move(*constraint));
        }
    }
    return constraints;
}

std::optional<double> Objective::cost(const std::string& value) const {
    const Parsed<double> parsed = parse_number(value);
    const auto* number = std::get_if<0>(&parsed);
    return number == nullptr ? std::nullopt : std::optional(maximize ? -*number : *number);
}

std::vector<Objective> read_objectives(const std::vector<YamlValue>& values, Diagnostics& faults) {
    std::vector<Objective> objectives;
    for (const YamlValue& value : values) {
        const YamlValue* named = &value;
        std::optional<bool> maximize;
        if (value.is_map() && value.entries().size() == 1 &&
            (value.entries()[0].key == "minimize" || value.entries()[0].key == "maximize")) {
            maximize = value.entries()[0].key == "maximize";
            named = &value.entries()[0].value;
        } else if (!value.is_scalar()) {
            faults.error(
                value.mark(),
                "'objectives': expected a metric, {minimize: METRIC} or {maximize: METRIC}");
            continue;
        }
        const auto name = scalar_as<std::string>(*named, "'objectives'", faults);
        const SweepMetric* metric = name ? find_total(*name) : nullptr;
        if (metric == nullptr || (!maximize && metric->better == Better::neither)) {
            const std::string found = name.value_or("");
            faults.error(named->mark(),
                         metric == nullptr
                             ? "'objectives': unknown metric '" + found + "'" +
                                   suggestion(found, total_names())
                             : "'objectives': more of '" + found +
                                   "' is neither better nor worse; expected {minimize: " + found +
                                   "} or {maximize: " + found + "}");
            continue;
        }
        if (metric->is_text) {
            faults.error(named->mark(), "'objectives': '" + *name + "' is a text, not a number");
        } else if (std::any_of(objectives.begin(), objectives.end(),
                               [&](const Objective& other) { return other.metric == *name; })) {
            faults.error(named->mark(), "'objectives': '" + *name + "' stands there twice");
        }
        objectives.push_back({*name, maximize.value_or(metric->better == Better::higher)});
    }
    if (values.empty()) {
        objectives = {{"energy_per_item_j", false}, {"latency_s", false}};
    }
    return objectives;
}

}  // namespace memwall
