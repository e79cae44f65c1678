// SPDX-License-Identifier: Apache-2.0
// Every shipped DRAM beside the closed formulas of its timings; a failure prints the difference.
#include <catch2/catch.hpp>
#include <random>

#include "tests/sim/dram_serve.hpp"
#include "tests/support/machines.hpp"

using namespace memwall;
using test::DramArrival;
using test::run_of;
using test::serve;

namespace {

const char* any_dram() {
    return GENERATE("ddr3", "ddr4", "lpddr4", "lpddr5", "gddr6", "hbm2", "hbm2e", "hbm3", "hbm3e");
}

DramConfig one_channel(const std::string& name, test::Overrides overrides = {}) {
    overrides.emplace_back("channels", "1");
    return std::get<DramConfig>(test::shipped_dram(name, overrides).config);
}

std::int64_t clocks(std::int64_t picoseconds, const DramConfig& dram) {
    CHECK(picoseconds % dram.clock.count() == 0);
    return picoseconds / dram.clock.count();
}

}  // namespace

TEST_CASE("one read of a closed bank takes tRCD + CL + a burst, exactly") {
    const std::string name = any_dram();
    const DramConfig dram = one_channel(name);
    const DramTimings& t = dram.timings;
    INFO(name);
    CHECK(clocks(serve(dram, {{0, run_of(0, 1)}})[0], dram) ==
          t.tRCD_read + (t.activate - 1) + t.CL + t.burst);
}

TEST_CASE("a row conflict adds tRP to a read, exactly") {
    const std::string name = any_dram();
    const DramConfig dram = one_channel(name, {{"tREFI", "0 cycles"}, {"mapping_xor", "[]"}});
    const DramTimings& t = dram.timings;
    const std::int64_t next_row = dram.row.count() * dram.banks;
    const std::int64_t late = dram.clock.count() * 1'000;  // tRAS is long over
    INFO(name);
    CHECK(clocks(serve(dram, {{0, run_of(0, 1)}, {late, run_of(next_row, 1)}})[1] - late, dram) ==
          t.tRP + t.tRCD_read + t.CL + t.burst);
}

TEST_CASE("a stream reaches the peak less what refresh takes, within 2 %") {
    // A refresh waits for the last read (tRTP), closes the banks (tRP), takes tRFC and opens a row
    // (tRCD). The stream goes round the bank groups, tCCD_S apart; or in one group, tCCD_L apart.
    const std::string name = any_dram();
    const DramConfig dram = one_channel(
        name,
        {{"mapping", "[row, bank, column, bank_group]"}, {"mapping_xor", "[]"}, {"queue", "64"}});
    const DramTimings& t = dram.timings;
    const std::int64_t bursts = 200'000;
    const auto taken = static_cast<double>(
        clocks(serve(dram, {{0, run_of(0, bursts * dram.burst.count())}})[0], dram));
    const double pause = static_cast<double>(t.tRTP + t.tRP + t.tRFC + t.tRCD_read);
    const double apart =
        static_cast<double>(std::max({t.burst, t.tCCD_S, ceil_divide(t.tCCD_L, dram.bank_groups)}));
    const double expected =
        static_cast<double>(bursts) * apart / (1 - pause / static_cast<double>(t.tREFI));
    INFO(name << ": " << (taken / expected - 1) * 100 << " % from the formula");
    CHECK(taken == Approx(expected).epsilon(0.02));
}

TEST_CASE("reads of one row of one group are tCCD_L apart, exactly") {
    const std::string name = any_dram();
    const DramConfig dram = one_channel(name, {{"mapping", "[row, bank, bank_group, column]"},
                                               {"mapping_xor", "[]"},
                                               {"tREFI", "0 cycles"}});
    const DramTimings& t = dram.timings;
    const std::int64_t bursts = dram.row.count() / dram.burst.count();
    INFO(name);
    CHECK(clocks(serve(dram, {{0, run_of(0, dram.row.count())}})[0], dram) ==
          t.tRCD_read + (t.activate - 1) + (bursts - 1) * std::max(t.tCCD_L, t.burst) + t.CL +
              t.burst);
}

TEST_CASE("reads of ever other rows go at the rate of tFAW, tRRD and the banks, within 5 %") {
    // Row after row, one burst each, the banks in turn: the least distance of two activations is
    // the largest of tFAW / 4, tRRD, and tRC over the banks. Many reads are under way.
    const std::string name = any_dram();
    const DramConfig dram = one_channel(name, {{"mapping", "[row, column, bank, bank_group]"},
                                               {"mapping_xor", "[]"},
                                               {"tREFI", "0 cycles"}});
    const DramTimings& t = dram.timings;
    const std::int64_t reads = 20'000;
    const std::int64_t columns = dram.row.count() / dram.burst.count();
    // One burst of each bank, then the same of the next row: every burst opens its row.
    DramAccess access{DramId(0),
                      0,
                      dram.burst * dram.banks,
                      reads / dram.banks,
                      dram.burst.count() * dram.banks * columns,
                      false};
    const auto taken = static_cast<double>(clocks(serve(dram, {{0, access}})[0], dram));
    const double apart = std::max({static_cast<double>(t.tFAW) / 4, static_cast<double>(t.tRRD_S),
                                   static_cast<double>(t.tRC) / static_cast<double>(dram.banks),
                                   static_cast<double>(std::max(t.burst, t.tCCD_S))});
    const double expected = static_cast<double>(access.pieces * dram.banks) * apart;
    INFO(name << ": " << (taken / expected - 1) * 100 << " % from the formula");
    CHECK(taken == Approx(expected).epsilon(0.05));
}
