// SPDX-License-Identifier: Apache-2.0
// What stays in a cache that kernels share, from one to the next and inside of a product.
#include "arch/region_cache.hpp"

#include <catch2/catch.hpp>

#include "arch/wave/product_reads.hpp"

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
    CHECK(traffic.written_by_tensor().at(kA) == 40);
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
    CHECK(traffic.written_by_tensor().at(kB) == 50);
    cache.read(kA, 0, Bytes(50), traffic);
    CHECK(traffic.missed == Bytes(50));
}

TEST_CASE("a region larger than the cache passes by") {
    RegionCache cache(Bytes(10));
    CacheTraffic traffic;
    cache.read(kA, 0, Bytes(20), traffic);
    cache.write(kA, 0, Bytes(20), traffic);
    CHECK(traffic.missed == Bytes(20));
    CHECK(traffic.written_by_tensor().at(kA) == 20);
    CHECK(cache.held() == Bytes(0));
}

TEST_CASE("what the blocks of a product read of the DRAM, worked out by hand") {
    // 4 x 4 blocks, of which 4 run at a time. Strips of 100 bytes, of which 10 are under way.
    const ProductOperand operand = {4, 100, 400, 10};
    ProductGrid grid = {operand, operand, 0, 4};
    const auto reads = [&](double cache) {
        const ProductReads found = product_reads(grid, cache);
        return std::pair{found.left, found.right};
    };
    // Nothing is shared: 16 blocks read two strips each.
    CHECK(reads(1) == std::pair{1600.0, 1600.0});
    CHECK(reads(19) == std::pair{1600.0, 1600.0});
    // A row of two blocks shares its strip, or a column: three strips under way.
    CHECK(reads(30).first + reads(30).second == 2400);
    // Waves of 2 x 2: four waves read two strips of each.
    CHECK(reads(40) == std::pair{800.0, 800.0});
    CHECK(reads(399) == std::pair{800.0, 800.0});
    // What a wave reads stays until the next one, which needs its rows again.
    CHECK(reads(400) == std::pair{400.0, 800.0});
    // Waves of 4 x 1: all rows stay, and each column comes once.
    CHECK(reads(500) == std::pair{400.0, 400.0});
    CHECK(reads(1e9) == std::pair{400.0, 400.0});
    // What blocks write takes its place.
    grid.result = 25;
    CHECK(reads(499) == std::pair{800.0, 800.0});
    CHECK(reads(500) == std::pair{400.0, 800.0});
    // Strips that overlap are one another's: all of them together are 150 bytes.
    grid.result = 0;
    grid.right.distinct = 150;
    CHECK(reads(1) == std::pair{1600.0, 1600.0});
    CHECK(reads(1e9) == std::pair{400.0, 150.0});
    // One wave takes the whole product.
    grid = {operand, operand, 0, 16};
    CHECK(reads(80) == std::pair{400.0, 400.0});
}

TEST_CASE("a product reads no more of the DRAM with a larger cache, and never less than all once") {
    for (const std::int64_t rows : {1, 3, 7, 40, 1000}) {
        for (const std::int64_t columns : {1, 5, 64}) {
            for (const double at_once : {1.0, 24.0, 108.0, 216.0}) {
                const auto of = [](std::int64_t strips, double strip) {
                    const auto all = static_cast<double>(strips) * strip;
                    return ProductOperand{strips, strip, all, strip / 16};
                };
                const ProductGrid grid = {of(rows, 6000), of(columns, 4000), 500, at_once};
                double before = product_reads(grid, 0).left + product_reads(grid, 0).right;
                CHECK(before == Approx(static_cast<double>(rows * columns) * 10'000));
                for (double cache = 100; cache < 1e8; cache *= 1.5) {
                    const ProductReads reads = product_reads(grid, cache);
                    CHECK(reads.left + reads.right <= before * (1 + 1e-12));
                    CHECK(reads.left >= grid.left.distinct * (1 - 1e-12));
                    CHECK(reads.right >= grid.right.distinct * (1 - 1e-12));
                    before = reads.left + reads.right;
                }
                CHECK(before == Approx(grid.left.distinct + grid.right.distinct));
            }
        }
    }
}
