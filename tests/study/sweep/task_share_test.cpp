// SPDX-License-Identifier: Apache-2.0
// How the tasks of a job array share the points of a sweep.
#include "study/sweep/task_share.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <numeric>
#include <set>

#include "tests/support/draw.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;

namespace {

std::vector<std::int64_t> numbers(std::int64_t count) {
    std::vector<std::int64_t> list(static_cast<std::size_t>(count));
    std::iota(list.begin(), list.end(), std::int64_t{0});
    return list;
}

}  // namespace

TEST_CASE("a task asks for its own blocks forwards, then for those of the others from their end") {
    CHECK(block_order(7, {1, 3, 1}) == std::vector<std::int64_t>{2, 3, 6, 5, 4, 1, 0});
    CHECK(block_order(2, {0, 3, 1}) == std::vector<std::int64_t>{0, 1});
    CHECK(block_order(0, {0, 3, 1}).empty());
}

TEST_CASE("every task asks for every block once, whatever their numbers") {
    for (int tasks = 1; tasks < 9; ++tasks) {
        for (std::int64_t blocks = 0; blocks < 30; ++blocks) {
            for (int task = 0; task < tasks; ++task) {
                std::vector<std::int64_t> order = block_order(blocks, {task, tasks, 1});
                std::sort(order.begin(), order.end());
                CHECK(order == numbers(blocks));
            }
        }
    }
}

TEST_CASE(
    "blocks are many more than processes where there are points enough, and never too large") {
    CHECK(block_size(10, {0, 4, 2}) == 1);
    CHECK(block_size(12'800, {0, 4, 2}) == 100);
    CHECK(block_size(100'000'000, {0, 4, 2}) == 256);
}

TEST_CASE("a claim is granted once, and again only to its own task") {
    const TemporaryFolder folder;
    BlockClaims first(folder.path() / "claims", "task 0");
    BlockClaims second(folder.path() / "claims", "task 1");
    CHECK(first.take(3));
    CHECK_FALSE(second.take(3));
    CHECK(BlockClaims(folder.path() / "claims", "task 0").take(3));  // as after a requeue
    CHECK(second.take(4));
    CHECK_FALSE(first.take(4));
}

TEST_CASE("tasks that take turns at random get every wanted point once and no other") {
    test::Draw draw(11);
    for (int round = 0; round < 20; ++round) {
        const TemporaryFolder folder;
        const int tasks = 1 + static_cast<int>(draw(0, 4));
        const std::int64_t points = draw(0, 199);
        const auto wanted = [](std::int64_t point) { return point % 7 != 3; };
        std::vector<std::unique_ptr<BlockClaims>> claims;
        std::vector<PointSource> sources;
        for (int task = 0; task < tasks; ++task) {
            claims.push_back(std::make_unique<BlockClaims>(folder.path() / "claims",
                                                           "task " + std::to_string(task)));
            sources.push_back(
                shared_points(numbers(points), {task, tasks, 1}, *claims.back(), wanted));
        }
        std::multiset<std::int64_t> given;
        while (!sources.empty()) {
            const auto turn =
                static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(sources.size()) - 1));
            if (const auto point = sources[turn]()) {
                given.insert(*point);
            } else {
                sources.erase(sources.begin() + static_cast<std::ptrdiff_t>(turn));
            }
        }
        std::multiset<std::int64_t> expected;
        for (const std::int64_t point : numbers(points)) {
            if (wanted(point)) {
                expected.insert(point);
            }
        }
        CHECK(given == expected);
    }
}
