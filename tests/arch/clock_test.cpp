// SPDX-License-Identifier: Apache-2.0
#include "arch/clock.hpp"

#include <catch2/catch.hpp>
#include <cstdint>

#include "tests/support/draw.hpp"

namespace memwall {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kSecond = 1'000'000'000'000;  // picoseconds

/// Edge n at f Hz lies at t: no whole number of picoseconds is nearer to n / f.
bool is_nearest(std::int64_t t, std::int64_t n, std::int64_t f) {
    const Wide error = 2 * (static_cast<Wide>(t) * f - static_cast<Wide>(n) * kSecond);
    return -f < error && error <= f;  // half a picosecond is rounded up
}

}  // namespace

TEST_CASE("Edges of any clock lie at the nearest picosecond, and the first after a time is found") {
    for (std::uint32_t seed = 1; seed <= 400; ++seed) {
        test::Draw draw(seed);
        const std::int64_t megahertz = draw(1, 3'000) * 1'000'000;
        const std::int64_t f = seed % 3 == 0 ? draw(1, 2'000'000'000) : megahertz;
        // Some so late that products no longer fit 64 bits, but times still do.
        const std::int64_t n = draw(0, 1'000'000) * (seed % 2 == 0 ? 1 : f);
        INFO(f << " Hz, edge " << n);
        const ClockDomain clock("clock", Hertz(f));
        const Picoseconds time = clock.time_of(Cycles(n));
        CHECK(is_nearest(time.count(), n, f));
        CHECK(clock.edge_at_or_after(time) == Cycles(n));
        CHECK(clock.edge_at_or_after(time + Picoseconds(1)) == Cycles(n + 1));
        CHECK(clock.after(time, Cycles(3)) == clock.time_of(Cycles(n + 3)));
        CHECK(clock.time_of(Cycles(n) + clock.edge_at_or_after(clock.edges_repeat_after())) ==
              time + clock.edges_repeat_after());
    }
}

}  // namespace memwall
