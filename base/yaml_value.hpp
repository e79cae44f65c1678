// SPDX-License-Identifier: Apache-2.0
// A YAML tree that keeps the place of every key and value.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

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

    static YamlValue make_null(SourceMark mark);
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

}  // namespace memwall
