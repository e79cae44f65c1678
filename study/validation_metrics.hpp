// SPDX-License-Identifier: Apache-2.0
// The figures of a result that can be set against published ones, by name and unit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/quantity.hpp"
#include "sim/result.hpp"

namespace memwall {

/// The server around the chips, where a figure was measured at its plug.
struct ServerSpec {
    std::int64_t chips = 1;
    Watts rest;             ///< processors, memory, fans: everything but the accelerators
    double efficiency = 1;  ///< of the power supplies
    std::string source;
};

/// Which figure, and of what part of the run.
struct Metric {
    std::string name;
    std::string layer;   ///< of layer metrics
    std::string memory;  ///< of metrics of a memory
    std::optional<ServerSpec> server;
};

const std::vector<std::string>& metric_names();
/// The units that a metric can be stated in.
std::vector<std::string> units_of(const std::string& metric);
bool is_layer_metric(const std::string& metric);
bool is_server_metric(const std::string& metric);
bool is_memory_metric(const std::string& metric);

/// The figure in `unit`. Throws InputError where the run has no such layer.
double measure(const RunResult& run, const Metric& metric, const std::string& unit);
/// The figure of one run over that of another.
double measured_ratio(const RunResult& run, const RunResult& over, const Metric& metric);

}  // namespace memwall
