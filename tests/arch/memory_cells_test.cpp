// SPDX-License-Identifier: Apache-2.0
// Memories of other cells than SRAM, and servers around cards, as a machine file has them.
#include <catch2/catch.hpp>
#include <cmath>

#include "arch/machine.hpp"
#include "base/error.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

using test::shipped_machine;

constexpr double kMebibytes = 0.75;  ///< of a core
constexpr double kCores = 256;
constexpr double kWire = 0.15e-12;  ///< J a byte and mm at 12 nm

Machine with_cells(const std::string& cells) {
    return shipped_machine("northpole", {{"components.core_memory.cells", cells}});
}

const Component& memory_of(const Machine& machine) {
    return machine.component(machine.find("core_memory"));
}

double energy_of(const Machine& machine, Action action) {
    return machine.energy_of(machine.find("core_memory"), action, Precision::int8).value;
}

}  // namespace

TEST_CASE(
    "Embedded DRAM beside the cores is smaller, stands by with less, and reads as its macro") {
    const Machine sram = shipped_machine("northpole");
    const Machine edram = with_cells("edram");
    CHECK(memory_of(edram).area.count() == Approx(0.268 * kMebibytes * kCores));
    CHECK(memory_of(edram).static_power.value == Approx(4e-3 * kMebibytes * kCores));
    CHECK(memory_of(sram).static_power.value == Approx(5 * memory_of(edram).static_power.value));
    const double way = 0.75 * std::sqrt(0.268 * kMebibytes);
    CHECK(energy_of(edram, Action::read) == Approx(1.361e-12 + kWire * way));
    CHECK(sram.area().count() - edram.area().count() ==
          Approx((0.803 - 0.268) * kMebibytes * kCores));
}

TEST_CASE("Stacked memory takes none of the chip, and non-volatile writes cost more than reads") {
    const Machine stacked = with_cells("stacked_dram");
    CHECK(memory_of(stacked).area.count() == 0);
    CHECK(energy_of(stacked, Action::read) ==
          Approx(15.63e-12 + kWire * 0.75 * std::sqrt(0.125 * kMebibytes)));
    const Machine mram = with_cells("mram");
    CHECK(energy_of(mram, Action::write) - energy_of(mram, Action::read) ==
          Approx((200 - 18.8) * 1e-12));
}

TEST_CASE("SRAM is what a memory is made of that says nothing, and a name that is none is told") {
    const Machine named = with_cells("sram");
    CHECK(energy_of(named, Action::read) == energy_of(shipped_machine("northpole"), Action::read));
    CHECK(memory_of(named).area == memory_of(shipped_machine("northpole")).area);
    CHECK_THROWS_WITH(with_cells("edrom"),
                      Catch::Contains("technology '12nm' has no cells 'edrom'") &&
                          Catch::Contains("did you mean 'edram'?"));
}

TEST_CASE("A server holds cards, and draws power beside them") {
    const Machine machine = shipped_machine("northpole_16");
    REQUIRE(machine.parts().server);
    const ServerConfig& server = *machine.parts().server;
    CHECK(server.power().count() == Approx(737 + 208 + 50));
    CHECK(server.servers(machine.cards()) == 1);
    CHECK(server.servers(24) == 1.5);
    CHECK_THROWS_WITH(
        shipped_machine("northpole_16", {{"server", "{cards: 0, host: 3 W}"}}),
        Catch::Contains("'cards'") && Catch::Contains("'fans'") && Catch::Contains("'network'"));
}

}  // namespace memwall
