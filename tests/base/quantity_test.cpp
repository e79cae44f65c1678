// SPDX-License-Identifier: Apache-2.0
#include "base/quantity.hpp"

#include <catch2/catch.hpp>
#include <concepts>
#include <cstdint>
#include <limits>

#include "base/error.hpp"

using namespace memwall;

namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
    a + b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
    a < b;
};
template <class A, class B>
concept Dividable = requires(A a, B b) {
    a / b;
};

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSmallest = std::numeric_limits<std::int64_t>::min();

// What must not compile. That the checks themselves can be met shows in the first line of each.
static_assert(Addable<Bytes, Bytes>);
static_assert(!Addable<Bytes, Cycles>, "adding bytes to cycles must not compile");
static_assert(!Addable<Cycles, Picoseconds>);
static_assert(!Addable<Joules, Watts>);
static_assert(!Addable<Bytes, std::int64_t>, "a bare number has no unit");
static_assert(!Addable<Seconds, double>);
static_assert(Comparable<Bytes, Bytes>);
static_assert(!Comparable<Bytes, Cycles>);
static_assert(!Comparable<Bytes, std::int64_t>);
static_assert(Dividable<Joules, Seconds>);
static_assert(!Dividable<Seconds, Joules>);
static_assert(!std::convertible_to<std::int64_t, Bytes>, "a unit is always written out");
static_assert(!std::convertible_to<Bytes, std::int64_t>);
static_assert(std::constructible_from<Bytes, std::int64_t>);

}  // namespace

TEST_CASE("A quantity starts at zero and adds, subtracts and scales in its own unit") {
    CHECK(Bytes().count() == 0);
    CHECK(Bytes(768) + Bytes(256) == Bytes(1024));
    CHECK(Bytes(768) - Bytes(1024) == Bytes(-256));
    CHECK(Bytes(3) * 5 == Bytes(15));
    CHECK(5 * Bytes(3) == Bytes(15));
    CHECK(Joules(1.5) + Joules(0.25) == Joules(1.75));
    CHECK(Bytes(3) < Bytes(4));
    Cycles cycles(10);
    cycles += Cycles(5);
    cycles -= Cycles(1);
    CHECK(cycles == Cycles(14));
}

TEST_CASE("A ratio of two quantities of one unit is a bare number") {
    CHECK(ratio(Bytes(1), Bytes(4)) == 0.25);
    CHECK(ratio(Seconds(3), Seconds(1.5)) == 2.0);
}

TEST_CASE("Products and ratios of quantities have the unit that physics gives them") {
    CHECK(Joules(6) / Seconds(2) == Watts(3));
    CHECK(Watts(3) * Seconds(2) == Joules(6));
    CHECK(Seconds(2) * Watts(3) == Joules(6));
    CHECK(Bytes(900) / BytesPerSecond(300) == Seconds(3));
    CHECK(to_seconds(Picoseconds(2'500'000'000'000)).count() == Approx(2.5).epsilon(1e-15));
}

TEST_CASE("A count that leaves 64 bits is an internal error and never wraps") {
    CHECK(Bytes(kLargest - 1) + Bytes(1) == Bytes(kLargest));
    CHECK_THROWS_AS(Bytes(kLargest) + Bytes(1), InternalError);
    CHECK(Bytes(kSmallest + 1) - Bytes(1) == Bytes(kSmallest));
    CHECK_THROWS_AS(Bytes(kSmallest) - Bytes(1), InternalError);
    CHECK_THROWS_AS(Bytes(kLargest / 2 + 1) * 2, InternalError);
    CHECK_THROWS_WITH(checked_multiply(kLargest, 3), Catch::Contains("9223372036854775807 * 3"));
}

TEST_CASE("Ceiling division is the smallest quotient that covers the dividend") {
    for (std::int64_t a = 0; a <= 50; ++a) {
        for (std::int64_t b = 1; b <= 12; ++b) {
            const std::int64_t q = ceil_divide(a, b);
            CAPTURE(a, b, q);
            CHECK(q * b >= a);
            CHECK((q - 1) * b < a);
        }
    }
}
