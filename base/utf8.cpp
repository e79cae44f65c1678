// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.hpp"

namespace memwall {

std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t place) {
        return place < text.size() ? static_cast<unsigned char>(text[place]) : 0U;
    };
    const unsigned first = byte(at);
    if (first < 0x80) {
        return at < text.size() ? 1 : 0;
    }
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    for (std::size_t next = at + 1; next < at + length; ++next) {
        if ((byte(next) & 0xC0U) != 0x80) {
            return 0;
        }
    }
    const unsigned second = byte(at + 1);
    const bool sound = (first != 0xE0 || second >= 0xA0) && (first != 0xED || second < 0xA0) &&
                       (first != 0xF0 || second >= 0x90) && (first != 0xF4 || second < 0x90);
    return sound ? length : 0;
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text, at);
        valid += length == 0 ? std::string_view("_") : text.substr(at, length);
        at += length == 0 ? 1 : length;
    }
    return valid;
}

}  // namespace memwall
