// SPDX-License-Identifier: Apache-2.0
// The settings of a point by whose key they are.
#pragma once

#include "study/command_line.hpp"
#include "study/sweep/setting.hpp"

namespace memwall {

/// Reports a path that belongs to nothing, with the nearest.
void check_path(const std::string& path, const SourceMark& where, Diagnostics& faults);

/// A point as a run is asked for: names of files, keys to change in them, and how to run.
struct PointRequest {
    Setting machine, network;                              ///< names
    Settings machine_keys, technology_keys, network_keys;  ///< paths below the prefix
    RunSettings run;
};

/// A later setting of the same path wins. Faults go to `faults`.
PointRequest point_request(const Settings& settings, Diagnostics& faults);

}  // namespace memwall
