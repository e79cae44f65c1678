// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/record.hpp"

#include <algorithm>
#include <array>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "base/sha256.hpp"

namespace memwall {
namespace {

constexpr std::array<const char*, 3> kStatusNames = {"done", "failed", "excluded"};
constexpr std::array<const char*, 6> kCauseNames = {"none",   "input",  "internal",
                                                    "memory", "killed", "timeout"};
constexpr std::size_t kChecksumDigits = 8;

template <class Enum, std::size_t N>
std::optional<Enum> by_name(std::string_view text, const std::array<const char*, N>& names) {
    const auto* found = std::find(names.begin(), names.end(), text);
    return found == names.end() ? std::nullopt
                                : std::optional(static_cast<Enum>(found - names.begin()));
}

/// Takes the cell up to the next comma from the front; quotes are not looked at.
std::string_view take_cell(std::string_view& text) {
    const std::string_view cell = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), cell.size() + 1));
    return cell;
}

}  // namespace

const char* name(PointStatus status) {
    return kStatusNames.at(static_cast<std::size_t>(status));
}

const char* name(FailureCause cause) {
    return kCauseNames.at(static_cast<std::size_t>(cause));
}

std::string on_one_line(std::string text) {
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
        text.replace(at, 1, "; ");
    }
    return text;
}

std::string checked_line(const std::string& payload) {
    return sha256_of_text(payload).substr(0, kChecksumDigits) + " " + payload + "\n";
}

std::optional<std::string_view> payload_of(std::string_view line) {
    if (line.size() <= kChecksumDigits || line[kChecksumDigits] != ' ') {
        return std::nullopt;
    }
    const std::string_view payload = line.substr(kChecksumDigits + 1);
    if (sha256_of_text(payload).compare(0, kChecksumDigits, line.substr(0, kChecksumDigits)) != 0) {
        return std::nullopt;
    }
    return payload;
}

std::string record_line(const Record& record) {
    // The length of the reason stands before it: it may hold commas and needs no quotes.
    return checked_line(std::to_string(record.point) + "," + record.key + "," +
                        name(record.status) + "," + name(record.cause) + "," +
                        std::to_string(record.reason.size()) + "," + record.reason + "," +
                        record.totals);
}

std::optional<Record> read_record(std::string_view line) {
    const auto payload = payload_of(line);
    if (!payload) {
        return std::nullopt;
    }
    std::string_view rest = *payload;
    const Parsed<std::int64_t> point = parse_count(take_cell(rest));
    const std::string_view key = take_cell(rest);
    const auto status = by_name<PointStatus>(take_cell(rest), kStatusNames);
    const auto cause = by_name<FailureCause>(take_cell(rest), kCauseNames);
    const Parsed<std::int64_t> length = parse_count(take_cell(rest));
    const auto* number = std::get_if<0>(&point);
    const auto* size = std::get_if<0>(&length);
    if (number == nullptr || size == nullptr || !status || !cause || *size < 0 ||
        static_cast<std::size_t>(*size) + 1 > rest.size()) {
        return std::nullopt;
    }
    const auto end = static_cast<std::size_t>(*size);
    return Record{*number,
                  std::string(key),
                  *status,
                  *cause,
                  std::string(rest.substr(0, end)),
                  std::string(rest.substr(end + 1))};
}

}  // namespace memwall
