// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_yaml.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "arch/mapper.hpp"
#include "arch/program_builder.hpp"
#include "base/error.hpp"
#include "tests/support/machines.hpp"

namespace memwall {
namespace {

std::string fault_of_text(const std::string& yaml) {
    try {
        test::machine_of_text(yaml);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

const std::string kHead = "machine: m\ntechnology: round\nclock: 1 GHz\n";

}  // namespace

TEST_CASE("The shipped machines load, and their numbers are those of their files") {
    const Machine twin = test::shipped_machine("von_neumann");
    CHECK(twin.parts().mapper == "tiling");
    CHECK(twin.component(twin.find("array")).instances == 256);
    CHECK(twin.clocks().front().frequency() == Hertz(400'000'000));
    CHECK(std::get<MemoryConfig>(twin.component(twin.find("global_buffer")).config).capacity ==
          Bytes(32 << 20));
    CHECK(twin.dram(DramId(std::size_t{0})).peak().count() == Approx(900e9).epsilon(0.01));
    const Machine northpole = test::shipped_machine("northpole");
    CHECK(northpole.parts().mapper == "spatial");
    CHECK(northpole.of_kind(ComponentKind::mesh).size() == 4);
    CHECK(northpole.drams().empty());
}

TEST_CASE("dadiannao_like has the published peak and eDRAM of its paper's chip") {
    const Machine chip = test::shipped_machine("dadiannao_like");
    const Component& array = chip.component(chip.find("array"));
    const Component& vector = chip.component(chip.find("vector"));
    const ArrayShape& shape = std::get<MacArrayConfig>(array.config).shapes.front();
    CHECK(shape.precision == Precision::int16);
    // 256 multipliers in the array of a tile, 32 more behind it, as many adders.
    const std::int64_t multipliers =
        shape.inputs * shape.outputs * array.instances +
        std::get<VectorUnitConfig>(vector.config).lanes * vector.instances;
    CHECK(2.0 * static_cast<double>(multipliers) *
              static_cast<double>(chip.clocks().front().frequency().count()) ==
          Approx(5.58e12).epsilon(0.002));
    std::int64_t bytes = 0;
    for (const char* name : {"core_memory", "frame_buffer"}) {
        const Component& memory = chip.component(chip.find(name));
        bytes += std::get<MemoryConfig>(memory.config).capacity.count() * memory.instances;
    }
    CHECK(bytes == 36 << 20);
}

TEST_CASE("Every number of a machine says where it comes from") {
    const Machine machine = test::shipped_machine("northpole");
    REQUIRE(!machine.parts().provenance.empty());
    bool found = false;
    for (const Provenance& provenance : machine.parts().provenance) {
        CHECK(!provenance.source.empty());
        if (provenance.path == "components.core_memory.capacity") {
            found = true;
            CHECK(provenance.status == Status::published);
        }
    }
    CHECK(found);
}

TEST_CASE("Neighbours and ports are those of the connections and widths") {
    const Machine machine = test::shipped_machine("tiny_von_neumann");
    const auto name_of = [&](ComponentId id) { return machine.component(id).name; };
    std::vector<std::string> names;
    for (const ComponentId id : machine.neighbours(machine.find("dram"))) {
        names.push_back(name_of(id));
    }
    CHECK(names == std::vector<std::string>{"host", "global_buffer"});
    CHECK(machine.links()[machine.medium(machine.find("bus")).position()].bytes_per_cycle == 8);
    // The ports of four operand buffers act as one.
    const LinkId write = machine.write_port(machine.find("operand_buffer"));
    CHECK(machine.links()[write.position()].bytes_per_cycle == 4 * 16);
    CHECK(!machine.read_port(machine.find("accumulators")).valid());
    CHECK(machine.links()[machine.inbound(machine.find("host")).position()].bytes_per_cycle == 1);
    CHECK(!machine.find("nothing").valid());
}

TEST_CASE("A move begins with the latency of the memory that it reads") {
    const Machine machine = test::shipped_machine(
        "tiny_von_neumann", {{"components.global_buffer.latency", "7 cycles"}});
    const ComponentId buffer = machine.find("global_buffer");
    const ComponentId operands = machine.find("operand_buffer");
    CHECK(move_between(machine, buffer, operands, Bytes(16)).latency == Cycles(7));
    CHECK(move_between(machine, operands, buffer, Bytes(16)).latency == Cycles(0));
}

TEST_CASE("An elementwise operation costs an addition in the format of the vector unit") {
    const auto picojoules = [](const Machine& machine, Action action, Precision precision) {
        return machine.energy_of(machine.find("vector"), action, precision).value * 1e12;
    };
    // configs/technology/12nm.yaml has 0.2086 pJ for an addition of fp16, 0.4878 of fp32, 0.01067
    // of int8 and 0.04252 of int32.
    const Machine northpole = test::shipped_machine("northpole");
    CHECK(picojoules(northpole, Action::vector, Precision::int4) == Approx(0.2086));
    CHECK(picojoules(northpole, Action::vector, Precision::fp32) == Approx(0.4878));
    CHECK(picojoules(northpole, Action::accumulate, Precision::int32) == Approx(0.2086));
    const Machine integer =
        test::shipped_machine("northpole", {{"components.vector.precision", "int8"}});
    CHECK(picojoules(integer, Action::vector, Precision::int4) == Approx(0.01067));
    CHECK(picojoules(integer, Action::vector, Precision::fp16) == Approx(0.2086));
    CHECK(picojoules(integer, Action::accumulate, Precision::int32) == Approx(0.04252));
    // Without a format it is the technology's operation, and sums cost what they are.
    const Machine tiny = test::shipped_machine("tiny_northpole");
    CHECK(picojoules(tiny, Action::vector, Precision::int8) == Approx(0.2));
    CHECK(picojoules(tiny, Action::accumulate, Precision::int32) == Approx(0.05));
}

TEST_CASE("A vector unit so many bytes wide has a lane for each value of its format") {
    const auto lanes = [](const std::string& precision) {
        const Machine machine =
            test::shipped_machine("northpole", {{"components.vector",
                                                 "{kind: vector_unit, instances: 256, width: 512 B,"
                                                 " precision: " +
                                                     precision + "}"}});
        return std::get<VectorUnitConfig>(machine.component(machine.find("vector")).config).lanes;
    };
    CHECK(lanes("fp16") == 256);
    CHECK(lanes("fp32") == 128);
    CHECK(lanes("int8") == 512);
}

TEST_CASE("The parts of a core and the networks between them follow from the machine's mesh") {
    const Machine shipped = test::shipped_machine("northpole");
    const Machine small =
        test::shipped_machine("northpole", {{"mesh.columns", "8"}, {"mesh.rows", "4"}});
    for (const char* part : {"core_memory", "weight_buffer", "accumulators", "array", "vector"}) {
        const Component& of_small = small.component(small.find(part));
        const Component& of_shipped = shipped.component(shipped.find(part));
        CHECK(of_shipped.instances == 256);
        CHECK(of_small.instances == 32);
        CHECK(8 * of_small.area.count() == Approx(of_shipped.area.count()));
    }
    for (const char* part :
         {"model_network", "activation_network", "partial_sum_network", "instruction_network"}) {
        const auto& mesh = std::get<MeshConfig>(small.component(small.find(part)).config);
        CHECK(mesh.columns == 8);
        CHECK(mesh.rows == 4);
    }
    CHECK(small.component(small.find("frame_buffer")).instances == 1);
    check_mappable(small);

    using Catch::Contains;
    CHECK_THAT(test::fault_of_machine("northpole", {{"components.model_network.rows", "8"}}),
               Contains("'rows' in component 'model_network': expected none, or the 16 of the "
                        "machine's 'mesh', found '8'"));
    CHECK(test::fault_of_machine("northpole", {{"components.model_network.rows", "16"}}).empty());
    CHECK_THAT(test::fault_of_machine("northpole", {{"mesh.rows", "0"}}), Contains("above zero"));
    CHECK_THAT(test::fault_of_machine("northpole", {{"mesh.rows", "2000"}}),
               Contains("at most 1,024 cores"));
    CHECK_THAT(test::fault_of_machine("northpole", {{"mesh.row", "8"}}),
               Contains("unknown key 'row'"));
    CHECK_THAT(test::fault_of_machine("tiny_northpole", {{"components.vector.instances", "mesh"}}),
               Contains("'instances: mesh' in component 'vector' needs 'mesh: {columns, rows}' in "
                        "the machine"));
    CHECK_THAT(test::fault_of_machine("tiny_northpole", {{"mesh", "{columns: 2, rows: 2}"}}),
               Contains("no component follows from 'mesh'"));
    CHECK_THROWS_WITH(
        check_mappable(test::shipped_machine("northpole", {{"components.vector.instances", "64"}})),
        Contains("as many instances of 'vector' (64) as of 'array' (256)"));
}

TEST_CASE("A machine without any memory on the chip is told once") {
    const Machine bare = test::machine_of_text(
        "machine: bare\ntechnology: round\nclock: 1 GHz\nmapper: tiling\ncomponents:\n"
        "  dram: {kind: dram, type: round, capacity: 1 MiB}\n"
        "  array: {kind: mac_array, lanes: {int8: {inputs: 4, outputs: 4}}}\n"
        "  vector: {kind: vector_unit, lanes: 4, pipeline: 1 cycle}\n");
    CHECK_THROWS_WITH(check_mappable(bare),
                      "machine.yaml:1:10: error: machine 'bare': the tiling mapper needs an sram "
                      "connected to the dram and an sram connected to the mac_array, one an array");
}

TEST_CASE("Each fault of a machine file has its sentence") {
    using Catch::Contains;
    const std::string tiny = "tiny_von_neumann";
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.bus.kind", "buss"}}),
               Contains("unknown component kind 'buss'; did you mean 'bus'?"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.bus.widht", "8 B"}}),
               Contains("unknown key 'widht'") && Contains("did you mean 'width'?"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.bus.width", "8 kg"}}),
               Contains("expected bytes"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.bus.width", "0 B"}}),
               Contains("above zero"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.global_buffer.width", "2 KiB"}}),
               Contains("expected at most the bank's size"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.global_buffer.ports", "0"}}),
               Contains("above zero"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.global_buffer.ports", "17"}}),
               Contains("16"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.accumulators.bank", "2 KiB"}}),
               Contains("expected at most the capacity of 1.00 KiB"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"clock", "0 Hz"}}), Contains("above zero"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"memwall", "2"}}),
               Contains("unknown schema version"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"mapper", "tilling"}}),
               Contains("did you mean 'tiling'?"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"connections", "[[dram, globel_buffer]]"}}),
               Contains("unknown component 'globel_buffer'; did you mean 'global_buffer'?"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"connections", "[[dram]]"}}),
               Contains("expected a connection of two components"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.interleave", "12 B"}}),
               Contains("expected a multiple of the burst"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.row", "12 B"}}),
               Contains("expected bursts, a power of two of them"));
    CHECK_THAT(test::fault_of_machine(
                   tiny, {{"components.dram.tREFI", "10 ns"}, {"components.dram.tRFC", "10 ns"}}),
               Contains("expected less than tREFI"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.tREFI", "7.8 us"}}),
               Contains("expected none where there is no tRFC"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.CL", "0 ns"}}),
               Contains("expected more than 0"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.dram.tRP", "10 kg"}}),
        Contains("expected clocks of the DRAM such as '4 cycles', or a time such as '14 ns'"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.dram.mapping", "[row, bank:2, colum:7]"}}),
        Contains("unknown field 'colum'; did you mean 'column'?"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.dram.mapping", "[row, bank:2, column:6]"}}),
        Contains("expected 7 bits of the column, found 6"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.dram.mapping", "[bank:2, row, column:7]"}}),
        Contains("expected 'row' once and first"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.mapping", "[]"}}),
               Contains("expected 'row' first"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.dram.mapping", "[row, column, column, bank]"}}),
        Contains("'column' without a number of bits stands twice"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.dram.mapping_xor", "[\"bank column:9\"]"}}),
        Contains("expected a bit of the column below 7"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.mapping_xor", "[column bank:0]"}}),
               Contains("expected bits of the row or the column in the bank or the bank_group"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.dram.banks", "3"}}),
               Contains("expected a power of two"));
    CHECK_THAT(test::fault_of_machine(
                   tiny, {{"components.array.lanes", "{int9: {inputs: 1, outputs: 1}}"}}),
               Contains("unknown precision 'int9'"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.array.lanes", "{}"}}),
               Contains("expected at least one precision with its lanes"));
    CHECK_THAT(test::fault_of_machine(
                   tiny, {{"components.array.lanes", "{fp32: {inputs: 1, outputs: 1}}"}}),
               Contains("has no energy for a multiply-accumulate at fp32"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.vector.precision", "fp61"}}),
               Contains("did you mean 'fp16'?"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.vector.precision", "fp16"}}),
               Contains("technology round has no energy for an addition at fp16"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.vector.width", "4 B"}}),
               Contains("'lanes' already says how many operations it does a cycle"));
    CHECK_THAT(
        test::fault_of_machine(tiny, {{"components.vector", "{kind: vector_unit, width: 4 B}"}}),
        Contains("expected 'precision' beside it, for what a lane takes"));
    CHECK_THAT(
        test::fault_of_machine(
            tiny, {{"components.vector", "{kind: vector_unit, width: 6 B, precision: int32}"}}),
        Contains("expected a whole number of int32 values"));
    CHECK_THAT(test::fault_of_machine(tiny, {{"components.global_buffer.bank", "32 KiB"}}),
               Contains("expected at most the capacity"));
    CHECK_THAT(test::fault_of_machine("northpole_rack", {{"server.link", "ethernot"}}),
               Contains("'link' in 'server': no component of kind link is called 'ethernot'; did "
                        "you mean 'ethernet'?"));
    CHECK_THAT(
        test::fault_of_machine("h100_sxm_2", {{"server",
                                               "{cards: 8, link: nvlink, host: {value: 1 W, "
                                               "status: assumed, source: a}, fans: {value: 1 W, "
                                               "status: assumed, source: a}, network: {value: "
                                               "1 W, status: assumed, source: a}}"}}),
        Contains("only cards that are a pipeline go over several servers"));
    CHECK_THAT(test::fault_of_machine("northpole",
                                      {{"provenance", "{clock: {status: guessed, source: me}}"}}),
               Contains("unknown status 'guessed'"));
    CHECK_THAT(test::fault_of_machine("northpole", {{"provenance", "{clock: {status: assumed}}"}}),
               Contains("'source'"));
}

TEST_CASE("All faults of a machine file come at once, each with its place") {
    const std::string faults = fault_of_text(
        kHead +
        "components:\n  a: {kind: srma, capacity: 1 B}\n  b: {kind: bus, width: 3 s}\n"
        "conections: []\n");
    CHECK_THAT(faults, Catch::Contains("machine.yaml:5:13: error: unknown component kind 'srma'"));
    CHECK_THAT(faults, Catch::Contains("machine.yaml:6:"));
    CHECK_THAT(faults, Catch::Contains("'length'"));
    CHECK_THAT(faults, Catch::Contains("machine.yaml:7:1: error: unknown key 'conections'"));
    std::string misspelt = kHead;
    misspelt.replace(misspelt.find("clock"), 5, "clok");
    const std::string more =
        fault_of_text(misspelt + "components:\n  a: {kind: srma, capacity: 1 B}\n");
    CHECK_THAT(more, Catch::Contains("unknown key 'clok'") &&
                         Catch::Contains("did you mean 'clock'?") &&
                         Catch::Contains("unknown component kind 'srma'"));
}

TEST_CASE("Faults in an array's dataflow have their sentences, one each") {
    const auto fault = [](const test::Overrides& keys) {
        test::Overrides overrides;
        for (const auto& [key, value] : keys) {
            overrides.emplace_back("components.array." + key, value);
        }
        return test::fault_of_machine("tiny_loop_nest", overrides);
    };
    const std::string weights = "weight_stationary";
    const std::string lanes = "{int8: {rows: 4, columns: 4}}";
    CHECK(fault({{"dataflow", weights}, {"lanes", lanes}}).empty());
    const auto one = [](const std::string& text, const std::string& sentence) {
        CHECK_THAT(text, Catch::EndsWith("error: " + sentence));
        CHECK(text.find("error: ") == text.rfind("error: "));
    };
    one(fault({{"dataflow", "weigth_stationary"}}),
        "unknown dataflow 'weigth_stationary'; did you mean 'weight_stationary'?");
    one(fault({{"dataflow", weights}, {"lanes", "{int8: {inputs: 4, columns: 4}}"}}),
        "'inputs' in lanes at int8: lanes are given as 'rows' in an array with 'dataflow: "
        "weight_stationary'");
    one(fault({{"lanes", "{int8: {inputs: 4, columns: 4}}"}}),
        "'columns' in lanes at int8: lanes are given as 'outputs' in an array with 'dataflow: "
        "dot_product'");
    one(fault({{"dataflow", weights}, {"lanes", "{int8: {rows: 4}}"}}),
        "missing key 'columns' in lanes at int8");
    one(fault({{"dataflow", "output_stationary"}, {"lanes", lanes}, {"loads_ahead", "true"}}),
        "'loads_ahead' in component 'array': nothing is shifted in before lanes begin in an array "
        "with 'dataflow: output_stationary'");
    one(fault({{"loads_ahead", "false"}}),
        "'loads_ahead' in component 'array': nothing is shifted in before lanes begin in an array "
        "with 'dataflow: dot_product'");
    one(fault({{"dataflow", weights}, {"lanes", lanes}, {"weight_load", "2 cycles"}}),
        "'weight_load' in component 'array': rows decide how long loading takes in an array with "
        "'dataflow: weight_stationary'");
    one(fault({{"dataflow", "row_stationary"}, {"lanes", "{int8: {rows: 4, outputs: 1}}"}}),
        "'rows' in lanes at int8: lanes are given as 'inputs' in an array with 'dataflow: "
        "row_stationary'");
    one(test::fault_of_machine("t4", {{"components.tensor_cores.zero_gating", "true"}}),
        "'zero_gating' needs 'mapper: loop_nest' in the machine");
    one(test::fault_of_machine("t4", {{"components.tensor_cores.dataflow", weights},
                                      {"components.tensor_cores.lanes", lanes}}),
        "'dataflow: weight_stationary' needs 'mapper: loop_nest' in the machine");
}

TEST_CASE("Faults in a code of runs have their sentences") {
    const auto fault = [](const char* code) {
        return test::fault_of_machine("eyeriss", {{"components.dma.run_length_code", code}});
    };
    CHECK(fault("{run: 4, pairs: 2, block: 8 B}").empty());
    CHECK_THAT(fault("{run: 5, pairs: 3}"),
               Catch::Contains("missing key 'block' in 'run_length_code'"));
    CHECK_THAT(fault("{run: 5, pairs: 13, block: 8 B}"),
               Catch::Contains("expected a block with room for its runs and values"));
    CHECK_THAT(fault("{run: 17, pairs: 1, block: 8 B}"), Catch::Contains("at most 16 bits"));
    CHECK_THAT(test::fault_of_machine("von_neumann", {{"components.dma.run_length_code",
                                                       "{run: 5, pairs: 3, block: 8 B}"}}),
               Catch::Contains("'run_length_code' needs 'mapper: loop_nest' in the machine"));
}

TEST_CASE("Faults in what only GPUs say have their sentences") {
    const auto fault = [](const char* path, const char* value) {
        return test::fault_of_machine("t4", {{path, value}});
    };
    CHECK(fault("power_cap.voltage_slope", "2").find("expected at most 1") != std::string::npos);
    CHECK(fault("power_cap.voltage_slope", "-1").find("expected a share of 0 to 1") !=
          std::string::npos);
    CHECK(fault("power_cap.lowest_clock", "2 GHz").find("expected at most the machine's clock") !=
          std::string::npos);
    CHECK(fault("clock", "0 Hz").find("lowest_clock") == std::string::npos);
    CHECK(fault("power_cap.pwoer", "3 W").find("did you mean 'power'?") != std::string::npos);
    CHECK(fault("components.tensor_cores.issue_efficiency", "1.5").find("expected at most 1") !=
          std::string::npos);
    for (const char* pattern : {"2", "4:2", "0:4", "two:four", "2:4:8"}) {
        INFO(pattern);
        CHECK(fault("components.tensor_cores.sparse", pattern)
                  .find("expected kept and all words of a group such as 2:4") != std::string::npos);
    }
    CHECK(fault("components.tensor_cores.sparse", "2:4").empty());
    CHECK(fault("technology", "45nm").find("has no 'operand_issue_per_byte' for instructions") !=
          std::string::npos);
}

}  // namespace memwall
