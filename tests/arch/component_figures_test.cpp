// SPDX-License-Identifier: Apache-2.0
// What the components of a machine file cost: by the tables of its technology, by figures and cells
// of their own, and by its supply.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "arch/machine_yaml.hpp"
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

TEST_CASE("Energies follow from the tables of the technology by the stated rules") {
    const Machine machine = shipped_machine("tiny_von_neumann");
    const auto energy = [&](const char* component, Action action) {
        return machine.energy_of(machine.find(component), action, Precision::int8).value * 1e12;
    };
    // 16 KiB of 16 mm2 a MiB: a side of 0.5 mm, 0.375 mm of wire at 0.4 pJ, and a macro of 1 KiB.
    CHECK(energy("global_buffer", Action::read) == Approx(1 + 0.15).epsilon(1e-12));
    CHECK(energy("operand_buffer", Action::write) == Approx(1 + 0.075).epsilon(1e-12));
    CHECK(energy("bus", Action::transfer) == Approx(0.4).epsilon(1e-12));
    CHECK(energy("bus", Action::hop) == Approx(0.2).epsilon(1e-12));
    CHECK(energy("array", Action::mac) == Approx(0.5).epsilon(1e-12));
    CHECK(energy("array", Action::gated_mac) == Approx(0.05).epsilon(1e-12));
    CHECK(energy("dram", Action::read) == Approx(40).epsilon(1e-12));
    CHECK_THROWS_AS(energy("bus", Action::mac), InternalError);
}

TEST_CASE("SRAM energy goes through the points of the table and straight between them") {
    Technology tech;
    tech.name = "test";
    tech.sram_read = {{Bytes(1024), {1, 1, 1, Status::published, "a"}},
                      {Bytes(16384), {2, 2, 2, Status::published, "b"}},
                      {Bytes(65536), {8, 8, 8, Status::published, "c"}}};
    CHECK(tech.sram_read_energy({Bytes(1024)}).value == 1);
    CHECK(tech.sram_read_energy({Bytes(1024)}).status == Status::published);
    CHECK(tech.sram_read_energy({Bytes(16384)}).value == 2);
    // A quarter of the way to 16 times the size: the fourth root of 2. Then the fourth of 4 times.
    CHECK(tech.sram_read_energy({Bytes(2048)}).value == Approx(std::pow(2.0, 0.25)).epsilon(1e-12));
    CHECK(tech.sram_read_energy({Bytes(32768)}).value == Approx(4).epsilon(1e-12));
    CHECK(tech.sram_read_energy({Bytes(2048)}).status == Status::derived);
    // The slope of the last two goes on. Smaller macros lie on the line to the register file.
    CHECK(tech.sram_read_energy({Bytes(262144)}).value == Approx(32).epsilon(1e-12));
    tech.register_file = {0.125, 0.1, 0.2, Status::published, "d"};
    CHECK(tech.sram_read_energy({Bytes(256)}).value == Approx(0.25).epsilon(1e-12));
    CHECK(tech.sram_read_energy({Bytes(64)}).value == 0.125);
}

TEST_CASE("A small SRAM costs less at each newer node") {
    double before = std::numeric_limits<double>::infinity();
    for (const char* node : {"65nm", "45nm", "28nm", "16nm", "12nm", "7nm", "5nm"}) {
        INFO(node);
        const auto read = [&](const char* bytes) {
            const Machine small =
                shipped_machine("tiny_loop_nest", {{"technology", node},
                                                   {"components.core_buffer.bank", bytes},
                                                   {"components.core_buffer.width", "8 B"}});
            return small.energy_of(small.find("core_buffer"), Action::read, Precision::int8).value;
        };
        CHECK(read("1 KiB") < before);
        CHECK(read("128 B") < read("1 KiB"));
        before = read("1 KiB");
    }
}

TEST_CASE("Wider words cost less a byte, and ports cost energy, time, area and leakage") {
    // Of the technology `round`: energy a byte by the root of the width over 8 B, and energy, time
    // and area in proportion to the ports. 16 KiB have 0.25 mm2, and 0.375 mm of wire at 0.4 pJ.
    const auto buffer = [](const test::Overrides& overrides) {
        return shipped_machine("tiny_von_neumann", overrides);
    };
    const auto read = [](const Machine& machine) {
        return machine.energy_of(machine.find("global_buffer"), Action::read, Precision::int8)
                   .value *
               1e12;
    };
    const auto component = [](const Machine& machine) -> const Component& {
        return machine.component(machine.find("global_buffer"));
    };
    const Machine wide = buffer({{"components.global_buffer.width", "32 B"}});
    CHECK(read(wide) == Approx(0.5 + 0.15).epsilon(1e-12));
    const Machine narrow = buffer({{"components.global_buffer.width", "2 B"}});
    CHECK(read(narrow) == Approx(2 + 0.15).epsilon(1e-12));

    const Machine single = buffer({});
    const Machine four = buffer({{"components.global_buffer.ports", "4"}});
    CHECK(component(four).area.count() == Approx(4 * 0.25).epsilon(1e-12));
    CHECK(read(four) == Approx(4 + 2 * 0.15).epsilon(1e-12));  // and a side twice as long
    CHECK(component(four).static_power.value == component(single).static_power.value);
    const auto& memory = std::get<MemoryConfig>(component(four).config);
    CHECK(memory.access.value == Approx(4e-9).epsilon(1e-12));
    CHECK(memory.latency == Cycles(3));  // the fourth is the one in which the word leaves
    CHECK(single.read_latency(single.find("global_buffer")) == Cycles(0));
    CHECK(four.read_latency(four.find("array")) == Cycles(0));

    // A macro of 16 KiB takes 2 ns; what a file says goes before.
    CHECK(buffer({{"components.global_buffer.bank", "16 KiB"}})
              .read_latency(single.find("global_buffer")) == Cycles(1));
    CHECK(buffer({{"components.global_buffer.latency", "7 cycles"}})
              .read_latency(single.find("global_buffer")) == Cycles(7));
}

