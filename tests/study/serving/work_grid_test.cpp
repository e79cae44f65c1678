// SPDX-License-Identifier: Apache-2.0
#include "study/serving/work_grid.hpp"

#include <catch2/catch.hpp>
#include <utility>

using namespace memwall;

TEST_CASE("A grid gives what was run, straight lines between, and runs what it needs") {
    std::vector<std::pair<std::int64_t, std::int64_t>> run;
    WorkGrid grid({1, 4, 8}, {100, 200}, [&](std::int64_t users, std::int64_t tokens) {
        run.emplace_back(users, tokens);
        return std::vector<double>{static_cast<double>(users * tokens)};
    });
    CHECK(grid.at(4, 100)[0] == 400);
    CHECK(run.size() == 1);
    CHECK(grid.at(2, 150)[0] == Approx(300));  // a product is straight in each of its factors
    CHECK(grid.at(8, 200)[0] == 1600);
    CHECK(grid.at(8, 200)[0] == 1600);
    CHECK(run.size() == 5);
    CHECK(grid.runs() == 5);
}

TEST_CASE("A check runs the middle of what was used most and tells how far it is missed") {
    WorkGrid grid({2, 4}, {10, 30, 70}, [](std::int64_t users, std::int64_t tokens) {
        const auto t = static_cast<double>(tokens);
        return std::vector<double>{static_cast<double>(users), t * t};
    });
    grid.at(3, 20);
    grid.at(3, 50);
    grid.at(3, 60);
    const std::vector<GridCheck> one = grid.check(1);
    REQUIRE(one.size() == 1);
    CHECK(one[0].users == 3);
    CHECK(one[0].tokens == 50);
    CHECK(one[0].error == Approx((900.0 + 4900) / 2 / 2500 - 1));  // of the second value
    CHECK(grid.check(5).size() == 2);
}

TEST_CASE("Cells that are missed are divided along what their lines miss") {
    std::vector<std::pair<std::int64_t, std::int64_t>> run;
    WorkGrid grid({2, 10}, {10, 30}, [&](std::int64_t users, std::int64_t tokens) {
        run.emplace_back(users, tokens);
        return std::vector<double>{static_cast<double>(users * users + tokens)};
    });
    // At (6, 20) the lines say 72 and the model 56; at (6, 10) 62 and 46; at (2, 20) both 24.
    grid.at(4, 20);
    const std::vector<GridCheck> first = grid.check(1);
    CHECK(first[0].error == Approx(16.0 / 56));
    CHECK(!grid.refine(first, 0.3));
    REQUIRE(grid.refine(first, 0.02));
    CHECK(grid.at(6, 10)[0] == 46);
    CHECK(run.size() == 7);  // four corners, the middle, and one on each side of the cell
    CHECK(grid.at(6, 20)[0] == 56);
    CHECK(run.size() == 8);  // on the line from (6, 10) to (6, 30)
    grid.at(4, 20);
    const std::vector<GridCheck> second = grid.check(1);
    CHECK(second[0].users == 4);
    CHECK(second[0].error == Approx(4.0 / 36));
    CHECK(grid.runs() == static_cast<std::int64_t>(run.size()));
}

TEST_CASE("What was run itself needs no check") {
    WorkGrid grid({1, 2}, {10, 11}, [](std::int64_t users, std::int64_t tokens) {
        return std::vector<double>{static_cast<double>(users + tokens)};
    });
    grid.at(1, 10);
    grid.at(2, 11);
    CHECK(grid.check(5).empty());
    grid.at(1, 10.5);  // no whole number of tokens lies inside
    CHECK(grid.check(5).empty());
    CHECK(doubling_counts(1, 1) == std::vector<std::int64_t>{1});
    CHECK(doubling_counts(3, 20) == std::vector<std::int64_t>{3, 6, 12, 20});
}
