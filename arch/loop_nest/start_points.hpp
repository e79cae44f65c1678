// SPDX-License-Identifier: Apache-2.0
// Where the descents of a search begin.
#pragma once

#include <vector>

#include "arch/loop_nest/nest_descent.hpp"

namespace memwall {

/// For the spatial choices that leave the fewest steps, as many as the budget asks for: the largest
/// tiles of some, and the smallest of all, in every order of loops, or in one where little may be
/// spent. All of them fit. Nothing where not even the smallest tiles do.
std::vector<NestPoint> start_points(NestDescent& descent);

}  // namespace memwall
