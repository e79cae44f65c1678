// SPDX-License-Identifier: Apache-2.0
// What each verb does. Each throws InputError for wrong input and returns nothing: done is done.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "study/command_line.hpp"
#include "study/configs.hpp"

namespace memwall {

void run_command(const CommandLine& command, const Configs& configs);
void compare_command(const CommandLine& command, const Configs& configs);
/// Throws CheckFailed where rows are outside of their bands, after writing the result.
void validate_command(const CommandLine& command, const Configs& configs);
void serve_command(CommandLine command, const Configs& configs);
void show_command(const CommandLine& command, const Configs& configs);
void check_command(const CommandLine& command, const Configs& configs);
void import_command(const CommandLine& command);
/// `started`: when the program did, for the time that it took stands before the last line. The exit
/// status: 1 where some points failed.
int sweep_command(const CommandLine& command, const Configs& configs,
                  std::chrono::steady_clock::time_point started);

/// The whole program: its exit status is 0 done, 1 the run failed, 2 the input is wrong.
int run_program(int argc, const char* const* argv);

}  // namespace memwall
