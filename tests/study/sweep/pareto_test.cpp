// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/pareto.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "study/sweep/samples.hpp"

using namespace memwall;

namespace {

/// The definition: peel off what nobody dominates, again and again.
std::vector<std::size_t> peeled(const std::vector<Costs>& points) {
    std::vector<std::size_t> fronts(points.size(), 0);
    for (std::size_t front = 1, left = points.size(); left > 0; ++front) {
        std::vector<std::size_t> now;
        for (std::size_t p = 0; p < points.size(); ++p) {
            bool dominated = fronts[p] != 0;
            for (std::size_t q = 0; q < points.size() && !dominated; ++q) {
                dominated = fronts[q] == 0 && dominates(points[q], points[p]);
            }
            if (!dominated) {
                now.push_back(p);
            }
        }
        for (const std::size_t p : now) {
            fronts[p] = front;
        }
        left -= now.size();
    }
    return fronts;
}

}  // namespace

TEST_CASE("a point dominates another where it is nowhere worse and somewhere better") {
    CHECK(dominates({1, 2}, {1, 3}));
    CHECK_FALSE(dominates({1, 2}, {1, 2}));
    CHECK_FALSE(dominates({1, 3}, {2, 2}));
}

TEST_CASE("fronts are those of the definition, with two, three and four objectives") {
    SeededDraw draw(7);
    for (int round = 0; round < 60; ++round) {
        const auto objectives = static_cast<std::size_t>(2 + draw.below(3));
        std::vector<Costs> points(static_cast<std::size_t>(1 + draw.below(60)));
        for (Costs& point : points) {
            for (std::size_t o = 0; o < objectives; ++o) {
                point.push_back(static_cast<double>(draw.below(8)));  // with many equal ones
            }
        }
        CHECK(pareto_fronts(points) == peeled(points));
    }
    CHECK(pareto_fronts({}).empty());
}

TEST_CASE("crowding is the distance between neighbours, without end at the ends") {
    const std::vector<double> found = crowding_distances({{0, 10}, {1, 6}, {4, 5}, {10, 0}});
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(found[0] == infinity);
    CHECK(found[3] == infinity);
    CHECK(found[1] == Approx((4.0 - 0) / 10 + (10.0 - 5) / 10));
    CHECK(found[2] == Approx((10.0 - 1) / 10 + (6.0 - 0) / 10));
}
