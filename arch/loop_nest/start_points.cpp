// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/start_points.hpp"

#include <algorithm>
#include <limits>

namespace memwall {
namespace {

/// In all orders of loops that fit.
void add_ordered(const NestDescent& descent, const std::vector<LoopOrder>& orders, NestPoint point,
                 std::vector<NestPoint>& found) {
    for (const LoopOrder& order : orders) {
        point.set_order(order);
        if (descent.cost().fits(point)) {
            found.push_back(point);
        }
    }
}

/// Whether a point fits, with its loops in an order in which it does.
bool fits_in_some_order(NestDescent& descent, NestPoint& point) {
    const std::vector<LoopOrder>& orders = descent.space().orders();
    return std::any_of(orders.begin(), orders.end(), [&](const LoopOrder& order) {
        point.set_order(order);
        return descent.cost().fits(point);
    });
}

/// The smallest tiles of spatial choices with which some order fits: where sums are finished before
/// they go up, they need less room.
std::vector<NestPoint> smallest_tiles(NestDescent& descent) {
    constexpr std::size_t kTried = 1'000;  // that may not fit: blocks that lanes take in turns
    Mapspace& space = descent.space();
    const std::size_t most = descent.budget().starts;
    space.list_spatial(std::max<std::size_t>(2, most), false);
    std::vector<NestPoint> found;
    for (const auto& spatial : space.spatial_combinations(std::max(kTried, most))) {
        NestPoint point = space.smallest(spatial);
        if (fits_in_some_order(descent, point)) {
            found.push_back(point);
        }
        if (found.size() == most) {
            break;
        }
    }
    if (found.empty()) {
        // Nothing that uses the instances fits: one of each.
        space.list_spatial(std::numeric_limits<std::size_t>::max(), false);
        SpatialChoice none;
        none.parts.fill(1);
        const std::vector<const SpatialChoice*> alone(space.levels(), &none);
        found.push_back(space.smallest(alone));
    }
    return found;
}

/// The same point with one memory for each operand, in all ways: what keeps all of them everywhere
/// leaves less room for each, and single changes do not lead from one way to another.
std::vector<NestPoint> kept_once(NestDescent& descent, const NestPoint& point) {
    constexpr std::size_t kMostWays = 64;
    const Mapspace& space = descent.space();
    std::vector<NestPoint> found = {point};
    for (const std::size_t o : space.kept_alone()) {
        if (found.size() >= kMostWays) {
            break;
        }
        const std::uint32_t bit = descent.cost().keep_bit(o);
        std::vector<NestPoint> more;
        for (const NestPoint& before : found) {
            for (std::size_t keeper = 1; keeper < space.levels(); ++keeper) {
                if (!space.may_skip(keeper, o)) {
                    continue;
                }
                NestPoint next = before;
                for (std::size_t l = 1; l < space.levels(); ++l) {
                    if (l != keeper && space.may_skip(l, o)) {
                        next.keeps[l] &= ~bit;
                    }
                }
                more.push_back(next);
            }
        }
        found = more.empty() ? found : more;
    }
    return found;
}

/// The smallest tiles of each way to keep every operand in one memory alone, with the first of the
/// spatial choices with which they fit: more may lie side by side where operands skip a memory.
std::vector<NestPoint> smallest_kept_once(NestDescent& descent) {
    constexpr std::size_t kTried = 32;
    const Mapspace& space = descent.space();
    const auto combinations = space.spatial_combinations(kTried);
    std::vector<NestPoint> found;
    for (const NestPoint& way : kept_once(descent, space.smallest(combinations.front()))) {
        for (const auto& spatial : combinations) {
            NestPoint point = space.smallest(spatial);
            point.keeps = way.keeps;
            if (fits_in_some_order(descent, point)) {
                found.push_back(point);
                break;
            }
        }
    }
    return found;
}

}  // namespace

std::vector<NestPoint> start_points(NestDescent& descent) {
    const SearchBudget& budget = descent.budget();
    const std::vector<LoopOrder>& orders = descent.space().orders();
    const std::vector<NestPoint> smallest = smallest_tiles(descent);
    std::vector<NestPoint> found;
    const std::size_t grown = std::max<std::size_t>(1, budget.starts / 6);
    for (std::size_t i = 0; i < std::min(grown, smallest.size()); ++i) {
        for (const LoopOrder& order : orders) {
            found.push_back(descent.space().grown(smallest[i], order, budget.sizes));
        }
    }
    if (budget.fills_room && descent.space().levels() > 2) {
        for (const NestPoint& point : smallest_kept_once(descent)) {
            for (const LoopOrder& order : orders) {
                found.push_back(descent.space().grown(point, order, budget.sizes));
            }
        }
    }
    for (const NestPoint& point : smallest) {
        if (budget.pairs) {
            add_ordered(descent, orders, point, found);
        } else {
            found.push_back(point);
        }
    }
    return found;
}

}  // namespace memwall
