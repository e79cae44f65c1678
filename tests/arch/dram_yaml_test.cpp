// SPDX-License-Identifier: Apache-2.0
#include "arch/dram_yaml.hpp"

#include <catch2/catch.hpp>

#include "tests/support/machines.hpp"

using namespace memwall;

namespace {

DramConfig dram_of(const Component& component) {
    return std::get<DramConfig>(component.config);
}

DramConfig twin_dram(const test::Overrides& overrides) {
    return test::shipped_machine("von_neumann", overrides).dram(DramId(std::size_t{0}));
}

}  // namespace

TEST_CASE("a stack, module or device of each kind has the peak that its standard gives") {
    struct Row {
        const char* name;
        double gb_per_s;
    };
    // Pins x rate: 64 x 1.6, 64 x 3.2, 32 x 3.2, 32 x 6.4, 32 x 14, 1,024 x 2, 3.2, 6.4, 9.2 Gb/s.
    const Row row = GENERATE(Row{"ddr3", 12.8}, Row{"ddr4", 25.6}, Row{"lpddr4", 12.8},
                             Row{"lpddr5", 25.6}, Row{"gddr6", 56}, Row{"hbm2", 256},
                             Row{"hbm2e", 409.6}, Row{"hbm3", 819.2}, Row{"hbm3e", 1'177.6});
    INFO(row.name);
    CHECK(dram_of(test::shipped_dram(row.name)).peak().count() / 1e9 ==
          Approx(row.gb_per_s).epsilon(0.001));
}

TEST_CASE("a machine takes a kind of DRAM by name, and its own keys come first") {
    const DramConfig hbm2 = twin_dram({});
    CHECK(hbm2.channels == 4 * 16);
    CHECK(hbm2.peak().count() == Approx(900e9).epsilon(0.001));
    const DramConfig hbm3 = twin_dram({{"components.dram.type", "hbm3"},
                                       {"components.dram.stacks", "5"},
                                       {"components.dram.queue", "64"}});
    CHECK(hbm3.channels == 5 * 32);
    CHECK(hbm3.queue == 64);
    CHECK(hbm3.peak().count() == Approx(900e9).epsilon(0.001));
}

TEST_CASE("times become clocks of the DRAM, rounded up but for 2.6 % of one") {
    // 900 GB/s over 64 channels of 32 B in 2 clocks: a clock of 1,138 ps.
    const DramConfig dram = twin_dram({});
    CHECK(dram.clock == Picoseconds(1'138));
    CHECK(dram.timings.tRCD_read == 13);  // 14 ns are 12.30 clocks
    CHECK(dram.timings.tCCD_L == 4);      // given in clocks
    CHECK(twin_dram({{"components.dram.tRP", "2300 ps"}}).timings.tRP == 2);  // 2.02 clocks
    CHECK(twin_dram({{"components.dram.tRP", "2400 ps"}}).timings.tRP == 3);
}

TEST_CASE("timings that JEDEC's relations contradict are told at their line") {
    const auto fault = [](const std::string& key, const std::string& value,
                          const std::string& type = "hbm2") {
        return test::fault_of_machine(
            "von_neumann", {{"components.dram.type", type}, {"components.dram." + key, value}});
    };
    using Catch::Contains;
    // At the 1 GHz of the type, whatever the clock that the bandwidth needs.
    CHECK_THAT(fault("tRC", "40 ns"), Contains("'tRC' in component 'dram': expected at least tRAS "
                                               "+ tRP, 48 clocks, found '40 ns'"));
    CHECK_THAT(fault("tRRD_L", "3 ns"), Contains("expected at least tRRD_S, 4 clocks"));
    CHECK_THAT(fault("tFAW", "2 cycles"), Contains("expected at least tRRD_S, 4 clocks"));
    CHECK_THAT(fault("tCCD_L", "1 cycle"), Contains("expected at least tCCD_S, 2 clocks"));
    CHECK_THAT(fault("tWTR_L", "5 ns"), Contains("expected at least tWTR_S, 6 clocks"));
    CHECK_THAT(fault("tRRD_S", "9 ns", "gddr6"), Contains("'tRRD_L' in component 'dram'"));
    CHECK(fault("tRC", "47 ns").empty());  // as data sheets round it
    CHECK(fault("tFAW", "0 ns").empty());  // none
    // What is a time does not contradict what is clocks where the clock is another.
    CHECK(test::fault_of_machine("von_neumann", {{"components.dram.tCCD_L", "4 ns"},
                                                 {"components.dram.bandwidth", "200 GB/s"}})
              .empty());
}

TEST_CASE("what a kind of DRAM says of its numbers is told of the machine's") {
    const Machine machine = test::shipped_machine("von_neumann");
    bool found = false;
    for (const Provenance& provenance : machine.parts().provenance) {
        found = found || (provenance.path == "components.dram.timings" &&
                          provenance.status == Status::published);
    }
    CHECK(found);
}

TEST_CASE("refresh and standby are power, by stack and channel") {
    // Eight DDR4 channels: 8 x 412.8 mW, and 8 refreshes of 695.5 nJ every 7.8 us.
    const Component dram = test::shipped_dram("ddr4", {{"stacks", "8"}});
    CHECK(dram.static_power.value == Approx(8 * 0.4128).epsilon(1e-6));
    CHECK(dram.refresh_power.value == Approx(8 * 695.5e-9 / 7.8e-6).epsilon(1e-6));
}

TEST_CASE("a simple DRAM of a type has its peak, the latency of a closed bank and its standby") {
    const Component component = test::shipped_dram("ddr4", {{"model", "simple"}, {"stacks", "2"}});
    const auto& dram = std::get<DramConfig>(component.config);
    CHECK(dram.model == DramModel::simple);
    CHECK(dram.peak().count() == Approx(2 * 25.6e9));
    CHECK(dram.latency == Picoseconds((22 + 22 + 4) * 625));
    CHECK(dram.channels == 1);  // one server
    CHECK(component.static_power.value ==
          Approx(test::shipped_dram("ddr4", {{"stacks", "2"}}).static_power.value));
    const Component slower =
        test::shipped_dram("ddr4", {{"model", "simple"}, {"latency", "80 ns"}});
    CHECK(std::get<DramConfig>(slower.config).latency == Picoseconds(80'000));
}

TEST_CASE("a simple DRAM needs bandwidth and latency only") {
    const DramConfig dram =
        twin_dram({{"components.dram",
                    "{kind: dram, model: simple, capacity: 1 GiB, bandwidth: "
                    "100 GB/s, latency: 80 ns, "
                    "read_per_byte: {value: 1 pJ, status: assumed, source: x}, "
                    "write_per_byte: {value: 1 pJ, status: assumed, source: x}, "
                    "standby: {value: 1 W, status: assumed, source: x}}"}});
    CHECK(dram.model == DramModel::simple);
    CHECK(dram.peak().count() == Approx(100e9));
    CHECK(dram.latency == Picoseconds(80'000));
}
