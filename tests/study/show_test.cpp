// SPDX-License-Identifier: Apache-2.0
// What `memwall show` says of machines and DRAMs, and numbers with a source that are set as bare
// ones.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

Json number_of(const Json& shown, const std::string& name) {
    for (const Json& number : shown["numbers"]) {
        if (number["number"] == name) {
            return number;
        }
    }
    return nullptr;
}

Json shown_json(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "show");
    return json_of(arguments);
}

/// What `show mapping` says of a network, after a check that it moves what `run` does: all bytes of
/// a round at every memory.
Json shown_as_run(const std::vector<std::string>& what) {
    const auto answer = [&](std::vector<std::string> words) {
        words.insert(words.end(), what.begin(), what.end());
        return json_of(words);
    };
    Json shown = answer({"show", "mapping"});
    const Json run = answer({"run", "--engine", "analytic"})["runs"][0];
    const double rounds = run["totals"]["items"].get<double>() / shown["sub_batch"].get<double>();
    int rows = 0;
    for (std::size_t l = 0; l < shown["layers"].size(); ++l) {
        for (const Json& row : shown["layers"][l]["traffic_bytes"]) {
            const Json& of = run["layers"][l]["traffic_bytes"][row["memory"].get<std::string>()]
                                [row["tensor"].get<std::string>()];
            CHECK(row["read"].get<double>() * rounds == of["read"].get<double>());
            CHECK(row["written"].get<double>() * rounds == of["write"].get<double>());
            ++rows;
        }
    }
    CHECK(rows > 5);
    CHECK(shown["seconds_a_sub_batch"].get<double>() * rounds ==
          Approx(run["totals"]["window_s"].get<double>()));
    CHECK(shown["energy_a_sub_batch_j"].get<double>() * rounds ==
          Approx(run["totals"]["energy_j"].get<double>()));
    return shown;
}

}  // namespace

TEST_CASE("show dram tells a standard's timings in clocks and in time, its peak, and its sources") {
    const Json hbm2 = shown_json({"dram", "hbm2"});
    // 16 channels, 32 B in 2 clocks of 1 ns; tRCD 14, CL 14 and the burst.
    CHECK(hbm2["peak_bytes_per_s"] == 256e9);
    CHECK(hbm2["read_latency_s"] == 30e-9);
    const Json ddr4 = shown_json({"dram", "ddr4"});
    for (const Json& timing : ddr4["timings"]) {
        CHECK(timing["s"].get<double>() ==
              Approx(timing["clocks"].get<double>() * ddr4["clock_s"].get<double>()));
    }
    CHECK(number_of(hbm2, "dram: read a byte")["source"].get<std::string>().find("Jouppi") == 0);
    CHECK(hbm2["provenance"][1]["path"] == "timings");
    CHECK(hbm2["provenance"][1]["status"] == "published");
}

TEST_CASE("every shipped kind of DRAM can be shown, as a table and as CSV") {
    const std::filesystem::path folder = std::string(MEMWALL_SOURCE_DIR) + "/configs/dram";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().stem().string();
        const ProgramRun table = run_memwall({"show", "dram", name});
        CHECK(table.out.find(name) == 0);
        CHECK(table.out.find("dram: read a byte") != std::string::npos);
        const ProgramRun csv = run_memwall({"show", "dram", name, "--csv", "-"});
        CHECK(csv.out.find("owner,number,value,low,high,unit,status,source\n" + name + ",peak,") ==
              0);
    }
    CHECK(
        run_memwall({"show", "dram", "hbm4"}).err.find("unknown dram 'hbm4'; did you mean 'hbm") ==
        7);
}

TEST_CASE("A DRAM that is bandwidth and latency shows these, and faults of a file are all told") {
    const TemporaryFolder folder;
    const std::string energies =
        "read_per_byte: {value: 1 pJ, status: assumed, source: x}\n"
        "write_per_byte: {value: 1 pJ, status: assumed, source: x}\n"
        "standby: {value: 1 W, status: assumed, source: x}\n";
    write_text(folder.path() / "plain.yaml",
               "dram: plain\nmodel: simple\nbandwidth: 10 GB/s\nlatency: 50 ns\n" + energies);
    CHECK(run_memwall({"show", "dram", "./plain.yaml"}, folder.path())
              .out.find("bandwidth 10 GB/s, latency 50.0 ns") != std::string::npos);
    write_text(folder.path() / "wrong.yaml",
               "dram: plain\nmodel: simple\nbandwith: 10 GB/s\nlatency: 50\n" + energies);
    const ProgramRun wrong = run_memwall({"show", "dram", "./wrong.yaml"}, folder.path());
    CHECK(wrong.err.find("./wrong.yaml:3:1: error: unknown key 'bandwith'") == 0);
    CHECK(wrong.err.find("\n./wrong.yaml:4:10: error: 'latency'") != std::string::npos);
    CHECK(wrong.status == 2);
}

