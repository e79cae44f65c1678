// SPDX-License-Identifier: Apache-2.0
// Every mistake a user makes gives its sentence, exit status 2, and leaves nothing behind.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

const char* const kNetwork =
    "network: sound\n"
    "inputs: {image: [4, 8, 8]}\n"
    "layers:\n"
    "  - {name: a, op: conv, out_channels: 8, kernel: 3}\n"
    "  - {name: b, op: relu}\n";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t place = text.find(what);
    REQUIRE(place != std::string::npos);
    return text.replace(place, what.size(), with);
}

/// Files in a folder of the test's own, besides mine.yaml.
std::size_t other_files(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        count += entry.path().filename() == "mine.yaml" ? 0 : 1;
    }
    return count;
}

/// Runs `network` on `machine` with results asked for; expects exactly `message` and nothing else.
void check_refused(const std::string& network, const std::string& machine, const std::string& yaml,
                   const std::string& message) {
    const TemporaryFolder folder;
    if (!yaml.empty()) {
        write_text(folder.path() / "mine.yaml", yaml);
    }
    const ProgramRun run = run_memwall({"run", "--machine", machine, "--network", network, "--json",
                                        "result.json", "--csv", "result.csv"},
                                       folder.path());
    CHECK(run.err == message + "\n");
    CHECK(run.out.empty());
    CHECK(run.status == 2);
    CHECK(other_files(folder.path()) == 0);
}

/// Where `text` ends in a shipped file, as messages show it.
std::string place_behind(const std::string& file, const std::string& text) {
    const std::string path = std::string(MEMWALL_SOURCE_DIR) + "/configs/" + file;
    const std::string all = read_text(path);
    const std::size_t found = all.find(text);
    REQUIRE(found != std::string::npos);
    const std::string before = all.substr(0, found + text.size());
    const std::size_t column = before.size() - before.rfind('\n');
    return path + ":" + std::to_string(1 + std::count(before.begin(), before.end(), '\n')) + ":" +
           std::to_string(column) + ": ";
}

void check_network_refused(const std::string& yaml, const std::string& message) {
    check_refused("mine.yaml", "northpole", yaml, message);
}

}  // namespace

TEST_CASE("what an option and --set both say is refused") {
    const ProgramRun run =
        run_memwall({"run", "--machine", "von_neumann", "--network", "lenet", "--items", "5",
                     "--batch", "1", "--set", "scenario.items=3", "--set", "batch=2"});
    CHECK(run.status == 2);
    CHECK(run.out.empty());
    CHECK(run.err ==
          "error: --batch 1 and --set batch=2 say the same; give one of them\n"
          "error: --items 5 and --set scenario.items=3 say the same; give one of them\n");
}

TEST_CASE("an unknown technology hides no other fault of the machine's file") {
    check_refused(
        "lenet", "mine.yaml",
        "machine: mine\ntechnology: 12nn\nclok: 1 GHz\nclock: 1 GHz\n"
        "components:\n  array: {kind: mac_aray}\nconnections:\n  - [array, bufer]\n",
        "mine.yaml:2:13: error: unknown technology '12nn'; did you mean '12nm'? (looked "
        "in " MEMWALL_SOURCE_DIR
        "/configs/technology)\n"
        "mine.yaml:3:1: error: unknown key 'clok' in machine file; did you mean 'clock'?\n"
        "mine.yaml:6:17: error: unknown component kind 'mac_aray'; did you mean "
        "'mac_array'?\n"
        "mine.yaml:8:13: error: unknown component 'bufer'; expected array");
}

TEST_CASE("a missing file is named") {
    check_refused("nowhere.yaml", "northpole", "", "error: no network file 'nowhere.yaml'");
    check_refused("lenet", "here/mine.yaml", "", "error: no machine file 'here/mine.yaml'");
}

TEST_CASE("malformed YAML ends the reading with one message at its place") {
    check_network_refused("network: x\nlayers: [\n",
                          "mine.yaml:3:1: error: no YAML: end of sequence flow not found");
}

TEST_CASE("an unknown key is told with the nearest one") {
    check_network_refused(replaced(kNetwork, "out_channels", "out_chanels"),
                          "mine.yaml:4:25: error: unknown key 'out_chanels' in layer 'a'; did you "
                          "mean 'out_channels'?");
}

TEST_CASE("a duplicate key is told with the first one's line") {
    check_network_refused(std::string(kNetwork) + "network: again\n",
                          "mine.yaml:6:1: error: duplicate key 'network' (first at line 1)");
    check_network_refused(
        replaced(kNetwork, "out_channels", "out_chanels") + "network: again\n",
        "mine.yaml:4:25: error: unknown key 'out_chanels' in layer 'a'; did you mean "
        "'out_channels'?\n"
        "mine.yaml:6:1: error: duplicate key 'network' (first at line 1)");
}

