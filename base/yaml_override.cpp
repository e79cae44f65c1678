// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/yaml.hpp"
#include "base/yaml_override.hpp"

namespace memwall {
namespace {

/// "a.'b.c'.d" to its parts a, b.c, d.
std::vector<std::string> split_path(const std::string& path) {
    std::vector<std::string> parts(1);
    bool quoted = false;
    for (const char letter : path) {
        if (letter == '\'') {
            quoted = !quoted;
        } else if (letter == '.' && !quoted) {
            parts.emplace_back();
        } else {
            parts.back() += letter;
        }
    }
    if (quoted) {
        throw InputError("cannot set '" + path + "': a quote (') is not closed");
    }
    for (const std::string& part : parts) {
        if (part.empty()) {
            throw InputError("cannot set '" + path + "': expected names with dots between them");
        }
    }
    return parts;
}

/// The same tree with every mark that of the override.
YamlValue placed_at(const YamlValue& value, const SourceMark& where) {
    std::vector<YamlValue> items;
    std::vector<YamlValue::Entry> entries;
    switch (value.kind()) {
        case YamlValue::Kind::null:
            return YamlValue::make_null(where);
        case YamlValue::Kind::scalar:
            return YamlValue::make_scalar(value.text(), where);
        case YamlValue::Kind::sequence:
            for (const YamlValue& item : value.items()) {
                items.push_back(placed_at(item, where));
            }
            return YamlValue::make_sequence(std::move(items), where);
        case YamlValue::Kind::map:
            for (const YamlValue::Entry& entry : value.entries()) {
                entries.push_back({entry.key, where, placed_at(entry.value, where)});
            }
            return YamlValue::make_map(std::move(entries), where);
    }
    fail("unknown kind of YAML value");
}

YamlValue read_value(const std::string& path, const std::string& text, const SourceMark& where,
                     const SourceMark& of_path) {
    Diagnostics faults;
    YamlValue value;
    try {
        value = placed_at(read_yaml_text(text, "", faults), where);
        faults.throw_if_any();
    } catch (const InputError& error) {
        throw InputError({Diagnostic{of_path, "cannot set '" + path + "' to '" + text +
                                                  "': " + error.faults().front().message}});
    }
    return value;
}

/// One override on its way down the tree.
class Override {
public:
    Override(const std::string& path, YamlValue value, SourceMark where)
        : path_(path),
          where_(std::move(where)),
          parts_(split_path(path)),
          value_(std::move(value)) {}

    /// `node` with what the parts from `depth` on name replaced.
    [[nodiscard]] YamlValue apply(const YamlValue& node, std::size_t depth) const {
        if (depth == parts_.size()) {
            return in_place_of(node, value_);
        }
        if (node.is_map()) {
            return in_map(node, depth);
        }
        if (node.is_sequence()) {
            return in_sequence(node, depth);
        }
        refuse(parent(depth) + " has no keys");
    }

private:
    [[nodiscard]] YamlValue in_map(const YamlValue& node, std::size_t depth) const {
        std::vector<YamlValue::Entry> entries = node.entries();
        std::vector<std::string> names;
        for (YamlValue::Entry& entry : entries) {
            if (entry.key == parts_[depth]) {
                entry.value = apply(entry.value, depth + 1);
                return YamlValue::make_map(std::move(entries), node.mark());
            }
            names.push_back(entry.key);
        }
        if (depth + 1 < parts_.size()) {
            not_found(depth, names);
        }
        entries.push_back({parts_[depth], value_.mark(), value_});
        return YamlValue::make_map(std::move(entries), node.mark());
    }

    [[nodiscard]] YamlValue in_sequence(const YamlValue& node, std::size_t depth) const {
        std::vector<YamlValue> items = node.items();
        std::vector<std::string> names;
        for (YamlValue& item : items) {
            const YamlValue* name = item.find("name");
            if (name == nullptr) {
                continue;
            }
            if (name->text() == parts_[depth]) {
                item = apply(item, depth + 1);
                return YamlValue::make_sequence(std::move(items), node.mark());
            }
            names.push_back(name->text());
        }
        not_found(depth, names);
    }

    [[nodiscard]] std::string parent(std::size_t depth) const {
        std::string path;
        for (std::size_t part = 0; part < depth; ++part) {
            path += (path.empty() ? "" : ".") + parts_[part];
        }
        return path.empty() ? "the file" : "'" + path + "'";
    }

    [[noreturn]] void not_found(std::size_t depth, const std::vector<std::string>& names) const {
        refuse("no '" + parts_[depth] + "' in " + parent(depth) + suggestion(parts_[depth], names));
    }

    [[noreturn]] void refuse(const std::string& why) const {
        throw InputError({Diagnostic{where_, "cannot set '" + path_ + "': " + why}});
    }

    const std::string& path_;
    SourceMark where_;
    std::vector<std::string> parts_;
    YamlValue value_;
};

}  // namespace

YamlValue in_place_of(const YamlValue& before, const YamlValue& given) {
    const bool sourced = before.is_map() && before.find("value") != nullptr &&
                         before.find("status") != nullptr && before.find("source") != nullptr;
    if (!sourced || !given.is_scalar()) {
        return given;
    }
    const SourceMark& at = given.mark();
    return YamlValue::make_map(
        {{"value", at, given},
         {"status", at, YamlValue::make_scalar("assumed", at)},
         {"source", at, YamlValue::make_scalar("set in place of its file's number", at)}},
        at);
}

YamlValue with_override(const YamlValue& root, const std::string& path,
                        const std::string& value_text, const std::string& option) {
    return with_override(root, path, value_text, SourceMark{option, 0, 0});
}

YamlValue with_override(const YamlValue& root, const std::string& path,
                        const std::string& value_text, const SourceMark& where) {
    // What is wrong with a path says it, as it was typed.
    const SourceMark of_path = where.line > 0 ? where : SourceMark();
    return with_override(root, path, read_value(path, value_text, where, of_path), of_path);
}

YamlValue with_override(const YamlValue& root, const std::string& path, const YamlValue& value,
                        const SourceMark& where) {
    return Override(path, value, where).apply(root, 0);
}

}  // namespace memwall
