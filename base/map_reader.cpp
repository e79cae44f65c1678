// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/yaml.hpp"

namespace memwall {
namespace {

const char* found(const YamlValue& value) {
    switch (value.kind()) {
        case YamlValue::Kind::null:
            return "nothing";
        case YamlValue::Kind::scalar:
            return "a single value";
        case YamlValue::Kind::sequence:
            return "a list";
        case YamlValue::Kind::map:
            return "a map";
    }
    fail("unknown kind of YAML value");
}

}  // namespace

std::optional<std::string_view> scalar_text(const YamlValue& value, const std::string& what,
                                            Diagnostics& faults) {
    if (!value.is_scalar()) {
        faults.error(value.mark(), what + ": expected a single value, found " + found(value));
        return std::nullopt;
    }
    return value.text();
}

MapReader::MapReader(const YamlValue& map, std::string what, Diagnostics& faults)
    : map_(map), what_(std::move(what)), faults_(faults) {
    if (!map_.is_map()) {
        faults_.error(map_.mark(), what_ + ": expected keys and values, found " + found(map_));
    }
}

std::string MapReader::key_text(std::string_view key) const {
    return "'" + std::string(key) + "' in " + what_;
}

bool MapReader::has(std::string_view key) {
    return value(key) != nullptr;
}

const YamlValue* MapReader::value(std::string_view key) {
    asked_.try_emplace(std::string(key), kNotMissing);
    return map_.find(key);
}

void MapReader::report_missing(std::string_view key) {
    std::size_t& reported = asked_.find(key)->second;
    if (map_.is_map() && reported == kNotMissing) {
        reported = faults_.faults().size();
        faults_.error(map_.mark(), "missing key " + key_text(key));
    }
}

const YamlValue& MapReader::required_value(std::string_view key) {
    static const YamlValue kNothing;
    if (const YamlValue* found_value = value(key)) {
        return *found_value;
    }
    report_missing(key);
    return kNothing;
}

const YamlValue* MapReader::of_kind(std::string_view key, YamlValue::Kind kind) {
    const YamlValue* there = value(key);
    if (there != nullptr && there->kind() != kind) {
        faults_.error(there->mark(), key_text(key) + ": expected " +
                                         (kind == YamlValue::Kind::map ? "a map" : "a list") +
                                         ", found " + found(*there));
    }
    return there;
}

const std::vector<YamlValue::Entry>& MapReader::required_entries(std::string_view key) {
    of_kind(key, YamlValue::Kind::map);
    return required_value(key).entries();
}

const std::vector<YamlValue::Entry>& MapReader::optional_entries(std::string_view key) {
    const YamlValue* there = of_kind(key, YamlValue::Kind::map);
    return there != nullptr ? there->entries() : YamlValue().entries();
}

const std::vector<YamlValue>& MapReader::required_items(std::string_view key) {
    of_kind(key, YamlValue::Kind::sequence);
    return required_value(key).items();
}

const std::vector<YamlValue>& MapReader::optional_items(std::string_view key) {
    const YamlValue* there = of_kind(key, YamlValue::Kind::sequence);
    return there != nullptr ? there->items() : YamlValue().items();
}

void MapReader::report_not_positive(std::string_view key) {
    misfit(key, "a value above zero");
}

void MapReader::misfit(std::string_view key, const std::string& expected) {
    const YamlValue* there = map_.find(key);
    error(key,
          key_text(key) + ": expected " + expected +
              (there != nullptr && there->is_scalar() ? ", found '" + there->text() + "'" : ""));
}

std::optional<std::size_t> MapReader::optional_choice(std::string_view key,
                                                      const std::vector<std::string>& names) {
    const std::optional<std::string> word = optional<std::string>(key);
    if (!word) {
        return std::nullopt;
    }
    const auto chosen = std::find(names.begin(), names.end(), *word);
    if (chosen == names.end()) {
        error(key, "unknown " + std::string(key) + " '" + *word + "'" + suggestion(*word, names));
        return std::nullopt;
    }
    return static_cast<std::size_t>(chosen - names.begin());
}

std::optional<std::size_t> MapReader::required_choice(std::string_view key,
                                                      const std::vector<std::string>& names) {
    if (!has(key)) {
        report_missing(key);
    }
    return optional_choice(key, names);
}

void MapReader::error(std::string_view key, const std::string& message) {
    const YamlValue* there = map_.find(key);
    faults_.error(there != nullptr ? there->mark() : map_.mark(), message);
}

void MapReader::finish() {
    std::vector<std::string> known;
    for (const auto& [key, missing] : asked_) {
        known.push_back(key);
    }
    for (const YamlValue::Entry& entry : map_.entries()) {
        if (asked_.contains(entry.key)) {
            continue;
        }
        const std::string message =
            "unknown key '" + entry.key + "' in " + what_ + suggestion(entry.key, known);
        const auto meant = asked_.find(nearest_name(entry.key, known));
        if (meant != asked_.end() && meant->second != kNotMissing) {
            faults_.replace(meant->second, entry.key_mark, message);
            meant->second = kNotMissing;
        } else {
            faults_.error(entry.key_mark, message);
        }
    }
}

}  // namespace memwall
