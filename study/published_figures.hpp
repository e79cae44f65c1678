// SPDX-License-Identifier: Apache-2.0
// Which published figures the shipped validation files hold, and which machine each checks.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "study/configs.hpp"
#include "study/load.hpp"
#include "study/validation.hpp"

namespace memwall {

/// The rows and scenarios of validation files by their names. A row is told from others by its id
/// alone: throws InputError where it stands in two files, and for all other faults of the files.
Validation load_published_figures(const std::vector<std::string>& names, const Configs& configs,
                                  InputFiles& inputs);

/// The figures of one validation file that are about a machine.
struct MachineCheck {
    std::string validation;  ///< the file's name, as `memwall validate` takes it
    std::size_t figures = 0;
    std::size_t calibrated = 0;  ///< of them, those that a parameter was set on
};

/// By validation file; empty for a machine that nothing published checks. Throws as above.
std::vector<MachineCheck> checks_of(const std::string& machine, const Configs& configs);

/// "10 published figures check it: 3 of a100_power, 7 of gpu_mlperf (memwall validate a100_power
/// gpu_mlperf)", or that none does.
std::string checks_text(const std::vector<MachineCheck>& checks);

}  // namespace memwall
