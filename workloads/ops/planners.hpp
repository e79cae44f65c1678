// SPDX-License-Identifier: Apache-2.0
// Planners of primitives with their keys given, for composites that are made of them.
#pragma once

#include <cstdint>

#include "workloads/ops/op.hpp"

namespace memwall::ops {

// linear.cpp
Planner linear_planner(std::int64_t out_features, bool bias);
// elementwise.cpp
Planner add_planner();
// copy.cpp: [begin, end) along an axis.
Planner slice_planner(std::int64_t axis, std::int64_t begin, std::int64_t end);
// rename.cpp
Planner concat_planner(std::int64_t axis);

}  // namespace memwall::ops
