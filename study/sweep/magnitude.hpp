// SPDX-License-Identifier: Apache-2.0
// A number or a quantity of any kind, for ranges and constraints, which do not know what a path
// holds.
#pragma once

#include <optional>
#include <string_view>

namespace memwall {

struct Magnitude {
    const char* kind = "number";  ///< "count", "number", "bytes", ...
    double value = 0;             ///< in the base unit of its kind
};

/// nullopt for what is neither a number nor a quantity.
std::optional<Magnitude> read_magnitude(std::string_view text);

}  // namespace memwall