TEST_CASE("a wrong unit is told with an example of a right one") {
    const std::string machine = read_text(MEMWALL_SOURCE_DIR "/configs/machines/von_neumann.yaml");
    const std::string wrong = replaced(machine, "capacity: 32 MiB", "capacity: 32 kg");
    const std::size_t line =
        1 +
        static_cast<std::size_t>(std::count(
            wrong.begin(), wrong.begin() + static_cast<std::ptrdiff_t>(wrong.find("32 kg")), '\n'));
    const std::size_t place = wrong.find("32 kg");
    const std::size_t column = place - wrong.rfind('\n', place);
    check_refused("lenet", "mine.yaml", wrong,
                  "mine.yaml:" + std::to_string(line) + ":" + std::to_string(column) +
                      ": error: 'capacity' in component 'global_buffer': expected bytes such as "
                      "768 KiB, found '32 kg'");
}

TEST_CASE("a size of zero or below is refused") {
    check_network_refused(replaced(kNetwork, "kernel: 3", "kernel: 0"),
                          "mine.yaml:4:50: error: 'kernel' in layer 'a': expected a value from 1 "
                          "to 2147483647, found '0'");
    check_network_refused(replaced(kNetwork, "kernel: 3", "kernel: -3"),
                          "mine.yaml:4:50: error: 'kernel' in layer 'a': expected a value from 1 "
                          "to 2147483647, found '-3'");
}

TEST_CASE("a size of zero is told once") {
    for (const char* key : {"row", "burst", "banks", "bank_groups", "channels", "capacity"}) {
        const std::string set = "machine.components.dram." + std::string(key) + "=0";
        const ProgramRun run =
            run_memwall({"run", "--machine", "von_neumann", "--network", "lenet", "--set", set});
        INFO(run.err);
        CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
        CHECK(run.err.find("--set " + set + ": error: '" + key + "' in component 'dram'") == 0);
        CHECK(run.status == 2);
    }
}

TEST_CASE("the faults of a network and of its machine are told together") {
    const TemporaryFolder folder;
    write_text(folder.path() / "net.yaml", replaced(kNetwork, "relu", "rleu"));
    write_text(folder.path() / "machine.yaml", "machine: m\nextends: von_neumann\nclok: 1 GHz\n");
    for (const std::vector<std::string>& verb :
         {std::vector<std::string>{"run", "--machine", "machine.yaml"},
          {"compare", "machine.yaml", "northpole"},
          {"show", "mapping", "--machine", "machine.yaml"}}) {
        std::vector<std::string> arguments = verb;
        arguments.insert(arguments.end(), {"--network", "net.yaml"});
        const ProgramRun run = run_memwall(arguments, folder.path());
        CHECK(run.err ==
              "machine.yaml:3:1: error: unknown key 'clok' in machine file; did you mean 'clock'?\n"
              "net.yaml:5:19: error: unknown op 'rleu'; did you mean 'relu'?\n");
        CHECK(run.status == 2);
    }
}

TEST_CASE("a fault in a template names the place that extends it") {
    const TemporaryFolder folder;
    write_text(folder.path() / "net.yaml",
               "network: mine\nextends: decoder\n"
               "parameters: {layers: 1, hidden: 100, heads: 3, inner: 8, vocabulary: 9}\n");
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"check", "./net.yaml"}, {"show", "network", "./net.yaml"}}) {
        const ProgramRun run = run_memwall(arguments, folder.path());
        CHECK(run.err.find("decoder.yaml:") != std::string::npos);
        CHECK(run.err.find("; this template is extended at ./net.yaml:2:10\n") !=
              std::string::npos);
        CHECK(run.status == 2);
    }
}

TEST_CASE("a cycle in the layers is told as a path") {
    check_network_refused(
        "network: round\n"
        "inputs: {image: [4, 8, 8]}\n"
        "layers:\n"
        "  - {name: a, op: add, inputs: [image, b]}\n"
        "  - {name: b, op: relu, inputs: [a]}\n",
        "mine.yaml:4:5: error: cycle: a -> b -> a");
}

TEST_CASE("shapes that do not meet are both told") {
    check_network_refused(
        "network: shapes\n"
        "inputs: {image: [4, 8, 8]}\n"
        "layers:\n"
        "  - {name: a, op: conv, out_channels: 8, kernel: 3}\n"
        "  - {name: b, op: add, inputs: [a, image]}\n",
        "mine.yaml:5:5: error: layer 'b': shapes do not meet: [8, 6, 6] and [4, 8, 8]");
}

