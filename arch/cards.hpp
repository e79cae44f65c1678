// SPDX-License-Identifier: Apache-2.0
// Several equal cards that share a network as a pipeline. Their links and the host between them are
// the `host` link of each card and what is said here.
#pragma once

#include <cstdint>

#include "base/quantity.hpp"

namespace memwall {

struct CardsConfig {
    std::int64_t count = 1;
    /// From the last byte that leaves a card's link to the first that enters the next one's: what
    /// switches and the host add.
    Picoseconds hop;
    std::int64_t together = 1;  ///< users whose tokens go through a card together
};

}  // namespace memwall
