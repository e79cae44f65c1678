// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/csv.hpp"
#include "study/sweep/metrics.hpp"
#include "study/sweep/point_runner.hpp"
#include "study/sweep/sweep_run.hpp"

namespace memwall {
namespace {

using Clock = std::chrono::steady_clock;
using Span = std::chrono::duration<double>;

// Rules of thumb for people, not measured here: what a run in SystemC costs above the analytic one.
constexpr double kSecondsAStep = 1e-6;
constexpr double kSecondsAChild = 2e-3;

/// A point of each end and one between.
std::vector<std::int64_t> points_to_try(std::int64_t size) {
    std::vector<std::int64_t> points = {size - 1, size / 2, 0};
    points.erase(std::unique(points.begin(), points.end()), points.end());
    return points;
}

/// Runs a point by the analytic engine; its totals are the seconds that it takes by its own one.
Record try_point(PointRunner& runner, std::int64_t point) {
    const bool replayed = runner.instantiate(point, std::nullopt).run.engine == Engine::systemc;
    const auto start = Clock::now();
    Record record = runner.run(point, Engine::analytic);
    double took = Span(Clock::now() - start).count();
    const std::string steps = csv_cells(record.totals).at(total_index("steps"));
    if (replayed && !steps.empty()) {
        took += kSecondsAChild + kSecondsAStep * std::stod(steps);
    }
    record.totals = fmt::format("{:.9f}", took);
    return record;
}

/// What is known of a point that was begun.
struct Trial {
    Clock::time_point begun;
    std::optional<Span> took;  ///< none where it did not end
};

/// Of the tried points; one that did not end counts with the time that it had.
Span mean_time(const std::map<std::int64_t, Trial>& trials, Clock::time_point end) {
    Span sum{0};
    for (const auto& [point, trial] : trials) {
        sum += trial.took.value_or(end - trial.begun);
    }
    return sum / static_cast<double>(trials.size());
}

}  // namespace

SweepEstimate estimate_sweep(const LoadedSweep& loaded, const Configs& configs, std::int64_t points,
                             const PoolOptions& options, Span patience) {
    const std::vector<std::int64_t> to_try = points_to_try(loaded.sweep.space.size());
    auto next = to_try.begin();
    std::map<std::int64_t, Trial> trials;
    std::map<std::int64_t, std::string> failing;
    const Clock::time_point start = Clock::now();
    const auto overdue = [&] { return Clock::now() - start > patience; };
    PoolOptions pool = options;
    pool.in_hand = 1;  // so that what was handed out has begun
    pool.cancelled = [&] { return options.cancelled() || overdue(); };
    PointRunner runner(loaded.sweep, configs);
    try {
        run_points(
            [&]() -> std::optional<std::int64_t> {
                if (next == to_try.end()) {
                    return std::nullopt;
                }
                trials[*next].begun = Clock::now();
                return *next++;
            },
            [&](std::int64_t point) { return try_point(runner, point); },
            [&](const Record& record) {
                if (record.cause == FailureCause::timeout) {
                    trials.at(record.point).took = options.point_timeout;
                } else if (record.cause == FailureCause::killed) {
                    trials.at(record.point).took = Clock::now() - trials.at(record.point).begun;
                } else {
                    trials.at(record.point).took = Span(std::stod(record.totals));
                }
                if (record.cause == FailureCause::input) {
                    failing[record.point] = record.reason;
                }
            },
            pool);
    } catch (const Interrupted&) {
        if (!overdue() || options.cancelled()) {
            throw;
        }
    }
    SweepEstimate estimate;
    for (const auto& [point, reason] : failing) {
        estimate.failing.push_back("point " + std::to_string(point) + " fails (" +
                                   values_text(loaded.sweep.space.at(point)) + "): " + reason);
    }
    const std::int64_t turns = (points + options.jobs - 1) / options.jobs;
    estimate.time = mean_time(trials, Clock::now()) * static_cast<double>(turns);
    estimate.at_least =
        trials.size() < to_try.size() ||
        std::any_of(trials.begin(), trials.end(), [](const auto& t) { return !t.second.took; });
    return estimate;
}

}  // namespace memwall
