// SPDX-License-Identifier: Apache-2.0
// memwall import, and what show makes of a network beside its table.
#include <catch2/catch.hpp>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

const char* const kTopology =
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,\nfirst, 28, 28, 3, 3, 3, 8, 1,\n";

}  // namespace

TEST_CASE("import writes a network that runs, and says what it read to standard error") {
    const TemporaryFolder folder;
    write_text(folder.path() / "edge.csv", kTopology);
    const ProgramRun printed = run_memwall({"import", "edge.csv"}, folder.path());
    CHECK(printed.status == 0);
    CHECK(printed.out ==
          "memwall: 1\nnetwork: edge\nsource: \"SCALE-Sim topology edge.csv\"\nprecision: int8\n"
          "inputs: {first_input: [3, 28, 28]}\nlayers:\n"
          "  - {name: first, op: conv, out_channels: 8, kernel: 3, bias: false}\n");
    CHECK(printed.err.find("edge (scalesim): 1 layer, 146,016 MACs, 216 weights, 216 parameters") !=
          std::string::npos);
    const ProgramRun written =
        run_memwall({"import", "edge.csv", "-o", "edge.yaml"}, folder.path());
    CHECK(written.status == 0);
    CHECK(written.out.empty());
    CHECK(read_text(folder.path() / "edge.yaml") == printed.out);
    const ProgramRun checked = run_memwall({"check", "edge.yaml"}, folder.path());
    CHECK(checked.out == "edge.yaml: fine: network 'edge', 1 layer, 146,016 MACs\n");
}

TEST_CASE("import refuses what is wrong with one line and leaves nothing behind") {
    const TemporaryFolder folder;
    write_text(folder.path() / "edge.csv", kTopology);
    write_text(folder.path() / "machine.cfg", "[architecture_presets]\nArrayHeight: 12\n");
    const auto refused = [&](const std::vector<std::string>& words) {
        std::vector<std::string> all = {"import"};
        all.insert(all.end(), words.begin(), words.end());
        const ProgramRun run = run_memwall(all, folder.path());
        CHECK(run.status == 2);
        CHECK(run.out.empty());
        return run.err;
    };
    CHECK(refused({}) == "error: import: expected one file, found 0\n");
    CHECK(refused({"none.onnx"}) == "none.onnx: error: no such file\n");
    CHECK(refused({"machine.cfg"}) ==
          "machine.cfg: error: is a SCALE-Sim machine file; expected a network\n");
    CHECK(refused({"edge.csv", "--format", "onnx", "-o", "x.yaml"}) ==
          "edge.csv: error: is no ONNX model, or cut off\n");
    CHECK(refused({"edge.csv", "--batch", "0"}) ==
          "error: --batch: expected a number from 1 to 1073741824, found '0'\n");
    CHECK(refused({"edge.csv", "--set-dim", "seq"}) ==
          "error: --set-dim: expected NAME=SIZE, found 'seq'\n");
    CHECK(refused({"edge.csv", "--set-dim", "seq=4", "--set-dim", "seq=8"}) ==
          "error: --set-dim seq=8: 'seq' has a size already, 4\n");
    CHECK(refused({"edge.csv", "--set-dim", "seq=4"}) ==
          "error: --set-dim: only ONNX models leave sizes open; this file is scalesim\n");
    CHECK(refused({"edge.csv", "--batch", "4"}) ==
          "error: --batch: only ONNX models leave a batch open; this file is scalesim, and its "
          "network is of one item: run it with --batch\n");
    CHECK_FALSE(std::filesystem::exists(folder.path() / "x.yaml"));
}

TEST_CASE("show sets two networks side by side in all three forms") {
    const std::vector<std::string> words = {"show", "network", "lenet", "--compare", "resnet50"};
    const ProgramRun table = run_memwall(words);
    CHECK(table.status == 0);
    CHECK(table.out.find("416,520  4,089,184,256") != std::string::npos);
    const Json json = json_of(words);
    CHECK(json["networks"][0]["totals"]["macs"] == 416'520);
    CHECK(json["networks"][1]["network"] == "resnet50");
    std::int64_t macs = 0;
    for (const auto& op : json["networks"][1]["ops"]) {
        macs += op["macs"].get<std::int64_t>();
    }
    CHECK(macs == 4'089'184'256);
    std::vector<std::string> as_csv = words;
    as_csv.insert(as_csv.end(), {"--csv", "-"});
    CHECK(run_memwall(as_csv).out.find("\nlenet,conv,2,") != std::string::npos);
}

TEST_CASE("show writes a network as it was overridden, and it reads back the same") {
    const TemporaryFolder folder;
    const std::vector<std::string> changed = {"show",
                                              "network",
                                              "resnet18",
                                              "--precision",
                                              "w4a8",
                                              "--set",
                                              "network.transforms=[{resolution: 64}]",
                                              "--yaml",
                                              "a.yaml",
                                              "--json",
                                              "-"};
    const ProgramRun first = run_memwall(changed, folder.path());
    CHECK(first.err == "");
    REQUIRE(first.status == 0);
    const ProgramRun again = run_memwall(
        {"show", "network", "a.yaml", "--yaml", "b.yaml", "--json", "-"}, folder.path());
    CHECK(again.out == first.out);
    CHECK(read_text(folder.path() / "b.yaml") == read_text(folder.path() / "a.yaml"));
    CHECK(run_memwall({"import", "a.yaml"}, folder.path()).err.find("--yaml OTHER") !=
          std::string::npos);
}

TEST_CASE("show draws a network, and says which pictures it can make") {
    const TemporaryFolder folder;
    CHECK(run_memwall({"show", "network", "lenet", "--graph", "a.svg"}, folder.path()).status == 0);
    CHECK(read_text(folder.path() / "a.svg").rfind("<svg ", 0) == 0);
    CHECK(run_memwall({"show", "network", "lenet", "--graph", "a.dot"}, folder.path()).status == 0);
    CHECK(read_text(folder.path() / "a.dot").rfind("digraph \"lenet\"", 0) == 0);
    const ProgramRun wrong =
        run_memwall({"show", "network", "lenet", "--graph", "a.png"}, folder.path());
    CHECK(wrong.status == 2);
    CHECK(wrong.err ==
          "error: --graph: expected a file that ends in .svg or .dot, found 'a.png'\n");
    CHECK(run_memwall({"show", "machine", "northpole", "--graph", "a.svg"}, folder.path()).err ==
          "error: show: --compare, --graph and --yaml are of show network NAME\n");
}
