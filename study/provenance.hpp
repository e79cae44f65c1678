// SPDX-License-Identifier: Apache-2.0
// What a result says about where it comes from.
#pragma once

#include "sim/result.hpp"
#include "study/command_line.hpp"
#include "study/load.hpp"

namespace memwall {

/// Of a finished reading: all files are in `inputs`.
ResultProvenance provenance(const RunRequest& request, const InputFiles& inputs);

}  // namespace memwall
