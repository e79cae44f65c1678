// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/sweep/slurm_sweep.hpp"
#include "study/sweep_options.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kUsualTasks = 8;
/// Of a job array: MaxArraySize is 1001 unless a cluster says otherwise (slurm.conf).
constexpr std::int64_t kMostTasks = 1'000'000;

SlurmRequest slurm_request(const CommandLine& command, const SweepOptions& options) {
    SlurmRequest request;
    const std::int64_t tasks =
        command.array_tasks ? positive_option("--array-tasks", *command.array_tasks) : kUsualTasks;
    if (tasks > kMostTasks) {
        throw InputError("--array-tasks: expected at most " + std::to_string(kMostTasks));
    }
    request.tasks = static_cast<int>(tasks);
    request.jobs = command.jobs ? options.pool.jobs : 1;
    request.partition = command.partition;
    request.time = command.time;
    request.more = command.sbatch;
    for (const std::string& option : request.more) {
        if (option.empty() || option.front() != '-' || option.find('\n') != std::string::npos) {
            throw InputError(
                "--sbatch: expected an option of sbatch such as --sbatch=--account=lab,"
                " found '" +
                option + "'");
        }
    }
    return request;
}

}  // namespace

int sweep_slurm_command(const CommandLine& command, LoadedSweep& loaded, const Configs& configs,
                        const SweepOptions& options) {
    const SlurmRequest request = slurm_request(command, options);
    require_array(loaded);
    if (command.dry_run) {
        check_sweep(loaded, configs, options.pool);
        print_result(slurm_script(loaded, options, request, command.configs));
        return 0;
    }
    if (!has_sbatch()) {
        throw InputError(
            "--slurm: no sbatch in PATH; expected Slurm's commands (on Debian: slurm-client), or "
            "the "
            "same command without --slurm");
    }
    refuse_foreign_folder(options.out);
    const SubmittedSweep submitted =
        submit_sweep(loaded, configs, options, request, command.configs);
    if (submitted.jobs.empty()) {
        print_result("all points are there; memwall sweep collect " + options.out.string() +
                     " makes the tables\n");
        return 0;
    }
    std::string jobs;
    for (const std::string& job : submitted.jobs) {
        jobs += (jobs.empty() ? "" : ", ") + job;
    }
    print_result("submitted " + std::to_string(submitted.left) + " points as jobs " + jobs +
                 ", the last of which collects\nresults: " + options.out.string() +
                 "\nstatus:  memwall sweep " + command.words.front() + " --out " +
                 options.out.string() + " --status\n");
    return 0;
}

int sweep_task_command(const CommandLine& command, const Configs& configs,
                       std::chrono::steady_clock::time_point started) {
    if (command.words.size() != 3) {
        throw InputError("sweep task: expected the folder of a sweep and a pass, first or then");
    }
    SweepOptions options = sweep_options(command, "");
    options.out = command.words[1];
    options.pool.jobs = command.jobs ? options.pool.jobs : 1;
    const std::int64_t ran = run_slurm_task(command.words[2], configs, options);
    std::cerr << "memwall: " << ran << " points, " << resources_used(started) << "\n";
    return 0;
}

}  // namespace memwall
