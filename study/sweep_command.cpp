// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "study/commands.hpp"
#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/sweep/sweep_progress.hpp"
#include "study/sweep/sweep_report.hpp"
#include "study/sweep/sweep_run.hpp"
#include "study/sweep_options.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

/// "9 x 3 x 2 = 54 points; about 3 s on 2 processes", or "at least" where a tried point did not
/// end.
std::string size_text(const LoadedSweep& loaded, const SweepEstimate& estimate, int jobs,
                      std::int64_t left) {
    const Sweep& sweep = loaded.sweep;
    std::string text;
    for (const std::int64_t size : sweep.space.sizes()) {
        text += (text.empty() ? "" : " x ") + std::to_string(size);
    }
    const std::int64_t all = sweep.space.size();
    text = (sweep.space.sizes().size() > 1 ? text + " = " : "") + format_count(all) +
           (all == 1 ? " point" : " points");
    if (sweep.search) {
        text += ", of which a search runs " + format_count(std::min(sweep.search->budget, all));
    }
    if (left < all && !sweep.search) {
        text += ", " + format_count(left) + " to run";
    }
    text += "; " + std::string(estimate.at_least ? "at least " : "about ") +
            rough_time(estimate.time.count()) + " on " + std::to_string(jobs) +
            (jobs == 1 ? " process" : " processes");
    if (const auto then = loaded.manifest.then) {
        text += std::string(", then the best ") + format_count(std::min(loaded.manifest.top, all)) +
                " by " + name(*then);
    }
    return text;
}

/// How large a sweep is and how long it takes; points that were tried for that and fail are named.
/// The exit status: 2 where there are such.
int dry_run(const LoadedSweep& loaded, const Configs& configs, const PoolOptions& pool) {
    const std::int64_t all = loaded.sweep.space.size();
    const std::int64_t left =
        loaded.sweep.search ? std::min(loaded.sweep.search->budget, all) : all;
    const SweepEstimate expected = estimate_sweep(loaded, configs, left, pool);
    std::string text =
        loaded.sweep.name + ": " + size_text(loaded, expected, pool.jobs, left) + "\n";
    for (const std::string& line : expected.failing) {
        text += line + "\n";
    }
    print_result(text);
    return expected.failing.empty() ? 0 : 2;
}

std::string counts_text(const SweepCounts& counts) {
    return fmt::format("{} points, {} found, {} failed", counts.points, counts.found,
                       counts.failed);
}

void show_status(const LoadedSweep& loaded, const fs::path& folder) {
    const SweepTable table(loaded.sweep, shards_of(folder), loaded.manifest.plan,
                           passes_of(loaded, folder));
    const SweepCounts counts = counts_of(loaded, table);
    const std::int64_t of = loaded.sweep.search ? loaded.sweep.search->budget : counts.points;
    print_result(fmt::format(
        "{}: {} of {} points are there ({:.0f} %), {} failed, {} excluded{}\n", loaded.sweep.name,
        counts.found, of,
        of > 0 ? 100.0 * static_cast<double>(counts.found) / static_cast<double>(of) : 100.0,
        counts.failed, counts.excluded, FolderLock::taken(folder) ? "; a sweep is at work" : ""));
}

/// The sweep that a folder was made by, from its manifest alone.
LoadedSweep load_folder(const fs::path& folder) {
    const auto manifest = read_manifest(folder);
    if (!manifest) {
        throw InputError("'" + folder.string() + "' holds no results of a sweep: there is no " +
                         (folder / "sweep.json").string());
    }
    LoadedSweep loaded;
    loaded.manifest = *manifest;
    loaded.sweep = sweep_from(manifest->text, manifest->file_name, manifest->base);
    return loaded;
}

using Start = std::chrono::steady_clock::time_point;

/// Tells what the folder holds now; `found` of its points were there already, all if not said. The
/// exit status.
int tell_end(const LoadedSweep& loaded, const fs::path& folder, std::optional<std::int64_t> found,
             Start started) {
    const SweepTable table(loaded.sweep, shards_of(folder), loaded.manifest.plan,
                           passes_of(loaded, folder));
    SweepCounts counts = counts_of(loaded, table);
    counts.found = found.value_or(counts.found);
    print_result(sweep_report(loaded.sweep, table, folder));
    if (counts.excluded > 0) {
        std::cerr << "memwall: " << counts.excluded
                  << " points break a constraint and are excluded\n";
    }
    std::cerr << "memwall: " << resources_used(started) << "\n" << counts_text(counts) << "\n";
    return counts.failed > 0 ? 1 : 0;
}

/// What is lost of a folder's results, for what is known of them is not all.
void tell_damage(const fs::path& folder) {
    constexpr std::size_t kMost = 5;
    const std::vector<std::string> damage = ShardReader(shards_of(folder)).damage();
    for (std::size_t d = 0; d < std::min(damage.size(), kMost); ++d) {
        std::cerr << "warning: " << damage[d] << "\n";
    }
    if (damage.size() > kMost) {
        std::cerr << "warning: and " << damage.size() - kMost << " lines more\n";
    }
}

int collect_command(const CommandLine& command, Start started) {
    if (command.words.size() != 2) {
        throw InputError("sweep collect: expected one folder of a sweep's results");
    }
    const fs::path folder = command.words[1];
    const LoadedSweep loaded = load_folder(folder);
    tell_damage(folder);
    collect(loaded, folder);
    return tell_end(loaded, folder, std::nullopt, started);
}

/// Options that say how a job is submitted do nothing without --slurm.
void refuse_lone_slurm_options(const CommandLine& command) {
    for (const auto& [option, given] : {std::pair("--array-tasks", command.array_tasks.has_value()),
                                        std::pair("--partition", command.partition.has_value()),
                                        std::pair("--time", command.time.has_value()),
                                        std::pair("--sbatch", !command.sbatch.empty())}) {
        if (given && !command.slurm) {
            throw InputError(std::string(option) + ": expected --slurm with it");
        }
    }
}

}  // namespace

int sweep_command(const CommandLine& command, const Configs& configs,
                  std::chrono::steady_clock::time_point started) {
    if (command.words.empty()) {
        throw InputError("sweep: expected a sweep file, by name or path, or collect DIR");
    }
    if (command.words.front() == "collect") {
        return collect_command(command, started);
    }
    if (command.words.front() == "task") {
        return sweep_task_command(command, configs, started);
    }
    if (command.words.size() > 1) {
        throw InputError("sweep: expected one sweep file, found '" + command.words[1] + "' too");
    }
    refuse_lone_slurm_options(command);
    if (command.status) {
        const fs::path folder = folder_of(command, configs);
        show_status(load_folder(folder), folder);
        return 0;
    }
    LoadedSweep loaded = sweep_of(command, configs);
    const SweepOptions options = sweep_options(command, loaded.sweep.name);
    if (command.slurm) {
        return sweep_slurm_command(command, loaded, configs, options);
    }
    if (command.dry_run) {
        check_sweep(loaded, configs, options.pool);
        return dry_run(loaded, configs, options.pool);
    }
    refuse_foreign_folder(options.out);
    tell_damage(options.out);
    const std::int64_t found = run_sweep(loaded, configs, options, [&](std::int64_t left) {
        const SweepEstimate expected =
            left > 0 ? estimate_sweep(loaded, configs, left, options.pool) : SweepEstimate();
        std::cerr << "memwall: " << loaded.sweep.name << ": "
                  << size_text(loaded, expected, options.pool.jobs, left) << "\n";
    });
    return tell_end(loaded, options.out, found, started);
}

}  // namespace memwall
