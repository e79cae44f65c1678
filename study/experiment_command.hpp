// SPDX-License-Identifier: Apache-2.0
// `memwall run EXPERIMENT`: every design point at every precision and batch.
#pragma once

#include "study/command_line.hpp"
#include "study/configs.hpp"

namespace memwall {

/// The first word names the experiment. Options that are given stand for the file's own.
void experiment_command(const CommandLine& command, const Configs& configs);

}  // namespace memwall
