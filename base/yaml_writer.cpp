// SPDX-License-Identifier: Apache-2.0
#include "base/yaml_writer.hpp"

#include <algorithm>
#include <array>

namespace memwall {
namespace {

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Whether a text needs no quotes: words joined by . / + -, none of them a word of YAML's own.
bool is_plain(std::string_view text) {
    static constexpr std::array<std::string_view, 10> kReserved = {
        "null", "Null", "NULL", "true", "True", "false", "False", "yes", "no", "~"};
    const auto allowed = [](char c) {
        return is_word(c) || c == '.' || c == '/' || c == '+' || c == '-';
    };
    if (text.empty() || !std::all_of(text.begin(), text.end(), allowed)) {
        return false;
    }
    const bool negative = text[0] == '-' && text.size() > 1 && text[1] >= '0' && text[1] <= '9';
    return (is_word(text[0]) || negative) &&
           std::find(kReserved.begin(), kReserved.end(), text) == kReserved.end();
}

/// What a character of a text in double quotes is written as.
std::string escaped(char c) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    if (c == '"' || c == '\\') {
        return std::string("\\") + c;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
        return std::string("\\x") + kHex[byte >> 4U] + kHex[byte & 0xFU];
    }
    std::string same;
    same.push_back(c);
    return same;
}

bool is_bool(const std::string& text) {
    return text == "true" || text == "false";
}

std::string flow_list(const YamlValue& list) {
    std::string text = "[";
    for (const YamlValue& item : list.items()) {
        text += (text.size() > 1 ? ", " : "") + yaml_flow(item);
    }
    return text + "]";
}

std::string flow_map(const YamlValue& map) {
    std::string text = "{";
    for (const YamlValue::Entry& entry : map.entries()) {
        text +=
            (text.size() > 1 ? ", " : "") + yaml_scalar(entry.key) + ": " + yaml_flow(entry.value);
    }
    return text + "}";
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
    if (is_plain(text)) {
        return std::string(text);
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += escaped(c);
    }
    return quoted + "\"";
}

std::string yaml_flow(const YamlValue& value) {
    switch (value.kind()) {
        case YamlValue::Kind::null:
            return "null";
        case YamlValue::Kind::scalar:
            return is_bool(value.text()) ? value.text() : yaml_scalar(value.text());
        case YamlValue::Kind::sequence:
            return flow_list(value);
        case YamlValue::Kind::map:
            return flow_map(value);
    }
    return "";
}

std::string yaml_quoted_lines(std::string_view text, std::size_t column, std::size_t width,
                              const std::string& indent) {
    std::string quoted = "\"";
    std::size_t used = column + 1;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t space = text.find(' ', at);
        const std::string_view word = text.substr(at, space - at);
        // A line may end only where one space stands between two words: folding keeps just one.
        const bool single = at > 1 && text[at - 1] == ' ' && text[at - 2] != ' ' && !word.empty();
        if (single && used + word.size() + 1 > width) {
            quoted.back() = '\n';
            quoted += indent;
            used = indent.size();
        }
        for (const char c : word) {
            quoted += escaped(c);
        }
        quoted += space == std::string_view::npos ? "" : " ";
        used += word.size() + 1;
        at = space == std::string_view::npos ? text.size() : space + 1;
    }
    return quoted + "\"";
}

}  // namespace memwall
