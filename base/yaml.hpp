// SPDX-License-Identifier: Apache-2.0
// YAML with the place of every key and value kept: an immutable tree, and a reader that reports all faults at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/parse.hpp"
#include "base/quantity.hpp"

namespace memwall {

/// A node of a YAML tree. Copies share their content; nothing changes after reading.
class YamlValue {
public:
    enum class Kind { null, scalar, sequence, map };
    struct Entry;

    YamlValue() = default;

    [[nodiscard]] Kind kind() const;
    [[nodiscard]] bool is_map() const { return kind() == Kind::map; }
    [[nodiscard]] bool is_sequence() const { return kind() == Kind::sequence; }
    [[nodiscard]] bool is_scalar() const { return kind() == Kind::scalar; }
    [[nodiscard]] bool is_null() const { return kind() == Kind::null; }
    [[nodiscard]] const SourceMark& mark() const;
    /// The text of a scalar; "" for anything else.
    [[nodiscard]] const std::string& text() const;
    /// The elements of a sequence; empty for anything else.
    [[nodiscard]] const std::vector<YamlValue>& items() const;
    /// The entries of a map in file order; empty for anything else.
    [[nodiscard]] const std::vector<Entry>& entries() const;
    /// The value of a key, or nullptr.
    [[nodiscard]] const YamlValue* find(std::string_view key) const;

    static YamlValue make_scalar(std::string text, SourceMark mark);
    static YamlValue make_sequence(std::vector<YamlValue> items, SourceMark mark);
    static YamlValue make_map(std::vector<Entry> entries, SourceMark mark);

private:
    struct Node;
    std::shared_ptr<const Node> node_;
};

struct YamlValue::Entry {
    std::string key;
    SourceMark key_mark;
    YamlValue value;
};

/// Reads one document. A syntax error ends the reading with one message; duplicate keys, keys that are not scalars,
/// several documents, and nesting or aliases beyond sane bounds are faults. `shown_as` names the file in messages.
/// Throws InputError where the file cannot be opened or is no YAML.
YamlValue read_yaml_file(const std::filesystem::path& path, const std::string& shown_as, Diagnostics& faults);
YamlValue read_yaml_text(const std::string& text, const std::string& shown_as, Diagnostics& faults);

/// The tree with the value at `path` replaced (or added, where the parent is a map): "components.array.rows".
/// A list element goes by the value of its `name` key, quoted with '...' where it holds a dot. `value_text` is parsed
/// as YAML, so lists and maps can be given. Throws InputError naming the part of the path that was not found, with
/// the nearest key, as a fault of the command line.
YamlValue with_override(const YamlValue& root, const std::string& path, const std::string& value_text);

/// Reads the keys of one map. Every fault goes to `faults` and reading goes on with a fallback, so that all faults of
/// a file come at once. Call finish() at the end: keys that nobody asked for are unknown.
class MapReader {
public:
    /// `what` names the map in messages ("component 'array'"). A value that is no map is reported and reads as empty.
    MapReader(const YamlValue& map, std::string what, Diagnostics& faults);

    [[nodiscard]] bool has(std::string_view key);
    /// The raw value, marked as known; nullptr if absent.
    const YamlValue* value(std::string_view key);
    /// The raw value; its absence is a fault, reported at the map, and gives an empty value.
    const YamlValue& required_value(std::string_view key);

    /// Typed access for std::string, bool, std::int64_t, double and every Quantity.
    template <class T>
    std::optional<T> optional(std::string_view key);
    template <class T>
    T optional(std::string_view key, T fallback);
    template <class T>
    T required(std::string_view key);
    /// As required / optional, and a value that is not above zero is a fault.
    template <class T>
    T required_positive(std::string_view key);
    template <class T>
    T optional_positive(std::string_view key, T fallback);

    /// One of a list of names, by index; a fault suggests the nearest. nullopt if absent or wrong.
    std::optional<std::size_t> optional_choice(std::string_view key, const std::vector<std::string>& names);
    std::optional<std::size_t> required_choice(std::string_view key, const std::vector<std::string>& names);

    void error(std::string_view key, const std::string& message);  // at the key's value, or at the map
    [[nodiscard]] const SourceMark& mark() const { return map_.mark(); }
    [[nodiscard]] const std::string& what() const { return what_; }
    [[nodiscard]] Diagnostics& faults() { return faults_; }

    /// Reports every key that was not asked for, with the nearest name that was.
    void finish();

private:
    template <class T>
    std::optional<T> convert(std::string_view key, const YamlValue& value);

    const YamlValue map_;
    std::string what_;
    Diagnostics& faults_;
    std::set<std::string, std::less<>> asked_;
};

/// A scalar as T, the fault reported at its place. For list elements.
template <class T>
std::optional<T> scalar_as(const YamlValue& value, const std::string& what, Diagnostics& faults);

}  // namespace memwall
