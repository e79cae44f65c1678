// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "study/sweep/point_runner.hpp"
#include "study/sweep/sweep_run.hpp"

namespace memwall {
namespace {

using Clock = std::chrono::steady_clock;
using Span = std::chrono::duration<double>;

/// After this share of the patience no further point is begun.
constexpr double kShareToBegin = 0.2;
constexpr std::int64_t kMostTried = 9;

/// Points spread over the sweep: both ends, the middle, then the middles of what lies between.
std::vector<std::int64_t> points_to_try(std::int64_t size) {
    std::vector<std::int64_t> points;
    const auto add = [&](std::int64_t point) {
        if (std::find(points.begin(), points.end(), point) == points.end()) {
            points.push_back(point);
        }
    };
    add(size - 1);
    add(0);
    for (std::int64_t parts = 2; parts < kMostTried; parts *= 2) {
        for (std::int64_t part = 1; part < parts; part += 2) {
            add(size * part / parts);
        }
    }
    return points;
}

/// Runs a point; its totals are the seconds that it takes.
Record try_point(PointRunner& runner, std::int64_t point) {
    const auto start = Clock::now();
    Record record = runner.run(point, std::nullopt);
    record.totals = fmt::format("{:.9f}", Span(Clock::now() - start).count());
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
    const auto last_begin =
        start + std::chrono::duration_cast<Clock::duration>(patience * kShareToBegin);
    const auto overdue = [&] { return Clock::now() - start > patience; };
    PoolOptions pool = options;
    pool.in_hand = 1;  // so that what was handed out has begun
    pool.cancelled = [&] { return options.cancelled() || overdue(); };
    PointRunner runner(loaded.sweep, configs);
    runner.warm_up(to_try.front(), std::nullopt);
    try {
        run_points(
            [&]() -> std::optional<std::int64_t> {
                const Clock::time_point now = Clock::now();
                if (next == to_try.end() || (!trials.empty() && now >= last_begin)) {
                    return std::nullopt;
                }
                trials[*next].begun = now;
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
        std::any_of(trials.begin(), trials.end(), [](const auto& t) { return !t.second.took; });
    return estimate;
}

}  // namespace memwall
