// SPDX-License-Identifier: Apache-2.0
// A result as one long table: a row for each layer, component, action and tensor of each run.
#pragma once

#include <string>

#include "sim/result.hpp"

namespace memwall {

/// With a header. Leakage and clock power are rows like others (unit `second`), so that
/// `energy_pj` of a run sums to its energy. Empty cells where a row has no tensor or precision.
std::string to_csv(const Result& result);

}  // namespace memwall
