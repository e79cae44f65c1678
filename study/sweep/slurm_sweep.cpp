// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/slurm_sweep.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <numeric>

#include "base/error.hpp"
#include "base/file.hpp"
#include "study/overrides.hpp"
#include "study/sweep/point_runner.hpp"
#include "study/sweep/task_share.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFirst = "first";
constexpr const char* kThen = "then";

fs::path slurm_folder(const fs::path& out) {
    return out / "slurm";
}

/// The sweep file as it was submitted; a later change of the original is not the job's.
fs::path kept_file(const fs::path& out, const Manifest& manifest) {
    return slurm_folder(out) / (fs::path(manifest.file_name).stem().string() + ".yaml");
}

SlurmCommand command_of(const LoadedSweep& loaded, const fs::path& out, const std::string& what,
                        const std::string& log) {
    SlurmCommand command;
    command.name = "memwall-" + loaded.sweep.name + "-" + what;
    command.program = fs::read_symlink("/proc/self/exe");
    command.working_dir = fs::current_path();
    command.log = slurm_folder(fs::absolute(out)) / log;
    return command;
}

std::string task_script(const LoadedSweep& loaded, const SweepOptions& options,
                        const SlurmRequest& request, const std::optional<std::string>& configs,
                        const std::string& pass) {
    SlurmCommand command = command_of(loaded, options.out, pass, pass + "-%A_%a.log");
    command.words = {"sweep", "task",   fs::absolute(options.out).string(),
                     pass,    "--jobs", std::to_string(request.jobs)};
    if (options.pool.point_timeout) {
        command.words.insert(
            command.words.end(),
            {"--point-timeout", std::to_string(options.pool.point_timeout->count()) + "s"});
    }
    if (configs) {
        command.words.insert(command.words.end(), {"--configs", fs::absolute(*configs).string()});
    }
    return array_script(request, command);
}

std::string collect_script(const LoadedSweep& loaded, const SweepOptions& options,
                           const SlurmRequest& request) {
    SlurmCommand command = command_of(loaded, options.out, "collect", "collect-%j.log");
    command.words = {"sweep", "collect", fs::absolute(options.out).string()};
    return single_script(request, command);
}

std::string submit_script(const fs::path& path, const std::string& text,
                          const std::optional<std::string>& after) {
    write_file_whole(path, text);
    return submit(path, after);
}

/// The numbers of the jobs that a sweep was submitted as last.
fs::path jobs_file(const fs::path& out) {
    return slurm_folder(out) / "jobs";
}

/// Two arrays at once would share the points, but every task of the second would wait for nothing.
void refuse_while_queued(const fs::path& out) {
    std::ifstream file(jobs_file(out));
    std::vector<std::string> jobs;
    for (std::string job; file >> job;) {
        jobs.push_back(job);
    }
    if (jobs.empty()) {
        return;
    }
    std::string waiting;
    for (const std::string& job : in_queue(jobs)) {
        waiting += (waiting.empty() ? "" : ", ") + job;
    }
    if (!waiting.empty()) {
        throw InputError("--slurm: this sweep's jobs " + waiting +
                         " still wait or run; expected their end (--status shows it), or scancel");
    }
}

/// A number that Slurm gives its tasks.
std::int64_t slurm_number(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr) {
        throw InputError(std::string("sweep task: expected ") + variable +
                         " of a job array; memwall sweep FILE --slurm submits one");
    }
    return parse_count_option(variable, text);
}

/// What a task runs: which points, how, and where their records belong.
struct TaskPass {
    std::vector<std::int64_t> points;
    std::optional<Engine> engine;  ///< none: the points' own
    ShardHead head;
};

TaskPass task_pass(const LoadedSweep& loaded, const fs::path& out, const std::string& name) {
    if (name == kFirst) {
        TaskPass first{{}, {}, {loaded.manifest.plan, kFirst}};
        first.points.resize(static_cast<std::size_t>(loaded.sweep.space.size()));
        std::iota(first.points.begin(), first.points.end(), std::int64_t{0});
        return first;
    }
    if (name != kThen || !loaded.manifest.then) {
        throw InputError("sweep task: expected a pass of the sweep, 'first'" +
                         std::string(loaded.manifest.then ? " or 'then'" : "") + ", found '" +
                         name + "'");
    }
    const SweepPass last = passes_of(loaded, out).back();
    return {last.only.value(), loaded.manifest.then, {loaded.manifest.plan, last.name}};
}