TEST_CASE("A DRAM shows by which bits of an address it finds a burst, and what goes first") {
    const Json ddr4 = shown_json({"dram", "ddr4"});
    CHECK(ddr4["mapping"] == Json({"row", "column:5", "bank:2", "bank_group:2", "column:2"}));
    CHECK(ddr4["mapping_xor"] == Json({"bank_group column:0", "bank column:2"}));
    CHECK(ddr4["page"] == "open");
    CHECK(ddr4["queue"] == 32);
    const std::string table = run_memwall({"show", "dram", "ddr4"}).out;
    CHECK(table.find("a burst's number, from its highest bit: row column:5 bank:2 bank_group:2 "
                     "column:2") != std::string::npos);
    CHECK(run_memwall({"show", "machine", "l4"}).out.find("249 GB/s, latency ") !=
          std::string::npos);
}

TEST_CASE("one number of a DRAM or a technology can be set, and is assumed then") {
    const Json machine =
        shown_json({"machine", "von_neumann", "--set", "machine.components.dram.read_per_byte=40pJ",
                    "--set", "machine.technology.mac.int8=0.25pJ"});
    const Json read = number_of(machine, "dram: read a byte");
    CHECK(read["value"] == 40e-12);
    CHECK(read["low"] == read["value"]);
    CHECK(read["status"] == "assumed");
    CHECK(read["source"] == "set in place of its file's number");
    CHECK(number_of(machine, "dram: write a byte")["value"] == 43.75e-12);  // as it was
    const Json mac = number_of(machine, "array: mac an operation at int8");
    CHECK(mac["value"] == 0.25e-12);
    CHECK(mac["status"] == "assumed");
    const std::string wrong = "machine.components.dram.read_per_byte=40 W";
    const ProgramRun refused = run_memwall({"show", "machine", "von_neumann", "--set", wrong});
    CHECK(
        refused.err ==
        "--set " + wrong +
            ": error: 'value' in 'read_per_byte': expected joules such as 0.2 pJ, found '40 W'\n");
    CHECK(refused.status == 2);
}

TEST_CASE("the keys of a machine's DRAM and technology are among its paths, and each can be set") {
    const Json paths = shown_json({"paths", "--machine", "a100_pcie_80gb"});
    std::vector<std::string> arguments = {"machine", "a100_pcie_80gb"};
    std::size_t found = 0;
    for (const Json& row : paths) {
        const std::string path = row["path"];
        const bool of_part =
            path.find("machine.components.dram.") == 0 || path.find("machine.technology.") == 0;
        if (of_part && path != "machine.components.dram.type") {
            arguments.insert(arguments.end(),
                             {"--set", path + "=" + row["value"].get<std::string>()});
            ++found;
        }
    }
    CHECK(found > 35);
    const Json machine = shown_json(arguments);
    const Json before = shown_json({"machine", "a100_pcie_80gb"});
    CHECK(machine["components"] == before["components"]);
    CHECK(number_of(machine, "dram: read a byte")["value"] ==
          number_of(before, "dram: read a byte")["value"]);
    CHECK(number_of(machine, "dram: read a byte")["status"] == "assumed");
}

TEST_CASE("a bare number in a machine's own file still needs its source") {
    const TemporaryFolder folder;
    write_text(folder.path() / "m.yaml",
               "machine: m\nextends: von_neumann\n"
               "components: {dram: {read_per_byte: 40 pJ}}\n");
    const ProgramRun run = run_memwall({"check", "./m.yaml"}, folder.path());
    CHECK(run.err.find("'read_per_byte': expected a figure with its source, such as {value: ") !=
          std::string::npos);
    CHECK(run.status == 2);
}

TEST_CASE("a sweep varies one energy of a DRAM by bare numbers") {
    const TemporaryFolder folder;
    write_text(folder.path() / "s.yaml",
               "sweep: s\nbase: {machine: von_neumann, network: lenet, engine: analytic}\n"
               "grid: {machine.components.dram.read_per_byte: [20 pJ, 40 pJ]}\n");
    const ProgramRun run = run_memwall({"sweep", "s.yaml", "--out", "out"}, folder.path());
    INFO(run.err);
    CHECK(run.status == 0);
    CHECK(run.err.find("2 points, 0 found, 0 failed") != std::string::npos);
}

TEST_CASE("a machine says which published figures check it, or that none does") {
    const ProgramRun checked = run_memwall({"show", "machine", "a100_sxm_80gb"});
    CHECK(checked.out.find("20 of a100_operators") != std::string::npos);
    CHECK(checked.out.find("(memwall validate a100_operators") != std::string::npos);
    const std::string unchecked = "no published figure checks it";
    CHECK(run_memwall({"show", "machine", "von_neumann"}).out.find(unchecked) != std::string::npos);
    // With another value it is another machine.
    const ProgramRun other = run_memwall(
        {"show", "machine", "a100_sxm_80gb", "--set", "machine.components.l2.capacity=80MiB"});
    CHECK(other.out.find(unchecked) != std::string::npos);
    const Json northpole = shown_json({"machine", "northpole"});
    CHECK(northpole["published_figures"][0]["validation"] == "northpole");
    CHECK(northpole["published_figures"][0]["calibrated"] > 0);
}

