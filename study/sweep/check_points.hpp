// SPDX-License-Identifier: Apache-2.0
// Makes every point of a sweep before any is run, so that a fault shows in the first minute and not
// in the last.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "study/sweep/point_runner.hpp"
#include "study/sweep/worker_pool.hpp"

namespace memwall {

/// Throws InputError with the faults of the first points that have some, each told once. Where a
/// search chooses the points, every value of every axis is made once, and not every combination.
/// Gives the keys of all points, in order, if `keys` says so; else nothing. `shown` is told the
/// fraction that is done.
std::vector<std::string> check_points(const Sweep& sweep, const Configs& configs, bool keys,
                                      const PoolOptions& options,
                                      const std::function<void(double)>& shown);

/// The points that such a check makes.
std::vector<std::int64_t> points_of_each_value(const PointSpace& space);

}  // namespace memwall
