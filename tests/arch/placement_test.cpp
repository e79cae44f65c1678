// SPDX-License-Identifier: Apache-2.0
#include "arch/placement.hpp"

#include <catch2/catch.hpp>

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

}  // namespace memwall
