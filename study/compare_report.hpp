// SPDX-License-Identifier: Apache-2.0
// Machines side by side as text: a column each, beside it the machine at its I/O lower bound, and
// what was found.
#pragma once

#include <string>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// Ratios are to the first run. Two or more runs of one network; `findings` come last.
std::string compare_report(const std::vector<const RunResult*>& runs,
                           const std::vector<std::string>& findings);

}  // namespace memwall