/// The sweep as it was submitted.
LoadedSweep submitted(const Configs& configs, const fs::path& out) {
    const auto manifest = read_manifest(out);
    if (!manifest || !fs::exists(kept_file(out, *manifest))) {
        throw InputError("sweep task: '" + out.string() + "' holds no sweep that was submitted");
    }
    LoadedSweep loaded = load_sweep_file(kept_file(out, *manifest).string(), manifest->base,
                                         manifest->then, manifest->top, configs);
    if (loaded.manifest.plan != manifest->plan) {
        throw InputError("the inputs of '" + out.string() +
                         "' have changed since the sweep was submitted; submit it again");
    }
    return loaded;
}

}  // namespace

void require_array(const LoadedSweep& loaded) {
    if (loaded.sweep.search) {
        throw InputError(
            "--slurm: a search decides its points by all earlier ones and runs on one machine; "
            "expected a sweep without 'search'");
    }
}

std::string slurm_script(const LoadedSweep& loaded, const SweepOptions& options,
                         const SlurmRequest& request, const std::optional<std::string>& configs) {
    return task_script(loaded, options, request, configs, kFirst);
}

SubmittedSweep submit_sweep(LoadedSweep& loaded, const Configs& configs,
                            const SweepOptions& options, const SlurmRequest& request,
                            const std::optional<std::string>& configs_option) {
    refuse_while_queued(options.out);
    SweepOptions prepare = options;
    prepare.only_prepare = true;
    SubmittedSweep submitted;
    run_sweep(loaded, configs, prepare, [&](std::int64_t left) { submitted.left = left; });
    if (submitted.left == 0 && !loaded.manifest.then) {
        return submitted;
    }
    const fs::path folder = slurm_folder(options.out);
    fs::remove_all(folder / "claims");
    fs::create_directories(folder);
    write_file_whole(kept_file(options.out, loaded.manifest), loaded.manifest.text);
    // No more tasks than points.
    SlurmRequest array = request;
    array.tasks = static_cast<int>(
        std::clamp<std::int64_t>(submitted.left, 1, static_cast<std::int64_t>(request.tasks)));
    submitted.jobs.push_back(
        submit_script(folder / "first.sh",
                      task_script(loaded, options, array, configs_option, kFirst), std::nullopt));
    if (loaded.manifest.then) {
        array.tasks = static_cast<int>(std::clamp<std::int64_t>(
            loaded.manifest.top, 1, static_cast<std::int64_t>(request.tasks)));
        submitted.jobs.push_back(submit_script(
            folder / "then.sh", task_script(loaded, options, array, configs_option, kThen),
            submitted.jobs.back()));
    }
    submitted.jobs.push_back(submit_script(
        folder / "collect.sh", collect_script(loaded, options, request), submitted.jobs.back()));
    std::string jobs;
    for (const std::string& job : submitted.jobs) {
        jobs += job + "\n";
    }
    write_file_whole(jobs_file(options.out), jobs);
    return submitted;
}

std::int64_t run_slurm_task(const std::string& pass_name, const Configs& configs,
                            const SweepOptions& options) {
    const std::int64_t job = slurm_number("SLURM_ARRAY_JOB_ID");
    const TaskPlace place{static_cast<int>(slurm_number("SLURM_ARRAY_TASK_ID")),
                          static_cast<int>(slurm_number("SLURM_ARRAY_TASK_COUNT")),
                          options.pool.jobs};
    const LoadedSweep loaded = submitted(configs, options.out);
    const FolderLock lock(options.out, FolderLock::Kind::together);
    const TaskPass pass = task_pass(loaded, options.out, pass_name);
    PointIndex index(loaded.sweep.space.size());
    ShardReader(shards_of(options.out))
        .scan([&](const ShardHead& head, Record&& record, const RecordPlace& at) {
            if (head == pass.head) {
                index.add(record, at);
            }
        });
    BlockClaims claims(slurm_folder(options.out) / "claims" / std::to_string(job),
                       "task " + std::to_string(place.task));
    PointRunner runner(loaded.sweep, configs);
    std::unique_ptr<ShardWriter> writer;
    std::int64_t ran = 0;
    run_points(
        shared_points(pass.points, place, claims,
                      [&](std::int64_t point) { return !index.is_final(point); }),
        [&](std::int64_t point) { return runner.run(point, pass.engine); },
        [&](const Record& record) {
            if (!writer) {
                writer = std::make_unique<ShardWriter>(shards_of(options.out), pass.head);
            }
            writer->append(record);
            ++ran;
        },
        options.pool);
    return ran;
}

}  // namespace memwall
