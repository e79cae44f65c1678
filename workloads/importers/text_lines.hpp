// SPDX-License-Identifier: Apache-2.0
// Text files cut into lines and fields that know their places.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace memwall::importers {

/// `text` without white space at its ends.
std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text);
/// Whether `text` holds a line that begins with `start`.
bool has_line(std::string_view text, std::string_view start);
/// Whether `text` holds bytes that are no text.
bool is_binary(std::string_view text);

struct Field {
    std::string text;
    SourceMark where;
};

/// The non-empty lines of a file, cut at commas; an empty field at the end of a line is left out.
std::vector<std::vector<Field>> comma_lines(std::string_view text, const std::string& shown_as);

/// A count from 1 to 2^31 - 1; anything else is a fault that names what it is.
std::optional<std::int64_t> positive(const Field& field, const std::string& what,
                                     Diagnostics& faults);

}  // namespace memwall::importers
