// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "study/command_line.hpp"
#include "study/load.hpp"

namespace memwall {

/// The network and the machine that a request names, with its overrides. Throws InputError with the
/// faults of both files at once.
std::pair<NetworkSource, Machine> load_run_inputs(const Configs& configs, const RunRequest& request,
                                                  InputFiles& inputs);

}  // namespace memwall
