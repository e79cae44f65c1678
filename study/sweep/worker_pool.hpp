// SPDX-License-Identifier: Apache-2.0
// Worker processes that run the points of a sweep, each one after another, handed out as they come
// free.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "study/sweep/record.hpp"

namespace memwall {

struct PoolOptions {
    int jobs = 1;
    /// How many points a worker holds at a time: the one that it runs, and those that it need not
    /// wait for then. With 1, a point begins when it is handed out.
    std::size_t in_hand = 2;
    /// After how long a point is given up; none: never.
    std::optional<std::chrono::duration<double>> point_timeout;
    /// Asked now and then; true ends the workers, and run_points() throws Interrupted.
    std::function<bool()> cancelled = [] { return false; };
    /// Called now and then while nothing else happens.
    std::function<void()> idle = [] {};
};

/// The next point to run, nullopt when there are no more.
using PointSource = std::function<std::optional<std::int64_t>()>;

/// Calls `work` for every point in one of `options.jobs` forked processes, and `done` here, in this
/// process, as records come back, in any order. A worker that dies is replaced: the point that it
/// was at is tried once more, then recorded as killed; so is a point whose record says killed.
/// Workers die with this process, which must have no other threads. What `done` throws ends the
/// workers and is thrown on.
void run_points(const PointSource& next, const std::function<Record(std::int64_t point)>& work,
                const std::function<void(const Record&)>& done, const PoolOptions& options);

}  // namespace memwall
