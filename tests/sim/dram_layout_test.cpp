// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_layout.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "tests/sim/script.hpp"
#include "tests/support/draw.hpp"

namespace memwall {
namespace {

using Runs = std::vector<std::vector<DramLayout::Run>>;

Runs split(const DramConfig& config, const DramAccess& access) {
    Runs runs(static_cast<std::size_t>(config.channels));
    DramLayout(config).split(access, runs);
    return runs;
}

/// By channel the bursts that an access has bytes in, one byte after another.
std::vector<std::set<std::int64_t>> bursts_by_hand(const DramConfig& config,
                                                   const DramAccess& access) {
    std::vector<std::set<std::int64_t>> bursts(static_cast<std::size_t>(config.channels));
    for (std::int64_t piece = 0; piece < access.pieces; ++piece) {
        for (std::int64_t byte = 0; byte < access.piece.count(); ++byte) {
            const std::int64_t address = access.address + piece * access.stride + byte;
            const std::int64_t block = address / config.interleave.count();
            const std::int64_t inside = address % config.interleave.count();
            const std::int64_t own = block / config.channels * config.interleave.count() + inside;
            bursts[static_cast<std::size_t>(block % config.channels)].insert(own /
                                                                             config.burst.count());
        }
    }
    return bursts;
}

}  // namespace

TEST_CASE(
    "an access asks each channel for the bursts that its bytes lie in, in order, once a pass") {
    for (std::uint32_t seed = 0; seed < 2'000; ++seed) {
        test::Draw draw(seed);
        DramConfig config = test::plain_dram();
        config.channels = draw(1, 5);
        config.interleave = config.burst * draw.one_of<std::int64_t>({1, 2, 4});
        DramAccess access;
        access.address = draw(0, 5'000);
        access.piece = Bytes(draw.chance(60) ? draw(0, 20) : draw(0, 700));
        access.pieces = draw(0, 12);
        // Without gaps, over each other, with gaps of less than a burst, about it, and more.
        access.stride = access.piece.count() + draw.one_of<std::int64_t>({0, 1, 40, 63, 64, 65}) +
                        (draw.chance(20) ? 1'000 : 0);
        access.stride = draw.chance(10) ? 0 : access.stride;
        INFO("seed " << seed << ": " << access.pieces << " x " << access.piece.count() << " every "
                     << access.stride << " from " << access.address);
        const Runs runs = split(config, access);
        const auto expected = bursts_by_hand(config, access);
        for (std::size_t channel = 0; channel < runs.size(); ++channel) {
            std::vector<std::int64_t> asked;
            for (const DramLayout::Run& run : runs[channel]) {
                for (std::int64_t burst = run.begin; burst < run.end; ++burst) {
                    asked.push_back(burst);
                }
            }
            // A stride of 0 takes the same bytes again and again; else nothing is asked for twice.
            std::vector<std::int64_t> all;
            const std::int64_t passes =
                access.stride == 0 && access.piece.count() > 0 ? access.pieces : 1;
            for (std::int64_t pass = 0; pass < passes; ++pass) {
                all.insert(all.end(), expected[channel].begin(), expected[channel].end());
            }
            CHECK(asked == all);
        }
    }
}

TEST_CASE("pieces less than a burst apart are one run, however many they are") {
    DramConfig config = test::plain_dram();
    config.channels = 1;
    const std::int64_t burst = config.burst.count();
    DramAccess access;
    access.piece = Bytes(1);
    access.pieces = std::int64_t{1} << 40;  // nobody goes through them
    access.stride = 8;
    const Runs runs = split(config, access);
    REQUIRE(runs.front().size() == 1);
    CHECK(runs.front().front() == DramLayout::Run{0, (access.pieces * 8 + burst - 8) / burst});
}

}  // namespace memwall
