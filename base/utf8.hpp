// SPDX-License-Identifier: Apache-2.0
// Text in UTF-8, and bytes that are none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memwall {

/// The bytes of the character that begins at `at`, 1 to 4; 0 where none does (RFC 3629: no
/// surrogates, nothing longer than needed, nothing beyond U+10FFFF).
std::size_t utf8_length(std::string_view text, std::size_t at);

/// `text` with '_' for each byte that belongs to no character.
std::string valid_utf8(std::string_view text);

}  // namespace memwall
