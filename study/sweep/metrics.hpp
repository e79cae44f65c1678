// SPDX-License-Identifier: Apache-2.0
// What a sweep keeps of a run: the one list of the columns of its table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/result.hpp"

namespace memwall {

/// Which way a metric gets better.
enum class Better { neither, lower, higher };

struct SweepMetric {
    const char* name;  ///< with its unit: "latency_s"
    Better better;
    std::string (*text)(const RunResult& run);  ///< "" where the run has none
    bool is_text = false;                       ///< a word, no number
};

/// In the order of the columns. docs/sweeps.md explains each.
const std::vector<SweepMetric>& metrics();
/// By name, or nullptr.
const SweepMetric* find_total(const std::string& name);
std::vector<std::string> total_names();
/// The position of a metric in the list; it must be there.
std::size_t total_index(const std::string& name);

/// The metric whose value a machine has without running anything.
inline constexpr const char* kAreaMetric = "area_mm2";

}  // namespace memwall
