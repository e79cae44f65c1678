// SPDX-License-Identifier: Apache-2.0
// Job scripts for Slurm, and handing them to sbatch.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace memwall {

/// What is asked of Slurm.
struct SlurmRequest {
    int tasks = 1;                         ///< of the job array
    int jobs = 1;                          ///< processors of each, one worker process on each
    std::optional<std::string> partition;  ///< none: the cluster's own default
    std::optional<std::string> time;       ///< limit of a task, as sbatch takes it
    std::vector<std::string> more;         ///< further options of sbatch, as typed
};

/// A command of memwall that a job runs, and how the job is called.
struct SlurmCommand {
    std::string name;                   ///< of the job
    std::filesystem::path program;      ///< memwall
    std::filesystem::path working_dir;  ///< where names and paths of the sweep are looked up
    std::filesystem::path log;          ///< what the job says; %A and %a are Slurm's
    std::vector<std::string> words;     ///< behind the program
};

/// The script of a job array that runs `command` in each of its tasks.
std::string array_script(const SlurmRequest& request, const SlurmCommand& command);
/// The script of a job of one processor that runs `command`.
std::string single_script(const SlurmRequest& request, const SlurmCommand& command);

/// Whether sbatch is in PATH.
bool has_sbatch();
/// Submits a script and gives the job's number; `after` has to have ended before it starts. Throws
/// std::runtime_error with what sbatch said where it refuses.
std::string submit(const std::filesystem::path& script, const std::optional<std::string>& after);

/// Those of `jobs` that squeue says wait or run.
std::vector<std::string> in_queue(const std::vector<std::string>& jobs);

}  // namespace memwall
