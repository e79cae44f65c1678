// SPDX-License-Identifier: Apache-2.0
// From modelled seconds to the whole picoseconds in which requests are served.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/quantity.hpp"

namespace memwall {

inline Picoseconds whole_picoseconds(double seconds) {
    constexpr double kPicoseconds = 1e12;  // a second
    return Picoseconds(static_cast<std::int64_t>(std::llround(seconds * kPicoseconds)));
}

}  // namespace memwall
