// SPDX-License-Identifier: Apache-2.0
// Runs a sweep from its file to its tables: checks it, runs what is missing, keeps what came out.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "study/configs.hpp"
#include "study/sweep/point_loader.hpp"
#include "study/sweep/store.hpp"
#include "study/sweep/sweep_folder.hpp"
#include "study/sweep/sweep_table.hpp"
#include "study/sweep/worker_pool.hpp"

namespace memwall {

/// A sweep that was read, with what it is made from.
struct LoadedSweep {
    Sweep sweep;
    Manifest manifest;
    std::vector<std::filesystem::path> inputs;
};

struct SweepOptions {
    std::filesystem::path out;
    std::vector<std::filesystem::path> reuse;
    PoolOptions pool;
    /// Checks, takes over what is known, writes the manifest, and stops before the first point.
    bool only_prepare = false;
};

struct SweepCounts {
    std::int64_t points = 0;  ///< of all that were asked for
    std::int64_t found = 0;   ///< were there already
    std::int64_t failed = 0;
    std::int64_t excluded = 0;
};

/// Throws InputError with all faults of the file, of the command line's settings, and of the files
/// that the sweep names. Points are not made yet.
LoadedSweep load_sweep_file(const std::string& name, const std::vector<std::string>& base,
                            std::optional<Engine> then, std::int64_t top, const Configs& configs);

/// Makes every point, without running one. Throws InputError with the faults.
void check_sweep(const LoadedSweep& loaded, const Configs& configs, const PoolOptions& pool);

/// What a few points tell of a sweep: both ends, the middle and, where they take little, some
/// between, run by their own engine on all processes.
struct SweepEstimate {
    std::chrono::duration<double> time{0};  ///< of all points
    bool at_least = false;                  ///< some of those few did not end in time
    std::vector<std::string> failing;       ///< a line for each that the machine has no room for
};
/// Of `points` points in the processes of `options`; takes `patience` at most. Throws Interrupted.
SweepEstimate estimate_sweep(
    const LoadedSweep& loaded, const Configs& configs, std::int64_t points,
    const PoolOptions& options,
    std::chrono::duration<double> patience = std::chrono::duration<double>(5));

/// The passes whose records count in the sweep's table.
std::vector<SweepPass> passes_of(const LoadedSweep& loaded, const std::filesystem::path& folder);
/// Where it stands, from its table alone.
SweepCounts counts_of(const LoadedSweep& loaded, const SweepTable& table);
/// The same as `memwall sweep collect`: results.csv and results.sqlite; with two passes also
/// first_pass.csv.
void collect(const LoadedSweep& loaded, const std::filesystem::path& folder);

/// Runs what is missing and collects. `begin` is told how many points are left to run, when all are
/// checked. Throws StoreError where the results cannot be kept, and Interrupted.
std::int64_t run_sweep(LoadedSweep& loaded, const Configs& configs, const SweepOptions& options,
                       const std::function<void(std::int64_t left)>& begin);

}  // namespace memwall
