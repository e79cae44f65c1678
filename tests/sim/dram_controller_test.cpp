// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_controller.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "sim/simple_dram.hpp"
#include "tests/sim/dram_serve.hpp"
#include "tests/sim/script.hpp"

using namespace memwall;
using test::DramArrival;
using test::run_of;
using test::serve;

TEST_CASE(
    "the first burst of a closed bank takes tRCD, CL and its own time, not a picosecond less") {
    CHECK(serve(test::plain_dram(), {{1'000, run_of(0, 64)}})[0] ==
          1'000 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("an access that comes between two clocks of the DRAM waits for the next") {
    CHECK(serve(test::plain_dram(), {{100, run_of(0, 64)}})[0] == 1'000 + 26'000);
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

TEST_CASE("a page that closes by itself has no conflict and no hit") {
    DramConfig config = test::plain_dram();
    config.page = DramPage::closed;
    // Closed at tRAS = 32,000 and tRP later: long over at 50,000.
    CHECK(serve(config, {{0, run_of(0, 64)}, {50'000, run_of(4096, 64)}})[1] ==
          50'000 + 14'000 + 10'000 + 2'000);
    CHECK(serve(config, {{0, run_of(0, 64)}, {50'000, run_of(64, 64)}})[1] ==
          50'000 + 14'000 + 10'000 + 2'000);
    // Bursts that wait for the row keep it open.
    DramController dram(config);
    CHECK(serve(dram, {{0, run_of(0, 1'024)}})[0] == 14'000 + 10'000 + 16 * 2'000);
    CHECK(dram.outcome(Picoseconds(1)).row_misses == 1);
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

TEST_CASE("a row is counted for the access that it was opened for") {
    // Rows of 1 KiB, in turn on four banks: 2 KiB open rows 0 and 1; row 0 is open for the next
    // access; row 4 is in the bank of row 0.
    DramController dram(test::plain_dram());
    serve(dram, {{0, run_of(0, 2'048)}, {100'000, run_of(64, 64)}, {200'000, run_of(4'096, 64)}});
    CHECK(dram.take_activations(0) == 2);
    CHECK(dram.take_activations(1) == 0);
    CHECK(dram.take_activations(2) == 1);
    CHECK(dram.take_activations(0) == 0);  // taken already
    CHECK(dram.outcome(Picoseconds(1)).row_misses == 3);
    // Two channels that do the same open two rows.
    DramConfig config = test::plain_dram();
    config.channels = 2;
    DramController both(config);
    serve(both, {{0, run_of(0, 1'024)}});
    CHECK(both.take_activations(0) == 2);
}

TEST_CASE("rows that data draw far apart are opened one by one") {
    DramAccess access = run_of(0, 64);
    access.pieces = 1'000;
    access.stride = 1'024;
    access.table = 1 << 20;
    DramController dram(test::plain_dram());
    serve(dram, {{0, access}});
    CHECK(dram.outcome(Picoseconds(1)).bursts == 1'000);
    CHECK(dram.take_activations(0) == 1'000);
}

TEST_CASE("bursts of one bank group are tCCD_L apart, of several tCCD_S") {
    DramConfig config = test::plain_dram();
    config.bank_groups = 2;
    config.timings.tCCD_L = 5;
    config.mapping.bits = {{DramField::row, 0},
                           {DramField::bank, 1},
                           {DramField::bank_group, 1},
                           {DramField::column, 4}};
    // A row of 16 bursts in one group.
    CHECK(serve(config, {{0, run_of(0, 1'024)}})[0] == 14'000 + 15 * 5'000 + 12'000);
    config.mapping = default_mapping(config);  // groups by turns: 5 every second burst
    // The second group's row opens a clock later; then each group's bursts are 5 apart, 8 each.
    CHECK(serve(config, {{0, run_of(0, 1'024)}})[0] == 16'000 + 7 * 5'000 + 12'000);
}

TEST_CASE("channels work side by side on what is interleaved over them") {
    DramConfig config = test::plain_dram();
    config.channels = 8;
    // 128 bursts a channel.
    CHECK(serve(config, {{0, run_of(0, 65'536)}})[0] == 14'000 + 10'000 + 128 * 2'000);
    // One burst past a multiple: one channel has one more.
    CHECK(serve(config, {{0, run_of(0, 65'536 + 1)}})[0] == 14'000 + 10'000 + 129 * 2'000);
}

TEST_CASE("bytes that only touch a burst fetch all of it, and pieces in one burst fetch it once") {
    CHECK(serve(test::plain_dram(), {{0, run_of(60, 8)}})[0] == 14'000 + 10'000 + 2 * 2'000);
    DramController dram(test::plain_dram());
    serve(dram, {{0, {DramId(0), 0, Bytes(4), 32, 8, false}}});  // 4 of every 8 B of 256
    CHECK(dram.outcome(Picoseconds(1)).bursts == 4);
}

TEST_CASE("a refresh closes the rows, and its time is not served") {
    DramConfig config = test::plain_dram();
    config.timings.tREFI = 100;
    config.timings.tRFC = 40;
    // The row of the first access is open at 100,000; closing it takes tRP, the refresh tRFC.
    const auto finish = serve(config, {{0, run_of(0, 64)}, {120'000, run_of(64, 64)}});
    CHECK(finish[1] == 100'000 + 12'000 + 40'000 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("idle time is refreshed too and costs nothing") {
    DramConfig config = test::plain_dram();
    config.timings.tREFI = 100;
    config.timings.tRFC = 40;
    DramController dram(config);
    // 1,050,000: the refresh due at 1,000,000 is over; rows are closed.
    CHECK(serve(dram, {{0, run_of(0, 64)}, {1'050'000, run_of(64, 64)}})[1] ==
          1'050'000 + 14'000 + 10'000 + 2'000);
    CHECK(dram.outcome(Picoseconds(1'250'000)).refreshes == 12);
}

TEST_CASE("writes are drained together, tRTW after a read and tWTR before the next") {
    DramConfig config = test::plain_dram();
    config.timings.tRTW = 9;
    config.timings.tWTR_S = config.timings.tWTR_L = 6;
    // The read's row opens at 0, its command at 14. The write waits until no read does: then its
    // own row opens, in bank 1, and is long open tRTW after the read.
    const auto finish = serve(config, {{0, run_of(0, 64)}, {0, run_of(1024, 64, true), 1}});
    CHECK(finish[0] == 14'000 + 10'000 + 2'000);
    CHECK(finish[1] == 1'000 + 14'000 + 8'000 + 10'000 + 2'000);
    // A read of the row that is written: end of the write's data and tWTR after its command.
    const auto after = serve(config, {{0, run_of(0, 64, true)}, {15'000, run_of(64, 64)}});
    CHECK(after[0] == 14'000 + 10'000 + 2'000);
    CHECK(after[1] == 26'000 + 6'000 + 10'000 + 2'000);
}

TEST_CASE("bursts of one stream keep their order of coming, streams take turns") {
    // The queue of 4 holds the long read's bursts; the small one of another stream is let in as
    // soon as one leaves, that of the same stream when all before it have.
    DramConfig config = test::plain_dram();
    config.queue = 4;
    const auto other = serve(config, {{0, run_of(0, 65'536), 0}, {20'000, run_of(1024, 64), 1}});
    CHECK(other[1] <= 20'000 + 8 * 2'000 + 14'000 + 12'000);
    const auto same = serve(config, {{0, run_of(0, 65'536), 0}, {20'000, run_of(1024, 64), 0}});
    CHECK(same[1] > same[0]);
}

TEST_CASE("activations keep tRRD, and five of them tFAW") {
    DramConfig config = test::plain_dram();
    config.banks = 8;
    config.mapping = default_mapping(config);
    config.timings.tRRD_S = config.timings.tRRD_L = 5;
    // Single bursts in four banks: activated at 0, 5, 10 and 15.
    CHECK(serve(config, {{0, {DramId(0), 0, Bytes(64), 4, 1024, false}}})[0] ==
          15'000 + 14'000 + 10'000 + 2'000);
    config.timings.tFAW = 30;  // the fifth at 30, the sixth at 35
    CHECK(serve(config, {{0, {DramId(0), 0, Bytes(64), 6, 1024, false}}})[0] ==
          35'000 + 14'000 + 10'000 + 2'000);
}

TEST_CASE("an access without bytes is done at once") {
    CHECK(serve(test::plain_dram(), {{70, run_of(0, 0)}})[0] == 70);
}

TEST_CASE("a finish is rounded up to the clock that waits for it") {
    DramController dram(test::plain_dram());
    const ClockDomain clock("clock", Hertz(400'000'000));
    dram.submit(0, 0, run_of(0, 64), clock, Picoseconds(0));
    dram.settle(Picoseconds(0));
    std::vector<std::int32_t> done;
    while (done.empty()) {
        const Picoseconds next = dram.next_time();
        dram.advance(next, done);
        dram.settle(next);
        CHECK((done.empty() || next == Picoseconds(27'500)));  // 26,000 lies between two edges
    }
}

TEST_CASE("a simple DRAM takes bytes over bandwidth and its latency, one access after another") {
    DramConfig config;
    config.model = DramModel::simple;
    config.burst = Bytes(1);
    config.bandwidth = BytesPerSecond(4e9);
    config.latency = Picoseconds(30'000);
    SimpleDram dram(config);
    const auto finish = serve(dram, {{0, run_of(0, 4'000)}, {500'000, run_of(64, 400)}});
    CHECK(finish[0] == 1'000'000 + 30'000);
    CHECK(finish[1] == 1'100'000 + 30'000);
    CHECK(dram.delay(1) == Picoseconds(500'000));
    CHECK(dram.outcome(Picoseconds(0)).bursts == 4'400);
}

namespace {

/// A DRAM of random shape and timings.
DramConfig generated_dram(std::mt19937& random) {
    const auto pick = [&](int from, int to) {
        return from + static_cast<std::int64_t>(random() % static_cast<unsigned>(to - from + 1));
    };
    DramConfig config = test::plain_dram();
    config.channels = pick(1, 3);
    config.banks = 2 << pick(0, 3);
    config.bank_groups = std::min<std::int64_t>(config.banks, 1 << pick(0, 2));
    config.interleave = Bytes(64 << pick(0, 2));
    config.queue = pick(1, 40);
    config.scheduling =
        pick(0, 1) == 0 ? DramScheduling::first_ready : DramScheduling::row_hits_first;
    config.command_bus = pick(0, 2) == 0 ? DramCommandBus::split : DramCommandBus::shared;
    config.page = pick(0, 3) == 0 ? DramPage::closed : DramPage::open;
    DramTimings& t = config.timings;
    t.tCCD_L = pick(2, 6);
    t.tRRD_S = pick(0, 4);
    t.tRRD_L = t.tRRD_S + pick(0, 4);
    t.tFAW = pick(0, 30);
    t.tRTP = pick(0, 8);
    t.tWR = pick(0, 12);
    t.tRTW = pick(2, 10);
    t.tWTR_S = pick(0, 4);
    t.tWTR_L = t.tWTR_S + pick(0, 4);
    if (pick(0, 2) != 0) {
        t.tREFI = pick(200, 600);
        t.tRFC = 60;
    }
    config.mapping = default_mapping(config);
    if (pick(0, 1) == 0) {
        config.mapping.hashes = {{DramField::bank, DramField::row, pick(0, 2)}};
    }
    return config;
}

std::vector<DramArrival> generated_arrivals(std::mt19937& random, int count) {
    std::vector<DramArrival> arrivals;
    std::int64_t time = 0;
    for (int a = 0; a < count; ++a) {
        time += random() % 3 == 0 ? 0 : static_cast<std::int64_t>(random() % 60'000);
        DramAccess access;
        access.dram = DramId(0);
        access.address = static_cast<std::int64_t>(random() % 65'536);
        access.piece = Bytes(1 + static_cast<std::int64_t>(random() % 6'000));
        access.pieces = 1 + static_cast<std::int64_t>(random() % 4);
        access.stride = access.piece.count() + static_cast<std::int64_t>(random() % 2) * 1'000;
        access.write = random() % 3 == 0;
        arrivals.push_back({time, access, static_cast<std::int32_t>(random() % 3)});
    }
    return arrivals;
}

}  // namespace

TEST_CASE("runs of row hits give exactly what bursts one by one give, over generated requests") {
    std::mt19937 random(11);
    for (int round = 0; round < 300; ++round) {
        DramConfig config = generated_dram(random);
        std::vector<DramArrival> arrivals = generated_arrivals(random, 12);
        if (round % 2 == 0) {  // long rows and long accesses: runs that are worth it
            config.row = Bytes(8'192);
            config.queue = 2 + static_cast<std::int64_t>(random() % 12);
            config.mapping.bits = default_mapping(config).bits;
            arrivals.push_back({arrivals.back().time, run_of(0, 150'000, random() % 2 == 0)});
            arrivals.push_back({arrivals.back().time + 50'000, run_of(1 << 20, 90'000), 1});
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
        const DramConfig config = generated_dram(random);
        const std::vector<DramArrival> arrivals = generated_arrivals(random, 20);
        const std::vector<DramArrival> half(arrivals.begin(), arrivals.begin() + 10);
        const auto all = serve(config, arrivals);
        const auto some = serve(config, half);
        for (std::size_t a = 0; a < half.size(); ++a) {
            if (some[a] < arrivals[10].time) {
                CHECK(all[a] == some[a]);
            } else {
                CHECK(all[a] >= arrivals[10].time);
            }
        }
    }
}

namespace {

/// Accesses as tiles make them: most over all channels alike, from wherever a tensor begins, some
/// over a few.
std::vector<DramArrival> tile_arrivals(std::mt19937& random, const DramConfig& config, int count) {
    const std::int64_t turn = config.channels * config.interleave.count();
    const auto below = [&](std::int64_t limit) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(limit));
    };
    std::vector<DramArrival> arrivals;
    std::int64_t time = 0;
    for (int a = 0; a < count; ++a) {
        time += random() % 3 == 0 ? 0 : below(400'000);
        const std::int64_t begin =
            below(3) * config.interleave.count() * (config.channels / 3) + turn * below(100);
        const std::int64_t bytes = random() % 4 == 0 ? 1 + below(900) : turn * (1 + below(12));
        arrivals.push_back({time, run_of(begin, bytes, random() % 3 == 0),
                            static_cast<std::int32_t>(random() % 2)});
    }
    return arrivals;
}

}  // namespace

TEST_CASE("channels that are asked for the same give exactly what each gives by itself") {
    std::mt19937 random(23);
    for (int round = 0; round < 60; ++round) {
        DramConfig config = generated_dram(random);
        config.channels = std::int64_t{4} << (random() % 3);
        config.mapping.bits = default_mapping(config).bits;
        const std::vector<DramArrival> arrivals = tile_arrivals(random, config, 16);
        DramController together(config);
        DramController apart(config, true);
        const auto finishes = serve(together, arrivals);
        REQUIRE(finishes == serve(apart, arrivals));
        for (std::int32_t tag = 0; tag < static_cast<std::int32_t>(arrivals.size()); ++tag) {
            CHECK(together.delay(tag) == apart.delay(tag));
        }
        CHECK(together.bursts_by_channel() == apart.bursts_by_channel());
        const Picoseconds end(*std::max_element(finishes.begin(), finishes.end()));
        const DramOutcome a = together.outcome(end);
        const DramOutcome b = apart.outcome(end);
        CHECK(a.bursts == b.bursts);
        CHECK(a.row_hits == b.row_hits);
        CHECK(a.row_misses == b.row_misses);
        CHECK(a.refreshes == b.refreshes);
    }
}
