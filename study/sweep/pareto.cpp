// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/pareto.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace memwall {
namespace {

/// A front that grows in the order of its points' costs.
class GrowingFront {
public:
    [[nodiscard]] bool dominates_some_of(const Costs& costs) const {
        if (costs.size() == 2) {
            // All members come earlier in the order: the last one has the least second cost.
            return dominates(*members_.back(), costs);
        }
        return std::any_of(members_.rbegin(), members_.rend(),
                           [&](const Costs* member) { return dominates(*member, costs); });
    }
    void add(const Costs& costs) { members_.push_back(&costs); }

private:
    std::vector<const Costs*> members_;
};

}  // namespace

bool dominates(const Costs& a, const Costs& b) {
    bool better = false;
    for (std::size_t c = 0; c < a.size(); ++c) {
        if (a[c] > b[c]) {
            return false;
        }
        better = better || a[c] < b[c];
    }
    return better;
}

std::vector<std::size_t> pareto_fronts(const std::vector<Costs>& points) {
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return points[a] < points[b]; });
    std::vector<GrowingFront> fronts;
    std::vector<std::size_t> front_of(points.size());
    for (const std::size_t point : order) {
        // A point that front f dominates is dominated by all fronts before it too.
        const auto found = std::partition_point(
            fronts.begin(), fronts.end(),
            [&](const GrowingFront& front) { return front.dominates_some_of(points[point]); });
        const auto front = static_cast<std::size_t>(found - fronts.begin());
        if (front == fronts.size()) {
            fronts.emplace_back();
        }
        fronts[front].add(points[point]);
        front_of[point] = front + 1;
    }
    return front_of;
}

std::vector<double> crowding_distances(const std::vector<Costs>& front) {
    std::vector<double> distances(front.size(), 0);
    std::vector<std::size_t> order(front.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t cost = 0; !front.empty() && cost < front[0].size(); ++cost) {
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return front[a][cost] < front[b][cost];
        });
        const double range = front[order.back()][cost] - front[order.front()][cost];
        distances[order.front()] = distances[order.back()] =
            std::numeric_limits<double>::infinity();
        for (std::size_t i = 1; range > 0 && i + 1 < order.size(); ++i) {
            distances[order[i]] += (front[order[i + 1]][cost] - front[order[i - 1]][cost]) / range;
        }
    }
    return distances;
}

}  // namespace memwall
