// SPDX-License-Identifier: Apache-2.0
// Pareto fronts: which points no other point beats in every objective.
#pragma once

#include <cstddef>
#include <vector>

namespace memwall {

/// Of one point, less is better in each. All points have as many.
using Costs = std::vector<double>;

/// Whether `a` is nowhere worse than `b` and somewhere better.
bool dominates(const Costs& a, const Costs& b);

/// The front of each point: 1 for those that nobody dominates, 2 for those that only points of
/// front 1 do, ... By efficient non-dominated sorting with binary search (Zhang, Tian, Cheng, Jin:
/// An efficient approach to nondominated sorting for evolutionary multiobjective optimization, IEEE
/// Transactions on Evolutionary Computation 19(2), 2015).
std::vector<std::size_t> pareto_fronts(const std::vector<Costs>& points);

/// How far the neighbours of each point of one front are, all objectives scaled to the front's own
/// range; the ends of the front are infinitely far (Deb and others, 2002; see nsga2.hpp).
std::vector<double> crowding_distances(const std::vector<Costs>& front);

}  // namespace memwall
