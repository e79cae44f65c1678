// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "base/parse.hpp"
#include "study/commands.hpp"
#include "study/interrupt.hpp"
#include "study/output.hpp"
#include "study/progress.hpp"
#include "study/sweep/sweep_progress.hpp"
#include "study/sweep/sweep_report.hpp"
#include "study/sweep/sweep_run.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kUsualTop = 10;
constexpr int kMostJobs = 1024;

int processors() {
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? static_cast<int>(count) : 1;
}

std::int64_t positive(const char* option, const std::string& text) {
    const std::int64_t count = parse_count_option(option, text);
    if (count < 1) {
        throw InputError(std::string(option) + ": expected a number from 1 on, found '" + text +
                         "'");
    }
    return count;
}

/// "30 s", "2 min"; a bare number is seconds.
std::chrono::duration<double> time_limit(const std::string& text) {
    Parsed<Seconds> parsed = parse_seconds(text);
    if (std::holds_alternative<ParseFault>(parsed)) {
        parsed = parse_seconds(text + " s");
    }
    const auto* seconds = std::get_if<0>(&parsed);
    if (seconds == nullptr || !(seconds->count() > 0)) {
        throw InputError("--point-timeout: expected a time such as 30s or 2min, found '" + text +
                         "'");
    }
    return std::chrono::duration<double>(seconds->count());
}

/// What the options of the command line set in the sweep's base.
std::vector<std::string> base_of(const CommandLine& command) {
    std::vector<std::string> base = command.set;
    for (const auto& [key, value] :
         {std::pair("engine", command.engine), std::pair("effort", command.effort)}) {
        if (value) {
            base.push_back(std::string(key) + "=" + *value);
        }
    }
    return base;
}

LoadedSweep load(const CommandLine& command, const Configs& configs) {
    std::optional<Engine> then;
    if (command.then) {
        then = parse_engine(*command.then);
    } else if (command.top) {
        throw InputError("--top: expected --then ENGINE with it");
    }
    const std::int64_t top = command.top ? positive("--top", *command.top) : (then ? kUsualTop : 0);
    return load_sweep_file(command.words.front(), base_of(command), then, top, configs);
}

SweepOptions options_of(const CommandLine& command, const LoadedSweep& loaded) {
    SweepOptions options;
    options.out = command.out.value_or((fs::path("results") / loaded.sweep.name).string());
    for (const std::string& folder : command.reuse) {
        if (!read_manifest(folder)) {
            throw InputError("--reuse: '" + folder + "' holds no results of a sweep");
        }
        options.reuse.emplace_back(folder);
    }
    options.pool.jobs = processors();
    if (command.jobs) {
        const std::int64_t jobs = positive("--jobs", *command.jobs);
        if (jobs > kMostJobs) {
            throw InputError("--jobs: expected at most " + std::to_string(kMostJobs));
        }
        options.pool.jobs = static_cast<int>(jobs);
    }
    if (command.point_timeout) {
        options.pool.point_timeout = time_limit(*command.point_timeout);
    }
    options.pool.cancelled = interrupted;
    return options;
}

/// "9 x 3 x 2 = 54 points; about 3 s on 2 processes".
std::string size_text(const LoadedSweep& loaded, const Configs& configs, int jobs,
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
    const auto estimate =
        left > 0 ? estimate_time(loaded, configs, left, jobs) : std::chrono::duration<double>(0);
    return text + "; " +
           (estimate ? "about " + rough_time(estimate->count()) : "more than can be told soon") +
           " on " + std::to_string(jobs) + (jobs == 1 ? " process" : " processes");
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

int collect_command(const CommandLine& command, Start started) {
    if (command.words.size() != 2) {
        throw InputError("sweep collect: expected one folder of a sweep's results");
    }
    const fs::path folder = command.words[1];
    const LoadedSweep loaded = load_folder(folder);
    collect(loaded, folder);
    return tell_end(loaded, folder, std::nullopt, started);
}

/// The output must not be one of the inputs' folders' files: a sweep writes into a folder of its
/// own.
void refuse_foreign_folder(const fs::path& folder) {
    std::error_code failure;
    if (fs::exists(folder, failure) && !fs::is_directory(folder, failure)) {
        throw InputError("--out: '" + folder.string() + "' is no folder");
    }
    if (fs::is_directory(folder, failure) && !fs::is_empty(folder, failure) &&
        !fs::exists(folder / "sweep.json", failure) && !fs::exists(folder / "lock", failure)) {
        throw InputError("--out: '" + folder.string() +
                         "' holds something else than a sweep's results");
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
    if (command.words.size() > 1) {
        throw InputError("sweep: expected one sweep file, found '" + command.words[1] + "' too");
    }
    LoadedSweep loaded = load(command, configs);
    const SweepOptions options = options_of(command, loaded);
    if (command.status) {
        loaded = load_folder(options.out);
        show_status(loaded, options.out);
        return 0;
    }
    if (command.dry_run) {
        check_sweep(loaded, configs, options.pool);
        print_result(loaded.sweep.name + ": " +
                     size_text(loaded, configs, options.pool.jobs,
                               loaded.sweep.search ? std::min(loaded.sweep.search->budget,
                                                              loaded.sweep.space.size())
                                                   : loaded.sweep.space.size()) +
                     "\n");
        return 0;
    }
    refuse_foreign_folder(options.out);
    const std::int64_t found = run_sweep(loaded, configs, options, [&](std::int64_t left) {
        std::cerr << "memwall: " << loaded.sweep.name << ": "
                  << size_text(loaded, configs, options.pool.jobs, left) << "\n";
    });
    return tell_end(loaded, options.out, found, started);
}

}  // namespace memwall
