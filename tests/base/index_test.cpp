// SPDX-License-Identifier: Apache-2.0
#include "base/index.hpp"

#include <catch2/catch.hpp>
#include <concepts>

using namespace memwall;

namespace {
using Fruit = Index<struct FruitTag>;
using Stone = Index<struct StoneTag>;
static_assert(std::equality_comparable<Fruit>);
static_assert(!std::equality_comparable_with<Fruit, Stone>, "indices of two tables never mix");
static_assert(!std::convertible_to<int, Fruit>);
static_assert(!std::convertible_to<Fruit, Stone>);
}  // namespace

TEST_CASE("An index is none until it has a position") {
    CHECK_FALSE(Fruit().valid());
    CHECK(Fruit(std::size_t{0}).valid());
    CHECK(Fruit(std::size_t{7}).position() == 7);
    CHECK(Fruit(std::size_t{1}) < Fruit(std::size_t{2}));
}
