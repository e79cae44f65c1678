// SPDX-License-Identifier: Apache-2.0
#include "arch/dram_shares.hpp"

#include <catch2/catch.hpp>

namespace memwall {
namespace {

constexpr UnitId kReads = UnitId(std::size_t{0});
constexpr UnitId kWrites = UnitId(std::size_t{1});

TEST_CASE("A unit that uses the DRAM alone has all of it, one access after another") {
    DramShares shares(2, DramModel::banked);
    CHECK(shares.deliver(kReads, Picoseconds(0), Picoseconds(100)) == Picoseconds(100));
    CHECK(shares.deliver(kReads, Picoseconds(50), Picoseconds(100)) == Picoseconds(200));
    CHECK(shares.deliver(kWrites, Picoseconds(300), Picoseconds(10)) == Picoseconds(310));
}

TEST_CASE("A short access beside a long one takes twice its time, and the long one waits for it") {
    DramShares shares(2, DramModel::banked);
    shares.deliver(kReads, Picoseconds(0), Picoseconds(1000));
    CHECK(shares.deliver(kWrites, Picoseconds(100), Picoseconds(50)) == Picoseconds(200));
    // What the reading unit asks for next comes behind its own 1,000 and the 50 of the other.
    CHECK(shares.deliver(kReads, Picoseconds(900), Picoseconds(100)) == Picoseconds(1150));
}

TEST_CASE("A simple DRAM serves all of an access before the next, whose ever it is") {
    DramShares shares(2, DramModel::simple);
    CHECK(shares.deliver(kReads, Picoseconds(0), Picoseconds(1000)) == Picoseconds(1000));
    CHECK(shares.deliver(kWrites, Picoseconds(100), Picoseconds(50)) == Picoseconds(1050));
    CHECK(shares.deliver(kReads, Picoseconds(2000), Picoseconds(100)) == Picoseconds(2100));
}

TEST_CASE("Two units that never pause get the peak bandwidth between them, and no more") {
    DramShares shares(2, DramModel::banked);
    Picoseconds read;
    Picoseconds written;
    Picoseconds asked;
    for (int access = 0; access < 1000; ++access) {
        const bool reads = read <= written;  // whoever has its last data first asks again
        const Picoseconds time(reads ? 70 : 30);
        Picoseconds& done = reads ? read : written;
        done = shares.deliver(reads ? kReads : kWrites, done, time);
        asked += time;
    }
    CHECK(std::max(read, written) <= asked);
    CHECK(std::max(read, written) > asked - Picoseconds(2 * 70));
}

}  // namespace
}  // namespace memwall