TEST_CASE("a variant's own value does not keep the source of the value that it replaces") {
    const TemporaryFolder folder;
    write_text(folder.path() / "mine.yaml",
               "memwall: 1\nmachine: mine\nextends: l4\ncomponents: {l2: {capacity: 8 MiB}}\n");
    const std::string mine = (folder.path() / "mine.yaml").string();
    std::set<std::string> sourced;
    const Json shown = shown_json({"machine", mine});
    for (const auto& entry : shown["provenance"]) {
        sourced.insert(entry["path"]);
    }
    CHECK(sourced.count("components.l2.read_width") == 1);
    CHECK(sourced.count("components.l2.capacity") == 0);
}

TEST_CASE("a mapping by hand of a pipeline of cards is refused where it is given") {
    for (const std::vector<std::string>& verb :
         {std::vector<std::string>{"run"}, std::vector<std::string>{"show", "mapping"}}) {
        std::vector<std::string> words = verb;
        words.insert(words.end(),
                     {"--machine", "von_neumann_16", "--network", "granite_3b", "--precision",
                      "int4", "--phase", "decode", "--mapping", "tiles_by_hand"});
        const ProgramRun run = run_memwall(words);
        INFO(run.err);
        CHECK(run.status == 2);
        CHECK(run.err.find("tiles_by_hand.yaml:") != std::string::npos);
        CHECK(run.err.find("a mapping by hand is of a whole network on one card") !=
              std::string::npos);
    }
}

TEST_CASE("show mapping prints one layer alone where it is asked to") {
    const std::vector<std::string> what = {"show",      "mapping", "--machine", "tiny_von_neumann",
                                           "--network", "lenet",   "--layer"};
    const auto of_layer = [&](const char* name) {
        std::vector<std::string> words = what;
        words.emplace_back(name);
        return run_memwall(words);
    };
    const std::string alone = of_layer("conv2").out;
    CHECK(alone.find("\nconv2: ") != std::string::npos);
    CHECK(alone.find("\nconv1: ") == std::string::npos);
    CHECK(
        of_layer("conv9").err.find("error: --layer: network 'lenet' has no layer 'conv9'; did you "
                                   "mean 'conv1'?") == 0);
}

TEST_CASE("show mapping says what energy and time come to together where that was asked for") {
    const std::vector<std::string> what = {"show",      "mapping", "--machine", "tiny_von_neumann",
                                           "--network", "lenet"};
    std::vector<std::string> asked = what;
    asked.insert(asked.end(), {"--objective", "energy_delay"});
    const std::string text = run_memwall(asked).out;
    const std::string before = ", energy times delay ";
    const std::size_t at = text.find(before);
    REQUIRE(at != std::string::npos);
    asked.insert(asked.end(), {"--json", "-"});
    const Json shown = Json::parse(run_memwall(asked).out);
    CHECK(std::stod(text.substr(at + before.size())) ==
          Approx(shown["seconds_a_sub_batch"].get<double>() *
                 shown["energy_a_sub_batch_j"].get<double>())
              .epsilon(1e-3));
    CHECK(run_memwall(what).out.find(before) == std::string::npos);
}

TEST_CASE("show says what it cannot show") {
    CHECK(run_memwall({"show", "netwrok"}).err ==
          "error: show: cannot show 'netwrok'; did you mean 'network'?\n");
    CHECK(run_memwall({"show", "network"}).err ==
          "error: show network: missing a name, as in memwall show network NAME\n");
    CHECK(run_memwall({"show", "mapping"}).err == "error: show mapping: missing --network NAME\n");
    CHECK(run_memwall({"show", "networks", "lenet"}).status == 2);
}

TEST_CASE("show mapping prints the loops of a tiled layer, and moves what run moves") {
    const Json shown =
        shown_as_run({"--machine", "von_neumann", "--network", "tiny_residual", "--batch", "4",
                      "--set", "machine.components.global_buffer.capacity=2 KiB", "--set",
                      "machine.components.global_buffer.bank=64 B"});
    const std::string loops = shown["layers"][0]["loops"];
    INFO(loops);
    CHECK(loops.find("dram holds inputs, weights") == 0);
    CHECK(loops.find("\n  for ") != std::string::npos);
    CHECK(loops.find("parallel for ") != std::string::npos);
}

TEST_CASE("show mapping prints the blocks of a kernel, and moves what run moves") {
    const Json shown = shown_as_run({"--machine", "a100_sxm_80gb", "--network", "resnet18",
                                     "--precision", "fp16", "--phase", "single"});
    const std::string loops = shown["layers"][0]["loops"];
    INFO(loops);
    for (const char* line : {"dram holds inputs", "\n  l2 holds ", "parallel for block of ",
                             " stages of ", "multiply-accumulate "}) {
        CHECK(loops.find(line) != std::string::npos);
    }
}
