// SPDX-License-Identifier: Apache-2.0
// What a burst of a DRAM costs by itself, without a program around it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/dram_config.hpp"

namespace memwall::bench {

/// Reads of a pattern on a DRAM.
struct BurstCase {
    std::string name;
    bool by_burst = false;   ///< every burst decided on its own
    std::int64_t piece = 0;  ///< consecutive bytes of an access
    std::int64_t pieces = 1;
    std::int64_t stride = 0;
};
const std::vector<BurstCase>& burst_cases();

/// Serves `accesses` accesses of a case, eight under way at once; how many bursts that were.
std::int64_t serve_bursts(const DramConfig& dram, const BurstCase& pattern, std::int64_t accesses);

}  // namespace memwall::bench
