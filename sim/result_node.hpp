// SPDX-License-Identifier: Apache-2.0
// Values of a result's JSON, each of which knows where it is: what it is not is told with that.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace memwall {

/// A value of the file and the way to it. File and JSON must outlive it. Whatever is not as asked
/// for is an InputError.
class ResultNode {
public:
    ResultNode(const nlohmann::ordered_json& json, std::string path, const std::string& file)
        : json_(json), path_(std::move(path)), file_(file) {}

    [[nodiscard]] ResultNode at(const char* key) const {
        if (!json_.is_object() || !json_.contains(key)) {
            wrong("expected a key '" + std::string(key) + "'");
        }
        return {json_[key], path_ + (path_.empty() ? "" : ".") + key, file_};
    }
    [[nodiscard]] bool has(const char* key) const {
        return json_.is_object() && json_.contains(key);
    }
    [[nodiscard]] bool is_null() const { return json_.is_null(); }
    [[nodiscard]] double number() const {
        return json_.is_number() ? json_.get<double>() : (wrong("expected a number"), 0);
    }
    [[nodiscard]] std::int64_t count() const {
        return json_.is_number_integer() ? json_.get<std::int64_t>()
                                         : (wrong("expected a whole number"), 0);
    }
    [[nodiscard]] std::string text() const {
        return json_.is_string() ? json_.get<std::string>() : (wrong("expected a text"), "");
    }
    [[nodiscard]] bool flag() const {
        return json_.is_boolean() ? json_.get<bool>() : (wrong("expected true or false"), false);
    }
    [[nodiscard]] std::vector<ResultNode> items() const {
        if (!json_.is_array()) {
            wrong("expected a list");
        }
        std::vector<ResultNode> items;
        for (std::size_t i = 0; i < json_.size(); ++i) {
            items.emplace_back(json_[i], path_ + "[" + std::to_string(i) + "]", file_);
        }
        return items;
    }
    [[nodiscard]] std::vector<std::pair<std::string, ResultNode>> entries() const {
        if (!json_.is_object()) {
            wrong("expected a map");
        }
        std::vector<std::pair<std::string, ResultNode>> entries;
        for (const auto& [key, value] : json_.items()) {
            entries.emplace_back(key, ResultNode(value, path_ + "." + key, file_));
        }
        return entries;
    }
    [[nodiscard]] std::vector<std::string> texts() const {
        std::vector<std::string> texts;
        for (const ResultNode& item : items()) {
            texts.push_back(item.text());
        }
        return texts;
    }
    /// The one of `all` that is called so.
    template <class T, std::size_t n>
    [[nodiscard]] T named(const std::array<T, n>& all) const {
        const std::string wanted = text();
        std::vector<std::string> names;
        for (const T each : all) {
            if (wanted == name(each)) {
                return each;
            }
            names.emplace_back(name(each));
        }
        wrong("unknown name '" + wanted + "'" + suggestion(wanted, names));
    }
    [[noreturn]] void wrong(const std::string& message) const {
        Diagnostic fault;
        fault.where.file = file_;
        fault.message = (path_.empty() ? "" : path_ + ": ") + message;
        throw InputError(std::vector<Diagnostic>{fault});
    }

private:
    const nlohmann::ordered_json& json_;
    std::string path_;
    const std::string& file_;
};

}  // namespace memwall
