// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_controller.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/sim/script.hpp"

using namespace memwall;

namespace {

DramAccess run_of(std::int64_t address, std::int64_t bytes, bool write = false) {
    return {DramId(0), address, Bytes(bytes), 1, 0, write};
}

/// A clock of 1 ps: finishes are not rounded.
const ClockDomain& fine() {
    static const ClockDomain kClock("fine", Hertz(1'000'000'000'000));
    return kClock;
}

struct Arrival {
    std::int64_t time;
    DramAccess access;
};

/// Submits in the given order (times must not fall); the finish of each.
std::vector<std::int64_t> serve(DramController& dram, const std::vector<Arrival>& arrivals) {
    std::vector<std::int64_t> finish(arrivals.size(), -1);
    std::size_t next = 0;
    while (next < arrivals.size() || dram.next_time() != kNever) {
        const Picoseconds arrival =
            next < arrivals.size() ? Picoseconds(arrivals[next].time) : kNever;
        const Picoseconds now = std::min(arrival, dram.next_time());
        std::vector<std::int32_t> done;
        dram.advance(now, done);
        for (const std::int32_t tag : done) {
            finish[static_cast<std::size_t>(tag)] = now.count();
        }
        for (; next < arrivals.size() && arrivals[next].time == now.count(); ++next) {
            dram.submit(static_cast<std::int32_t>(next), arrivals[next].access, fine(), now);
        }
        dram.settle(now);
    }
    return finish;
}

std::vector<std::int64_t> serve(const DramConfig& config, const std::vector<Arrival>& arrivals) {
    DramController dram(config);
    return serve(dram, arrivals);
}

}  // namespace

