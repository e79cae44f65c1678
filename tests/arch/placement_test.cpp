// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "arch/rows_by_step.hpp"

namespace memwall {

TEST_CASE("Tensors lie one behind the other at aligned addresses") {
    Allocator allocator(Bytes(100), Bytes(16));
    CHECK(allocator.allocate("a", Bytes(1)) == 0);
    CHECK(allocator.allocate("b", Bytes(16)) == 16);
    CHECK(allocator.allocate("c", Bytes(17)) == 32);
    CHECK(allocator.allocate("d", Bytes(4)) == 64);
    CHECK(allocator.missing() == Bytes(0));
    REQUIRE(allocator.allocations().size() == 4);
    CHECK(allocator.allocations()[2].name == "c");
    CHECK(allocator.allocations()[2].bytes == Bytes(17));
}

TEST_CASE("What does not fit still gets an address, and the missing bytes are told") {
    Allocator allocator(Bytes(100), Bytes(1));
    allocator.allocate("fits", Bytes(100));
    CHECK(allocator.missing() == Bytes(0));
    CHECK(allocator.allocate("does not", Bytes(30)) == 100);
    CHECK(allocator.missing() == Bytes(30));
}

TEST_CASE("Live bytes are the sums of the lifetimes that hold at each step") {
    const std::vector<Bytes> live =
        live_bytes({{0, 1, Bytes(5)}, {1, 3, Bytes(7)}, {3, 3, Bytes(2)}}, 5);
    CHECK(live == std::vector<Bytes>{Bytes(5), Bytes(12), Bytes(7), Bytes(9), Bytes(0)});
}

TEST_CASE("Lives that do not meet share a place; those that do, never") {
    // a 0-1, b 1-2 behind it, c 2-3 in a's place, d 1-3 behind b, e 3-3 in b's place.
    const SharedSpace space = share_space({{0, 1, Bytes(10)},
                                           {1, 2, Bytes(20)},
                                           {2, 3, Bytes(6)},
                                           {1, 3, Bytes(5)},
                                           {3, 3, Bytes(24)}},
                                          Bytes(8));
    CHECK(space.offsets == std::vector<std::int64_t>{0, 16, 0, 40, 8});
    CHECK(space.size == Bytes(45));
}

TEST_CASE(
    "What is placed by bits of rows lies where lists of rows put it, at the lowest free place") {
    std::mt19937 random(7);
    const auto below = [&](std::size_t end) { return random() % end; };
    for (const std::size_t steps : {1, 2, 5, 8, 37, 64, 100}) {
        RowBitsByStep bits(steps, 3);  // far fewer than are taken
        RowListsByStep lists(steps, 3);
        struct Placed {
            std::size_t first, last;
            std::int64_t row, rows;
        };
        std::vector<Placed> placed;
        for (int i = 0; i < 200; ++i) {
            const std::size_t first = below(steps);
            const std::size_t last =
                first + below(below(4) == 0 ? steps : std::min(steps, std::size_t{3}));
            const auto rows = static_cast<std::int64_t>(below(9) == 0 ? below(200) : below(6));
            const StepsOfLife life(first, last, steps);
            const std::int64_t row = bits.lowest_free(life, rows);
            REQUIRE(row == lists.lowest_free(life, rows));
            // Moved down to where any other ends, or to row 0, it meets one that lives when it
            // does.
            const auto meets = [&](std::int64_t at) {
                return std::any_of(placed.begin(), placed.end(), [&](const Placed& other) {
                    bool together = false;
                    for (std::size_t s = first; s <= last; ++s) {
                        for (std::size_t o = other.first; o <= other.last; ++o) {
                            together = together || s % steps == o % steps;
                        }
                    }
                    return together && at < other.row + other.rows && other.row < at + rows;
                });
            };
            REQUIRE(!meets(row));
            if (rows > 0) {
                REQUIRE((row == 0 || meets(0)));
                for (const Placed& other : placed) {
                    const std::int64_t lower = other.row + other.rows;
                    REQUIRE((lower >= row || meets(lower)));
                }
            }
            bits.take(life, row, rows);
            lists.take(life, row, rows);
            placed.push_back({first, last, row, rows});
        }
    }
}

TEST_CASE("Live bytes count a life that goes on in the next round at the begin of each") {
    CHECK(live_bytes({{2, 4, Bytes(5)}, {0, 0, Bytes(1)}}, 3) ==
          std::vector<Bytes>{Bytes(6), Bytes(5), Bytes(5)});
}

}  // namespace memwall
