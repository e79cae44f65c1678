// SPDX-License-Identifier: Apache-2.0
// YAML with the place of every key and value kept: reading, overriding, and a reader of maps that
// reports all faults at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "base/yaml_value.hpp"

namespace memwall {

/// Reads one document. A syntax error ends the reading with one message; duplicate keys, keys that
/// are not scalars, several documents, and nesting or aliases beyond sane bounds are faults.
/// `shown_as` names the file in messages. Throws InputError where the file cannot be opened or is
/// no YAML.
YamlValue read_yaml_file(const std::filesystem::path& path, const std::string& shown_as,
                         Diagnostics& faults);
YamlValue read_yaml_text(const std::string& text, const std::string& shown_as, Diagnostics& faults);

/// The tree with the value at `path` replaced (or added, where the parent is a map):
/// "components.array.rows". A list element goes by the value of its `name` key, quoted with '...'
/// where it holds a dot. `value_text` is parsed as YAML, so lists and maps can be given. Throws
/// InputError naming the part of the path that was not found, with the nearest key, as a fault of
/// the command line. `option` is the place that faults of the value are told at.
YamlValue with_override(const YamlValue& root, const std::string& path,
                        const std::string& value_text, const std::string& option = "");
/// The same with a value that keeps its places, and a path that stands at `where`.
YamlValue with_override(const YamlValue& root, const std::string& path, const YamlValue& value,
                        const SourceMark& where);

/// The text of a scalar; anything else is reported.
std::optional<std::string_view> scalar_text(const YamlValue& value, const std::string& what,
                                            Diagnostics& faults);

/// A scalar as T, the fault reported at its place. `what` names it in the message ("'rows' in
/// component 'array'"). For std::string, bool, std::int64_t, double and every Quantity.
template <class T>
std::optional<T> scalar_as(const YamlValue& value, const std::string& what, Diagnostics& faults) {
    const std::optional<std::string_view> text = scalar_text(value, what, faults);
    if (!text) {
        return std::nullopt;
    }
    const Parsed<T> parsed = parse_as<T>(*text);
    if (const auto* fault = std::get_if<1>(&parsed)) {
        faults.error(value.mark(), what + ": " + fault->message);
        return std::nullopt;
    }
    return std::get<0>(parsed);
}

/// Reads the keys of one map. Every fault goes to `faults` and reading goes on with a fallback, so
/// that all faults of a file come at once. Call finish() at the end: keys that nobody asked for are
/// unknown.
class MapReader {
public:
    /// `what` names the map in messages ("component 'array'"). A value that is no map is reported
    /// and reads as empty.
    MapReader(const YamlValue& map, std::string what, Diagnostics& faults);

    [[nodiscard]] bool has(std::string_view key);
    /// The raw value, marked as known; nullptr if absent.
    const YamlValue* value(std::string_view key);
    /// The raw value; its absence is a fault, reported at the map, and gives an empty value.
    const YamlValue& required_value(std::string_view key);
    /// The entries of a map, or the elements of a list; anything else there is a fault and gives
    /// none.
    const std::vector<YamlValue::Entry>& required_entries(std::string_view key);
    const std::vector<YamlValue::Entry>& optional_entries(std::string_view key);
    const std::vector<YamlValue>& required_items(std::string_view key);
    const std::vector<YamlValue>& optional_items(std::string_view key);

    /// Typed access for std::string, bool, std::int64_t, double and every Quantity.
    template <class T>
    std::optional<T> optional(std::string_view key);
    template <class T>
    T optional(std::string_view key, T fallback);
    template <class T>
    T required(std::string_view key);
    /// As required / optional, and a value that is not above zero is a fault. A required value that
    /// is missing or wrong reads as 1, so that readers can divide by it.
    template <class T>
    T required_positive(std::string_view key);
    template <class T>
    T optional_positive(std::string_view key, T fallback);

    /// One of a list of names, by index; a fault suggests the nearest. nullopt if absent or wrong.
    std::optional<std::size_t> optional_choice(std::string_view key,
                                               const std::vector<std::string>& names);
    std::optional<std::size_t> required_choice(std::string_view key,
                                               const std::vector<std::string>& names);

    /// A number as above, and at most `most`, which messages show as `shown`; one above it is a
    /// fault and reads as `most`.
    template <class T>
    T at_most(std::string_view key, T value, T most, std::string_view shown);

    void error(std::string_view key,
               const std::string& message);  // at the key's value, or at the map
    /// "'KEY' in WHAT: expected EXPECTED, found 'VALUE'", at the value.
    void misfit(std::string_view key, const std::string& expected);
    [[nodiscard]] const SourceMark& mark() const { return map_.mark(); }
    [[nodiscard]] const std::string& what() const { return what_; }
    [[nodiscard]] Diagnostics& faults() { return faults_; }

    /// Reports every key that was not asked for, with the nearest name that was.
    void finish();

private:
    [[nodiscard]] std::string key_text(std::string_view key) const;
    const YamlValue* of_kind(std::string_view key, YamlValue::Kind kind);
    template <class T>
    std::optional<T> positive(std::string_view key);
    void report_missing(std::string_view key);
    void report_not_positive(std::string_view key);

    static constexpr std::size_t kNotMissing = static_cast<std::size_t>(-1);

    const YamlValue map_;
    std::string what_;
    Diagnostics& faults_;
    /// Every key that was asked for, with the position of the fault that says it is missing: a
    /// misspelt key, found by finish(), replaces that fault.
    std::map<std::string, std::size_t, std::less<>> asked_;
};

template <class T>
std::optional<T> MapReader::optional(std::string_view key) {
    const YamlValue* there = value(key);
    return there != nullptr ? scalar_as<T>(*there, key_text(key), faults_) : std::nullopt;
}

template <class T>
T MapReader::optional(std::string_view key, T fallback) {
    return optional<T>(key).value_or(std::move(fallback));
}

template <class T>
T MapReader::required(std::string_view key) {
    if (!has(key)) {
        report_missing(key);
    }
    return optional<T>(key).value_or(T{});
}

template <class T>
std::optional<T> MapReader::positive(std::string_view key) {
    const std::optional<T> read = optional<T>(key);
    if (read && !(*read > T{})) {
        report_not_positive(key);
        return std::nullopt;
    }
    return read;
}

template <class T>
T MapReader::required_positive(std::string_view key) {
    if (!has(key)) {
        report_missing(key);
    }
    return positive<T>(key).value_or(T{1});
}

template <class T>
T MapReader::at_most(std::string_view key, T value, T most, std::string_view shown) {
    if (value > most) {
        misfit(key, "at most " + std::string(shown));
        return most;
    }
    return value;
}

template <class T>
T MapReader::optional_positive(std::string_view key, T fallback) {
    return positive<T>(key).value_or(fallback);
}

}  // namespace memwall
