// SPDX-License-Identifier: Apache-2.0
// What a sweep tells at its end: its Pareto front, and how to draw it.
#pragma once

#include <filesystem>
#include <string>

#include "study/sweep/sweep_table.hpp"

namespace memwall {

/// The question, the points of the first Pareto front with their parameters and objectives, where
/// the tables are, and the command that draws them.
std::string sweep_report(const Sweep& sweep, const SweepTable& table,
                         const std::filesystem::path& folder);

}  // namespace memwall