TEST_CASE("A register file's energy lies between the published one and the smallest SRAM") {
    const auto accumulator = [](const std::string& bank) {
        const Machine machine =
            shipped_machine("tiny_von_neumann", {{"components.accumulators.bank", bank}});
        return machine.energy_of(machine.find("accumulators"), Action::read, Precision::int32)
                   .value *
               1e12;
    };
    // 0.1 pJ at 128 B and 1 pJ at 1 KiB: a power of log 10 / log 8.
    CHECK(accumulator("128 B") == Approx(0.1).epsilon(1e-12));
    CHECK(accumulator("64 B") == Approx(0.1).epsilon(1e-12));
    CHECK(accumulator("256 B") == Approx(std::pow(10.0, 1.0 / 3) / 10).epsilon(1e-12));
    CHECK(accumulator("1 KiB") == Approx(1).epsilon(1e-12));
    CHECK(accumulator("512 B") < accumulator("1 KiB"));
}

TEST_CASE("A component's own figures stand in place of the technology's") {
    const Machine machine = shipped_machine("timeloop_eyeriss_like");
    const auto joules = [&](const char* component, Action action) {
        return machine.energy_of(machine.find(component), action, Precision::int8).value;
    };
    CHECK(joules("mac", Action::mac) == Approx(0.207692e-12));
    CHECK(joules("shared_glb", Action::read) == Approx(18.183829e-12 / 8));
    CHECK(joules("psum_spad", Action::write) == Approx(0.2191e-12));
    CHECK(machine.standing_power().count() == 0);
    const std::string watts = "{value: 2 mW, status: assumed, source: s}";
    const Machine leaks = shipped_machine(
        "timeloop_eyeriss_like",
        {{"components.psum_spad.leakage", watts}, {"components.mac.clock_power", watts}});
    CHECK(leaks.standing_power().count() == Approx(2 * 168 * 2e-3));
    CHECK_THAT(test::fault_of_machine("timeloop_eyeriss_like",
                                      {{"components.mac.mac_energy", "{value: 1 pJ}"}}),
               Catch::Contains("missing key 'status'"));
}

TEST_CASE("Lanes take the area of the precision that needs most") {
    const auto area = [](const test::Overrides& overrides) {
        const Machine machine = shipped_machine("northpole", overrides);
        return machine.component(machine.find("array")).area.count();
    };
    CHECK(area({{"components.array.lanes.int4.outputs", "128"}}) == Approx(4 * area({})));
    CHECK(area({{"components.array.lanes.int4.outputs", "16"}}) == Approx(area({})).epsilon(1e-3));
}

TEST_CASE("A hop is as long as a tile of the chip, whatever its cores are made of") {
    const auto pitch = [](const test::Overrides& overrides) {
        const Machine machine = shipped_machine("northpole", overrides);
        const Component& mesh = machine.component(machine.find("activation_network"));
        const double own = std::get<MeshConfig>(mesh.config).pitch.count();
        CHECK(own == Approx(std::sqrt(machine.area().count() / kCores)));
        CHECK(mesh.energies.front().joules.value ==
              Approx(machine.parts().technology.wire.value * own));
        return own;
    };
    CHECK(pitch({}) == Approx(1.768).epsilon(1e-3));  // 800 mm2 in 256 tiles
    CHECK(pitch({{"components.core_memory.capacity", "3 MiB"}}) > 2.2);
    CHECK(pitch({{"components.core_memory.cells", "edram"}}) < 1.66);
    CHECK(pitch({{"technology", "7nm"}}) < 1.2);
    const Machine said = shipped_machine("northpole", {{"components.model_network.pitch", "1 mm"}});
    const Component& model = said.component(said.find("model_network"));
    CHECK(std::get<MeshConfig>(model.config).pitch == Millimetres(1));
}

TEST_CASE("Energies and leakage of a chip go with the square of its supply, its DRAM's do not") {
    const Machine shipped = shipped_machine("tiny_von_neumann");  // its technology's supply: 1 V
    const Machine low = shipped_machine("tiny_von_neumann", {{"supply", "0.5 V"}});
    const auto read = [](const Machine& machine, const char* component) {
        return machine.energy_of(machine.find(component), Action::read, Precision::int8).value;
    };
    CHECK(read(low, "global_buffer") == Approx(read(shipped, "global_buffer") / 4));
    CHECK(read(low, "dram") == read(shipped, "dram"));
    const auto standing = [](const Machine& machine, const char* component) {
        const Component& its = machine.component(machine.find(component));
        return its.static_power.value + its.clock_power.value;
    };
    CHECK(standing(low, "array") == Approx(standing(shipped, "array") / 4));
    CHECK(standing(low, "dram") == standing(shipped, "dram"));
    CHECK(low.area() == shipped.area());

    CHECK_THAT(test::fault_of_machine("tiny_von_neumann", {{"supply", "2 V"}}),
               Catch::Contains("500 mV to 1.50 V, since the technology's figures hold at 1.00 V"));
    CHECK_THAT(test::fault_of_machine("tiny_von_neumann", {{"supply", "1"}}),
               Catch::Contains("0.8 V"));
}

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
