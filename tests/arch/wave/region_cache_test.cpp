// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/region_cache.hpp"

#include <catch2/catch.hpp>

using namespace memwall;

namespace {

const TensorId kA(std::size_t{0});
const TensorId kB(std::size_t{1});

}  // namespace

TEST_CASE("a region that was read or written and fits is read again at no cost") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    cache.read(kA, 0, Bytes(40), traffic);
    cache.write(kB, 0, Bytes(60), traffic);
    CHECK(traffic.missed == Bytes(40));
    cache.read(kA, 0, Bytes(40), traffic);
    cache.read(kB, 0, Bytes(60), traffic);
    CHECK(traffic.missed == Bytes(40));
    CHECK(traffic.written.empty());
    CHECK(cache.held() == Bytes(100));
}

TEST_CASE("the least recently used region goes first, and goes back where it was written") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    cache.write(kA, 0, Bytes(40), traffic);
    cache.write(kA, 1, Bytes(40), traffic);
    cache.read(kA, 0, Bytes(40), traffic);  // part 1 is the oldest now
    cache.read(kB, 0, Bytes(40), traffic);
    CHECK(traffic.written.at(kA) == 40);
    CHECK(traffic.missed == Bytes(40));
    cache.read(kA, 0, Bytes(40), traffic);
    CHECK(traffic.missed == Bytes(40));
    cache.read(kA, 1, Bytes(40), traffic);
    CHECK(traffic.missed == Bytes(80));
}

TEST_CASE("a scan of more than the cache holds hits nothing when it begins again") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    for (int scan = 0; scan < 2; ++scan) {
        for (std::int64_t part = 0; part < 11; ++part) {
            cache.read(kA, part, Bytes(10), traffic);
        }
    }
    CHECK(traffic.missed == Bytes(220));
}

TEST_CASE("what is dropped is never written back, what is cleaned is written once") {
    RegionCache cache(Bytes(100));
    CacheTraffic traffic;
    cache.write(kA, 0, Bytes(50), traffic);
    cache.write(kB, 0, Bytes(50), traffic);
    cache.drop(kA);
    cache.clean(kB, traffic);
    cache.clean(kB, traffic);
    CHECK(traffic.written.size() == 1);
    CHECK(traffic.written.at(kB) == 50);
    cache.read(kA, 0, Bytes(50), traffic);
    CHECK(traffic.missed == Bytes(50));
}

TEST_CASE("a region larger than the cache passes by") {
    RegionCache cache(Bytes(10));
    CacheTraffic traffic;
    cache.read(kA, 0, Bytes(20), traffic);
    cache.write(kA, 0, Bytes(20), traffic);
    CHECK(traffic.missed == Bytes(20));
    CHECK(traffic.written.at(kA) == 20);
    CHECK(cache.held() == Bytes(0));
}