TEST_CASE(
    "the first burst of a closed bank takes tRCD, CL and its own time, not a picosecond less") {
    CHECK(serve(test::plain_dram(), {{100, run_of(0, 64)}})[0] == 100 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("a row conflict waits for tRAS, then takes tRP, tRCD, CL and a burst") {
    // Row 0 of bank 0 opens at 0. Row 1 of bank 0 (address 4 KiB) comes at 20,000: the bank may
    // close at tRAS = 32,000.
    const auto finish = serve(test::plain_dram(), {{0, run_of(0, 64)}, {20'000, run_of(4096, 64)}});
    CHECK(finish[1] == 32'000 + 12'000 + 14'000 + 10'000 + 2'000);
    // Coming at 50,000 it finds tRAS long over.
    CHECK(serve(test::plain_dram(), {{0, run_of(0, 64)}, {50'000, run_of(4096, 64)}})[1] ==
          50'000 + 12'000 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("a row hit takes CL and a burst") {
    CHECK(serve(test::plain_dram(), {{0, run_of(0, 64)}, {50'000, run_of(64, 64)}})[1] ==
          50'000 + 10'000 + 2'000);
}

TEST_CASE("streaming reaches the peak but for the first access: later rows open meanwhile") {
    // 64 KiB = 1,024 bursts over 64 rows in turn on 4 banks. A bank is wanted again after 3 rows of
    // 16 bursts = 96 ns, longer than tRP + tRCD = 26 ns: nothing shows but the first tRCD and CL.
    DramController dram(test::plain_dram());
    CHECK(serve(dram, {{0, run_of(0, 65'536)}})[0] == 14'000 + 10'000 + 1'024 * 2'000);
    const DramOutcome outcome = dram.outcome(Picoseconds(1));
    CHECK(outcome.bursts == 1'024);
    CHECK(outcome.row_misses == 64);
    CHECK(outcome.row_hits == 960);
}

TEST_CASE("channels work side by side on what is interleaved over them") {
    DramConfig config = test::plain_dram();
    config.channels = 8;
    // 128 bursts a channel.
    CHECK(serve(config, {{0, run_of(0, 65'536)}})[0] == 14'000 + 10'000 + 128 * 2'000);
    // One burst past a multiple: one channel has one more.
    CHECK(serve(config, {{0, run_of(0, 65'536 + 1)}})[0] == 14'000 + 10'000 + 129 * 2'000);
}

TEST_CASE("bytes that only touch a burst fetch all of it") {
    CHECK(serve(test::plain_dram(), {{0, run_of(60, 8)}})[0] == 14'000 + 10'000 + 2 * 2'000);
}

TEST_CASE("refresh takes tRFC out of each tREFI") {
    DramConfig config = test::plain_dram();
    config.refresh_interval = Picoseconds(3'900'000);
    config.refresh_time = Picoseconds(260'000);
    DramController dram(config);
    const std::int64_t bursts = 1 << 16;
    const auto finish = serve(dram, {{0, run_of(0, bursts * 64)}})[0];
    const double ideal = static_cast<double>(bursts) * 2'000 / (1 - 260.0 / 3'900.0);
    CHECK(static_cast<double>(finish) == Approx(ideal).epsilon(0.015));
    CHECK(dram.outcome(Picoseconds(finish)).refreshes == finish / 3'900'000);
}

TEST_CASE("a refresh closes the rows, and its time is not served") {
    DramConfig config = test::plain_dram();
    config.refresh_interval = Picoseconds(100'000);
    config.refresh_time = Picoseconds(40'000);
    // The row of the first access is open at 100,000; closing it takes tRP, the refresh tRFC.
    const auto finish = serve(config, {{0, run_of(0, 64)}, {120'000, run_of(64, 64)}});
    CHECK(finish[1] == 100'000 + 12'000 + 40'000 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("idle time is refreshed too and costs nothing") {
    DramConfig config = test::plain_dram();
    config.refresh_interval = Picoseconds(100'000);
    config.refresh_time = Picoseconds(40'000);
    DramController dram(config);
    // 1,050,000: the refresh due at 1,000,000 is over; rows are closed.
    CHECK(serve(dram, {{0, run_of(0, 64)}, {1'050'000, run_of(64, 64)}})[1] ==
          1'050'000 + 14'000 + 10'000 + 2'000);
    CHECK(dram.outcome(Picoseconds(1'250'000)).refreshes == 12);
}

TEST_CASE("the bus takes its turnaround between a read and a write") {
    DramConfig config = test::plain_dram();
    config.turnaround = Picoseconds(7'000);
    // Both rows open at 0 in their own banks. Read at 14,000, then the write's command one burst
    // and the turnaround later.
    const auto finish = serve(config, {{0, run_of(0, 64)}, {0, run_of(1024, 64, true)}});
    CHECK(finish[0] == 14'000 + 10'000 + 2'000);
    CHECK(finish[1] == 14'000 + 2'000 + 7'000 + 10'000 + 2'000);
}

TEST_CASE("two streams on one channel finish together at twice the time") {
    // Rows of different banks: no conflicts, 16 bursts in turn.
    DramConfig config = test::plain_dram();
    const auto finish = serve(config, {{0, run_of(0, 1024)}, {0, run_of(1024, 1024)}});
    CHECK(finish[0] == 14'000 + 10'000 + 16 * 2'000);
    CHECK(finish[1] == 14'000 + 10'000 + 32 * 2'000);
    config.row_hit_cap = 4;
    const auto fair = serve(config, {{0, run_of(0, 1024)}, {0, run_of(1024, 1024)}});
    CHECK(fair[0] == 14'000 + 10'000 + 28 * 2'000);
    CHECK(fair[1] == 14'000 + 10'000 + 32 * 2'000);
}

TEST_CASE("a small read waits for at most a cap of hits of a long one") {
    DramConfig config = test::plain_dram();
    config.row_hit_cap = 4;
    // The long read is in the middle of its first row, in bank 0; the small one wants bank 1, which
    // opens while the long read goes on, served ones not counting against it.
    const auto finish = serve(config, {{0, run_of(0, 65'536)}, {20'000, run_of(1024, 64)}});
    CHECK(finish[1] <= 20'000 + 14'000 + 4 * 2'000 + 10'000 + 2'000 + 2'000);
}

TEST_CASE("activations keep their distance where the device has a limit") {
    DramConfig config = test::plain_dram();
    config.activate_interval = Picoseconds(5'000);
    // Four single bursts in four banks: activated at 0, 5,000, 10,000 and 15,000.
    const auto finish = serve(config, {{0, {DramId(0), 0, Bytes(64), 4, 1024, false}}});
    CHECK(finish[0] == 15'000 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("an access without bytes is done at once") {
    CHECK(serve(test::plain_dram(), {{70, run_of(0, 0)}})[0] == 70);
}

TEST_CASE("a finish is rounded up to the clock that waits for it") {
    DramController dram(test::plain_dram());
    const ClockDomain clock("clock", Hertz(400'000'000));
    dram.submit(0, run_of(0, 64), clock, Picoseconds(0));
    dram.settle(Picoseconds(0));
    CHECK(dram.next_time() == Picoseconds(27'500));  // 26,000 lies between two edges
}

TEST_CASE("runs of row hits give exactly what bursts one by one give, over generated requests") {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        DramConfig config = test::plain_dram();
        config.channels = 1 << (random() % 3);
        config.banks = 2 << (random() % 3);
        config.interleave = Bytes(64 << (random() % 3));
        config.row_hit_cap = 1 + static_cast<std::int64_t>(random() % 20);
        config.turnaround = Picoseconds(random() % 2 == 0 ? 0 : 5'000);
        config.activate_interval = Picoseconds(random() % 2 == 0 ? 0 : 6'000);
        if (random() % 3 != 0) {
            config.refresh_interval =
                Picoseconds(200'000 + static_cast<std::int64_t>(random() % 400'000));
            config.refresh_time = Picoseconds(60'000);
        }
        std::vector<Arrival> arrivals;
        std::int64_t time = 0;
        for (int a = 0; a < 25; ++a) {
            time += random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 60'000);
            DramAccess access;
            access.dram = DramId(0);
            access.address = static_cast<std::int64_t>(random() % 65'536);
            access.piece = Bytes(1 + static_cast<std::int64_t>(random() % 3'000));
            access.pieces = 1 + static_cast<std::int64_t>(random() % 4);
            access.stride = access.piece.count() + static_cast<std::int64_t>(random() % 2) * 1'000;
            access.write = random() % 3 == 0;
            arrivals.push_back({time, access});
        }
        DramController runs(config);
        DramController bursts(config, true);
        const auto by_run = serve(runs, arrivals);
        const auto by_burst = serve(bursts, arrivals);
        REQUIRE(by_run == by_burst);
        const Picoseconds end(*std::max_element(by_run.begin(), by_run.end()));
        const DramOutcome a = runs.outcome(end);
        const DramOutcome b = bursts.outcome(end);
        CHECK(a.bursts == b.bursts);
        CHECK(a.row_hits == b.row_hits);
        CHECK(a.row_misses == b.row_misses);
        CHECK(a.refreshes == b.refreshes);
        CHECK(a.bursts == a.row_hits + a.row_misses);
    }
}

TEST_CASE("what was reported does not depend on what comes later") {
    // Serving the first half of a stream of requests alone gives the same finishes up to the moment
    // when the second half begins.
    std::mt19937 random(5);
    for (int round = 0; round < 100; ++round) {
        DramConfig config = test::plain_dram();
        config.channels = 2;
        config.row_hit_cap = 3;
        std::vector<Arrival> arrivals;
        std::int64_t time = 0;
        for (int a = 0; a < 20; ++a) {
            time += static_cast<std::int64_t>(random() % 40'000);
            arrivals.push_back({time, run_of(static_cast<std::int64_t>(random() % 32'768),
                                             1 + static_cast<std::int64_t>(random() % 4'000))});
        }
        const std::vector<Arrival> half(arrivals.begin(), arrivals.begin() + 10);
        const auto all = serve(config, arrivals);
        const auto some = serve(config, half);
        for (std::size_t a = 0; a < half.size(); ++a) {
            if (some[a] <= arrivals[10].time) {
                CHECK(all[a] == some[a]);
            } else {
                CHECK(all[a] > arrivals[10].time);
            }
        }
    }
}