TEST_CASE("a layer that the machine cannot compute is told with what it can") {
    check_network_refused(
        "network: wide\n"
        "precision: fp32\n"
        "inputs: {x: [16]}\n"
        "layers:\n"
        "  - {name: fc, op: linear, out_features: 16}\n",
        "mine.yaml:5:5: error: machine 'northpole' cannot compute layer 'fc' (linear) at fp32: "
        "component 'array' has lanes for int8, int4, int2; give one of these with --precision");
}

TEST_CASE("a network that does not fit names layer, core and bytes, and how many chips would do") {
    check_network_refused(
        "network: big\n"
        "inputs: {x: [65536]}\n"
        "layers:\n"
        "  - {name: fc, op: linear, out_features: 8192}\n",
        place_behind("machines/northpole.yaml",
                     "core_memory: {kind: sram, instances: mesh, capacity: ") +
            "error: network 'big' does not fit machine 'northpole': layer 'fc' needs 2.02 MiB in "
            "core "
            "(0, 0), 1.27 MiB more than its 768 KiB: weights 2.00 MiB, activations 8.06 KiB, "
            "instructions 10.0 KiB, gaps 96 B; in all its weights take 512 MiB, its instructions "
            "2.00 MiB and its activations 2.02 MiB of 192 MiB; 3 chips would hold it");
}

TEST_CASE("a clock so slow that a run would take years is refused") {
    const ProgramRun run = run_memwall(
        {"run", "--machine", "northpole", "--network", "lenet", "--set", "machine.clock=1Hz"});
    CHECK(run.status == 2);
    CHECK(run.err ==
          "--set machine.clock=1Hz: error: 'clock' in machine file: expected at least 1 kHz, found "
          "'1Hz'\n");
}

TEST_CASE("a network that does not fit is told at the option that made the memory small") {
    const ProgramRun run =
        run_memwall({"run", "--machine", "von_neumann", "--network", "lenet", "--engine",
                     "analytic", "--set", "machine.components.dram.capacity=16KiB"});
    CHECK(run.err.find("--set machine.components.dram.capacity=16KiB: error: network 'lenet' does "
                       "not fit the dram of machine 'von_neumann': ") == 0);
    CHECK(run.status == 2);
    const auto fault = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"run", "--engine", "analytic"});
        return run_memwall(arguments).err;
    };
    CHECK(
        fault({"--machine", "von_neumann", "--network", "resnet50", "--set",
               "machine.components.global_buffer.capacity=128B", "--set",
               "machine.components.global_buffer.bank=128B"})
            .find("--set machine.components.global_buffer.capacity=128B: error: network 'resnet50' "
                  "does not fit the buffers of the cores") == 0);
    CHECK(fault({"--machine", "t4", "--network", "lenet", "--set",
                 "machine.components.registers.capacity=16KiB"}) ==
          "--set machine.components.registers.capacity=16KiB: error: network 'lenet' does not fit "
          "machine 't4': the smallest thread block of layer 'conv1' needs 40.0 KiB of component "
          "'registers', which has 16.0 KiB\n");
    CHECK(fault({"--machine", "northpole_16", "--network", "granite_3b", "--phase", "decode",
                 "--precision", "int8"})
              .find(place_behind("machines/northpole.yaml",
                                 "core_memory: {kind: sram, instances: mesh, capacity: ") +
                    "error: network 'granite_3b' does not fit the 16 cards") == 0);
}

TEST_CASE(
    "an output that cannot be written is refused before the work, and the other is not made") {
    const TemporaryFolder folder;
    const ProgramRun run = run_memwall({"run", "--machine", "northpole", "--network", "lenet",
                                        "--json", "result.json", "--csv", "nowhere/result.csv"},
                                       folder.path());
    CHECK(run.err == "error: cannot write 'nowhere/result.csv': no folder 'nowhere'\n");
    CHECK(run.status == 2);
    CHECK(run.out.empty());
    CHECK(other_files(folder.path()) == 0);
}

TEST_CASE("all faults of a file come at once, a line each") {
    const TemporaryFolder folder;
    write_text(folder.path() / "mine.yaml",
               replaced(replaced(kNetwork, "kernel: 3", "kernal: 3"), "op: relu", "op: rely"));
    const ProgramRun run = run_memwall({"check", "mine.yaml"}, folder.path());
    CHECK(run.err ==
          "mine.yaml:4:42: error: unknown key 'kernal' in layer 'a'; did you mean 'kernel'?\n"
          "mine.yaml:5:19: error: unknown op 'rely'; did you mean 'relu'?\n");
    CHECK(run.status == 2);
}

