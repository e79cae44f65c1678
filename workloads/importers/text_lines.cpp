// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/text_lines.hpp"

#include <algorithm>
#include <limits>

#include "base/parse.hpp"

namespace memwall::importers {
namespace {

constexpr const char* kSpace = " \t\r\n\f\v";
constexpr std::size_t kMostFields = 64;  ///< of a line: what is behind stays one field
constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

}  // namespace

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return result;
}

bool has_line(std::string_view text, std::string_view start) {
    for (std::size_t at = text.find(start); at != std::string_view::npos;
         at = text.find(start, at + 1)) {
        if (at == 0 || text[at - 1] == '\n') {
            return true;
        }
    }
    return false;
}

bool is_binary(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\v';
    });
}

std::vector<std::vector<Field>> comma_lines(std::string_view text, const std::string& shown_as) {
    std::vector<std::vector<Field>> lines;
    int line = 1;
    for (std::size_t begin = 0; begin < text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view content = text.substr(begin, end - begin);
        begin = end + 1;
        if (trimmed(content).empty()) {
            continue;
        }
        std::vector<Field> fields;
        for (std::size_t at = 0; at <= content.size();) {
            const std::size_t comma = fields.size() < kMostFields
                                          ? std::min(content.find(',', at), content.size())
                                          : content.size();
            const std::string_view field = content.substr(at, comma - at);
            const std::size_t skipped = std::min(field.find_first_not_of(kSpace), field.size());
            fields.push_back({std::string(trimmed(field)),
                              {shown_as, line, static_cast<int>(at + skipped) + 1}});
            at = comma + 1;
        }
        while (!fields.empty() && fields.back().text.empty()) {
            fields.pop_back();
        }
        if (!fields.empty()) {
            lines.push_back(std::move(fields));
        }
    }
    return lines;
}

std::optional<std::int64_t> positive(const Field& field, const std::string& what,
                                     Diagnostics& faults) {
    const Parsed<std::int64_t> parsed = parse_count(field.text);
    const auto* value = std::get_if<0>(&parsed);
    if (value == nullptr || *value < 1 || *value > kLargest) {
        faults.error(field.where, what + ": expected a number from 1 to " +
                                      std::to_string(kLargest) + ", found '" + field.text + "'");
        return std::nullopt;
    }
    return *value;
}

}  // namespace memwall::importers
