// SPDX-License-Identifier: Apache-2.0
#include "study/sweep_options.hpp"

#include <unistd.h>

#include "base/parse.hpp"
#include "study/interrupt.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kUsualTop = 10;
constexpr int kMostJobs = 1024;

int processors() {
    const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? static_cast<int>(count) : 1;
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

}  // namespace

std::int64_t positive_option(const char* option, const std::string& text) {
    const std::int64_t count = parse_count_option(option, text);
    if (count < 1) {
        throw InputError(std::string(option) + ": expected a number from 1 on, found '" + text +
                         "'");
    }
    return count;
}

LoadedSweep sweep_of(const CommandLine& command, const Configs& configs) {
    std::optional<Engine> then;
    if (command.then) {
        then = parse_engine(*command.then);
    } else if (command.top) {
        throw InputError("--top: expected --then ENGINE with it");
    }
    const std::int64_t top =
        command.top ? positive_option("--top", *command.top) : (then ? kUsualTop : 0);
    return load_sweep_file(command.words.front(), base_of(command), then, top, configs);
}

fs::path folder_of(const CommandLine& command, const Configs& configs) {
    if (command.out) {
        return *command.out;
    }
    InputFiles files;
    const YamlValue tree =
        read_config(configs.find(ConfigKind::experiment, command.words.front()), "sweep", files);
    const YamlValue* name = tree.find("sweep");
    return fs::path("results") / (name == nullptr ? "" : name->text());
}

SweepOptions sweep_options(const CommandLine& command, const std::string& sweep) {
    SweepOptions options;
    options.out = command.out.value_or((fs::path("results") / sweep).string());
    for (const std::string& folder : command.reuse) {
        if (!read_manifest(folder)) {
            throw InputError("--reuse: '" + folder + "' holds no results of a sweep");
        }
        options.reuse.emplace_back(folder);
    }
    options.pool.jobs = processors();
    if (command.jobs) {
        const std::int64_t jobs = positive_option("--jobs", *command.jobs);
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

}  // namespace memwall
