// SPDX-License-Identifier: Apache-2.0
#include "study/experiment.hpp"

#include <algorithm>
#include <filesystem>

namespace memwall {
namespace {

std::vector<std::string> point_names(const Experiment& experiment) {
    std::vector<std::string> names;
    for (const DesignPoint& point : experiment.points) {
        names.push_back(point.name);
    }
    return names;
}

/// The name of a design point that is there.
std::string read_point(MapReader& reader, const char* key, const Experiment& experiment) {
    auto name = reader.required<std::string>(key);
    const std::vector<std::string> known = point_names(experiment);
    if (!name.empty() && std::find(known.begin(), known.end(), name) == known.end()) {
        reader.error(key, "unknown design point '" + name + "'" + suggestion(name, known));
    }
    return name;
}

std::vector<Override> read_set(MapReader& reader) {
    std::vector<Override> overrides;
    for (const YamlValue::Entry& entry : reader.optional_entries("set")) {
        if (const auto value = scalar_as<std::string>(entry.value, "'" + entry.key + "' in 'set'",
                                                      reader.faults())) {
            overrides.push_back({entry.key, *value, entry.value.mark()});
        }
    }
    return overrides;
}

DesignPoint read_point(const YamlValue& value, Diagnostics& faults) {
    DesignPoint point;
    if (value.is_scalar()) {
        point.machine = value.text();
        point.name = std::filesystem::path(point.machine).stem().string();
        return point;
    }
    MapReader reader(value, "design point", faults);
    point.name = reader.required<std::string>("name");
    point.machine = reader.required<std::string>("machine");
    point.set = read_set(reader);
    if (const YamlValue* area = reader.value("same_area")) {
        MapReader keys(*area, "'same_area' of design point '" + point.name + "'", faults);
        point.same_area =
            SameArea{keys.required<std::string>("as"), keys.required<std::string>("by")};
        keys.finish();
    }
    reader.finish();
    return point;
}

void read_points(MapReader& reader, Experiment& experiment) {
    for (const YamlValue& value : reader.required_items("machines")) {
        DesignPoint point = read_point(value, reader.faults());
        const std::vector<std::string> known = point_names(experiment);
        if (std::find(known.begin(), known.end(), point.name) != known.end()) {
            reader.faults().error(value.mark(), "duplicate design point '" + point.name + "'");
        }
        if (point.same_area &&
            std::find(known.begin(), known.end(), point.same_area->as) == known.end()) {
            reader.faults().error(value.mark(), "unknown design point '" + point.same_area->as +
                                                    "' before this one" +
                                                    suggestion(point.same_area->as, known));
        }
        experiment.points.push_back(std::move(point));
    }
    if (experiment.points.size() < 2) {
        reader.misfit("machines", "two or more machines");
    }
}

void read_crossover(MapReader& reader, Experiment& experiment) {
    const YamlValue* value = reader.value("crossover");
    if (value == nullptr) {
        return;
    }
    MapReader keys(*value, "'crossover'", reader.faults());
    CrossoverQuestion question;
    question.point = read_point(keys, "machine", experiment);
    question.vary = keys.required<std::string>("vary");
    question.from = keys.required_positive<Bytes>("from");
    question.to = keys.required_positive<Bytes>("to");
    if (question.to < question.from) {
        keys.misfit("to", "at least 'from'");
    }
    keys.finish();
    experiment.crossover = question;
}

}  // namespace

const DesignPoint& Experiment::point(const std::string& wanted) const {
    const auto found =
        std::find_if(points.begin(), points.end(),
                     [&](const DesignPoint& candidate) { return candidate.name == wanted; });
    ensure(found != points.end(), "reading checks the names of design points");
    return *found;
}

Experiment load_experiment(const YamlValue& root, Diagnostics& faults) {
    MapReader reader(root, "experiment file", faults);
    if (reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    Experiment experiment;
    experiment.name = reader.required<std::string>("experiment");
    experiment.question = reader.optional<std::string>("question", "");
    experiment.network = reader.required<std::string>("network");
    experiment.engine = reader.optional<std::string>("engine", "");
    read_points(reader, experiment);
    experiment.reference = read_point(reader, "reference", experiment);
    for (const YamlValue& value : reader.optional_items("precision")) {
        experiment.precisions.push_back(
            scalar_as<std::string>(value, "'precision'", faults).value_or(""));
    }
    for (const YamlValue& value : reader.optional_items("batch")) {
        experiment.batches.push_back(scalar_as<std::int64_t>(value, "'batch'", faults).value_or(1));
    }
    if (experiment.precisions.empty()) {
        experiment.precisions = {""};
    }
    if (experiment.batches.empty()) {
        experiment.batches = {1};
    }
    read_crossover(reader, experiment);
    reader.finish();
    return experiment;
}

}  // namespace memwall