TEST_CASE("check goes on with the other files and reports the faults of all") {
    const TemporaryFolder folder;
    write_text(folder.path() / "mine.yaml", kNetwork);
    const ProgramRun run =
        run_memwall({"check", "nowhere.yaml", "mine.yaml", "resnet51"}, folder.path());
    CHECK(run.out == "mine.yaml: fine: network 'sound', 2 layers, 10,368 MACs\n");
    CHECK(run.err.find("error: no configuration file 'nowhere.yaml'\n") == 0);
    CHECK(run.err.find("error: no configuration is called 'resnet51'; did you mean 'resnet50'? "
                       "(looked in ") != std::string::npos);
    CHECK(run.status == 2);
}

TEST_CASE("a result never takes the place of a file that it is made from") {
    const TemporaryFolder folder;
    write_text(folder.path() / "mine.yaml", kNetwork);
    for (const char* option : {"--json", "--csv"}) {
        const ProgramRun run = run_memwall(
            {"run", "--machine", "northpole", "--network", "mine.yaml", option, "./mine.yaml"},
            folder.path());
        CHECK(run.err ==
              "error: cannot write the result to './mine.yaml': that is one of the files it is "
              "made from\n");
        CHECK(run.status == 2);
        CHECK(read_text(folder.path() / "mine.yaml") == kNetwork);
    }
}

TEST_CASE("numbers beyond what a machine can have are refused, with the key and the limit") {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"dram.bandwidth=1B/s", "'bandwidth' in component 'dram': expected at least 1 kB/s"},
        {"dram.channels=1000000000", "'channels' in component 'dram': expected at most 4,096"},
        {"dram.row=1B", "'row' in component 'dram': expected bursts, a power of two of them"},
        {"host.bandwidth=0B/s", "'bandwidth' in component 'host': expected a value above zero"},
        {"host.latency=100000s", "'latency' in component 'host': expected at most 1 s"},
        {"array.instances=1000000000",
         "'instances' in component 'array': expected at most 1,048,576"},
        {"array.pipeline=9000000000000000000 cycles",
         "'pipeline' in component 'array': expected at most 1,000,000,000 cycles"},
    };
    for (const auto& [set, sentence] : cases) {
        INFO(set);
        const ProgramRun run = run_memwall({"run", "--machine", "von_neumann", "--network", "lenet",
                                            "--set", "machine.components." + set});
        CHECK(run.err == "--set machine.components." + set + ": error: " + sentence + ", found '" +
                             set.substr(set.find('=') + 1) + "'\n");
        CHECK(run.status == 2);
    }
}

TEST_CASE("check asks the mapper whether it can use a machine") {
    const TemporaryFolder folder;
    for (const auto& [machine, line] :
         {std::pair{"northpole", "  - [model_network, weight_buffer]\n"},
          {"von_neumann", "  - [global_buffer, bus]\n"}}) {
        const std::string shipped =
            read_text(std::filesystem::path(MEMWALL_SOURCE_DIR) / "configs/machines" /
                      (machine + std::string(".yaml")));
        write_text(folder.path() / "mine.yaml", replaced(shipped, line, ""));
        const ProgramRun run = run_memwall({"check", "mine.yaml"}, folder.path());
        INFO(run.err);
        CHECK(run.err.find("mine.yaml:4:10: error: machine '" + std::string(machine) + "': the ") ==
              0);
        CHECK(run.err.find("mapper needs a connection of '") != std::string::npos);
        CHECK(run.status == 2);
    }
}

TEST_CASE("numbers of components that do not go together are one fault, told at their cause") {
    const auto told = [](const std::string& machine, const std::string& set) {
        const ProgramRun run = run_memwall({"run", "--machine", machine, "--network", "lenet",
                                            "--engine", "analytic", "--set", set});
        CHECK(run.status == 2);
        return run.err;
    };
    const std::string array = "machine.components.array.instances=128";
    CHECK(told("von_neumann", array) ==
          "--set " + array +
              ": error: machine 'von_neumann': the tiling mapper needs as many instances of "
              "'operand_buffer' (256), 'vector' (256), 'accumulators' (256) as of 'array' (128)\n");
    const std::string cores = "machine.components.core_buffer.instances=3";
    CHECK(told("tiny_loop_nest", cores) ==
          "--set " + cores +
              ": error: machine 'tiny_loop_nest': the loop_nest mapper needs as many instances of "
              "'array' "
              "(4), 'vector' (4) as of 'core_buffer' (3), or a multiple\n");
    const std::string pad = "machine.components.filter_pad.instances=100";
    const std::string pads = told("eyeriss", pad);
    CHECK(pads.find("--set " + pad + ": error: ") == 0);
    CHECK(std::count(pads.begin(), pads.end(), '\n') == 1);
    const std::string elements = "machine.components.pe.instances=100";
    CHECK(told("maestro_256", elements) == "--set " + elements +
                                               ": error: machine 'maestro_256': the loop_nest "
                                               "mapper needs as many instances of 'pe' (100) as "
                                               "of 'l1' (256), or a multiple\n");
}
