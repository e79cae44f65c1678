// SPDX-License-Identifier: Apache-2.0
// A sweep on a Slurm cluster: submitting it, and what a task of its job array does.
#pragma once

#include <optional>
#include <string>

#include "study/sweep/slurm_job.hpp"
#include "study/sweep/sweep_run.hpp"

namespace memwall {

/// Throws InputError for a sweep that a job array cannot run: a search decides its next points by
/// all earlier ones.
void require_array(const LoadedSweep& loaded);

/// The script of the array that runs the sweep, without submitting it.
std::string slurm_script(const LoadedSweep& loaded, const SweepOptions& options,
                         const SlurmRequest& request, const std::optional<std::string>& configs);

/// The jobs of a submission: the array of each pass, then the one that collects.
struct SubmittedSweep {
    std::int64_t left = 0;  ///< points of the first pass to run; 0: nothing was submitted
    std::vector<std::string> jobs;
};

/// Checks the sweep, takes over what is known of it already, writes the scripts to the folder and
/// submits them. Throws InputError, StoreError, and std::runtime_error where sbatch refuses.
SubmittedSweep submit_sweep(LoadedSweep& loaded, const Configs& configs,
                            const SweepOptions& options, const SlurmRequest& request,
                            const std::optional<std::string>& configs_option);

/// In a task of the array, whose number Slurm's variables say: runs points of pass "first" or
/// "then" until all are taken. Gives how many it ran. Throws InputError where the inputs are not
/// those of the submission any more.
std::int64_t run_slurm_task(const std::string& pass, const Configs& configs,
                            const SweepOptions& options);

}  // namespace memwall
