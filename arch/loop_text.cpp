// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_text.hpp"

#include <cctype>

namespace memwall {

std::string dim_letter(Dim dim) {
    std::string text = name(dim);
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

std::string loop_line(Dim dim, std::int64_t size, std::int64_t tile, const std::string& across) {
    const std::int64_t steps = ceil_divide(size, tile);
    const std::int64_t rest = size - (steps - 1) * tile;
    return (across.empty() ? "for " : "parallel for ") + dim_letter(dim) + " in " +
           std::to_string(steps) + " of " + std::to_string(tile) +
           (rest < tile ? ", the last of " + std::to_string(rest) : "") +
           (across.empty() ? "" : " on " + across);
}

}  // namespace memwall
