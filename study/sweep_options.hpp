// SPDX-License-Identifier: Apache-2.0
// The command line of memwall sweep as a sweep and the way to run it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "study/command_line.hpp"
#include "study/sweep/sweep_run.hpp"

namespace memwall {

/// The number of an option, from 1 on. Throws InputError.
std::int64_t positive_option(const char* option, const std::string& text);

/// The sweep file that the command names, with what its options set. Throws InputError.
LoadedSweep sweep_of(const CommandLine& command, const Configs& configs);
/// Where its results are, by --out or by its name; what else the file names is not read. Throws
/// InputError.
std::filesystem::path folder_of(const CommandLine& command, const Configs& configs);
/// How it is to be run; results go to --out, else to results/SWEEP. Throws InputError.
SweepOptions sweep_options(const CommandLine& command, const std::string& sweep);

/// The output must not be one of the inputs' folders' files: a sweep writes into a folder of its
/// own. Throws InputError.
void refuse_foreign_folder(const std::filesystem::path& folder);

/// `memwall sweep FILE --slurm`: submits the sweep, or prints the script with --dry-run. The exit
/// status.
int sweep_slurm_command(const CommandLine& command, LoadedSweep& loaded, const Configs& configs,
                        const SweepOptions& options);
/// `memwall sweep task DIR PASS`: what the tasks of the job array run. The exit status.
int sweep_task_command(const CommandLine& command, const Configs& configs,
                       std::chrono::steady_clock::time_point started);

}  // namespace memwall
