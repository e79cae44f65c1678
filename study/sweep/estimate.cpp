// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/csv.hpp"
#include "study/sweep/metrics.hpp"
#include "study/sweep/point_runner.hpp"
#include "study/sweep/sweep_run.hpp"

namespace memwall {

SweepEstimate estimate_sweep(const LoadedSweep& loaded, const Configs& configs, std::int64_t points,
                             int jobs) {
    using Span = std::chrono::duration<double>;
    constexpr Span kPatience{20};
    // A rule of thumb for people, not measured here: what a step of the replay costs.
    constexpr double kSecondsAStep = 1e-6;
    constexpr double kSecondsAChild = 2e-3;
    const std::int64_t size = loaded.sweep.space.size();
    std::vector<std::int64_t> probes = {0, size / 2, size - 1};
    probes.erase(std::unique(probes.begin(), probes.end()), probes.end());
    const std::size_t count = probes.size();
    PoolOptions pool;
    pool.point_timeout = kPatience;
    PointRunner runner(loaded.sweep, configs);
    std::vector<double> seconds;
    std::map<std::int64_t, std::string> failing;
    run_points(
        [&]() -> std::optional<std::int64_t> {
            if (probes.empty()) {
                return std::nullopt;
            }
            const std::int64_t point = probes.back();
            probes.pop_back();
            return point;
        },
        [&](std::int64_t point) {
            const bool replayed =
                runner.instantiate(point, std::nullopt).run.engine == Engine::systemc;
            const auto start = std::chrono::steady_clock::now();
            Record record = runner.run(point, Engine::analytic);
            double took = Span(std::chrono::steady_clock::now() - start).count();
            const std::string steps = csv_cells(record.totals).at(total_index("steps"));
            if (replayed && !steps.empty()) {
                took += kSecondsAChild + kSecondsAStep * std::stod(steps);
            }
            record.totals = fmt::format("{:.9f}", took);
            return record;
        },
        [&](const Record& record) {
            if (record.cause != FailureCause::timeout && record.cause != FailureCause::killed) {
                seconds.push_back(std::stod(record.totals));
            }
            if (record.cause == FailureCause::input) {
                failing[record.point] = record.reason;
            }
        },
        pool);
    SweepEstimate estimate;
    for (const auto& [point, reason] : failing) {
        estimate.failing.push_back("point " + std::to_string(point) + " fails (" +
                                   values_text(loaded.sweep.space.at(point)) + "): " + reason);
    }
    if (seconds.size() == count) {
        const double mean = std::accumulate(seconds.begin(), seconds.end(), 0.0) /
                            static_cast<double>(seconds.size());
        estimate.time = Span(mean * static_cast<double>(points) / std::max(jobs, 1));
    }
    return estimate;
}

}  // namespace memwall
