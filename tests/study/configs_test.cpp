// SPDX-License-Identifier: Apache-2.0
#include "study/configs.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

TEST_CASE("a name is looked up folder by folder, the first that has it wins") {
    const TemporaryFolder folder;
    write_text(folder.path() / "one/networks/a.yaml", "");
    write_text(folder.path() / "two/networks/a.yaml", "");
    write_text(folder.path() / "two/networks/b.yaml", "");
    const Configs configs({folder.path() / "one", folder.path() / "two"});
    CHECK(configs.find(ConfigKind::network, "a").path == folder.path() / "one/networks/a.yaml");
    CHECK(configs.find(ConfigKind::network, "b").path == folder.path() / "two/networks/b.yaml");
    CHECK(configs.find(ConfigKind::network, "b").recorded == "networks/b.yaml");
    CHECK(configs.names(ConfigKind::network) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a path works wherever a name does, and is recorded without its folders") {
    const Configs configs({});
    const ConfigFile file = configs.find(ConfigKind::machine, "some/where/mine.yaml");
    CHECK(file.path == "some/where/mine.yaml");
    CHECK(file.recorded == "mine.yaml");
    CHECK(is_path("./mine"));
    CHECK(is_path("mine.yml"));
    CHECK_FALSE(is_path("mine"));
}

TEST_CASE(
    "an unknown name is told with the nearest, the folders that were searched, and its place") {
    const TemporaryFolder folder;
    write_text(folder.path() / "technology/12nm.yaml", "");
    const Configs configs({folder.path()});
    CHECK_THROWS_WITH(configs.find(ConfigKind::technology, "13nm", {"mine.yaml", 4, 13}),
                      "mine.yaml:4:13: error: unknown technology '13nm'; did you mean '12nm'? "
                      "(looked in " +
                          (folder.path() / "technology").string() + ")");
}

TEST_CASE("a folder given by --configs comes first, and must be a folder") {
    const TemporaryFolder folder;
    write_text(folder.path() / "networks/lenet.yaml",
               "network: lenet\n"
               "inputs: {x: [2]}\n"
               "layers: [{name: fc, op: linear, out_features: 2}]\n");
    const ProgramRun own =
        run_memwall({"show", "network", "lenet", "--configs", folder.path().string()});
    CHECK(own.status == 0);
    CHECK(own.out.find("4 MACs,") != std::string::npos);
    const ProgramRun none = run_memwall({"show", "networks", "--configs", "/no/such/folder"});
    CHECK(none.status == 2);
    CHECK(none.err == "error: --configs: no folder '/no/such/folder'\n");
}

TEST_CASE("a path in --set begins in the current folder, in a file in the folder of that file") {
    const TemporaryFolder folder;
    const std::filesystem::path& root = folder.path();
    const std::string dram = read_text(MEMWALL_SOURCE_DIR "/configs/dram/round.yaml");
    const std::string technology = read_text(MEMWALL_SOURCE_DIR "/configs/technology/round.yaml");
    write_text(root / "here/d.yaml", dram);
    write_text(root / "here/t.yaml", technology);
    write_text(root / "machines/m.yaml", "machine: m\nextends: tiny_von_neumann\n");
    const auto run_in = [&](const std::filesystem::path& current,
                            std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "run");
        arguments.insert(arguments.end(),
                         {"--network", "tiny_conv", "--engine", "analytic", "--json", "-"});
        const ProgramRun run = run_memwall(arguments, current);
        INFO(run.err);
        CHECK(run.status == 0);
        return Json::parse(run.out);
    };
    const std::string type = "machine.components.dram.type=";
    const Json one = run_in(root, {"--machine", "machines/m.yaml", "--set", type + "here/d.yaml",
                                   "--set", "machine.technology=here/t.yaml"});
    const Json other =
        run_in(root / "here", {"--machine", "../machines/m.yaml", "--set", type + "./d.yaml",
                               "--set", "machine.technology=./t.yaml"});
    CHECK(one["provenance"]["inputs"] == other["provenance"]["inputs"]);
    CHECK(one["runs"][0]["totals"] == other["runs"][0]["totals"]);
    CHECK(one["provenance"]["inputs"].dump().find("\"d.yaml\"") != std::string::npos);

    const ProgramRun missing = run_memwall({"run", "--machine", "here/../machines/m.yaml",
                                            "--network", "tiny_conv", "--set", type + "./d.yaml"},
                                           root);
    CHECK(missing.status == 2);
    CHECK(missing.err == "--set " + type + "./d.yaml: error: no dram file './d.yaml'\n");

    // A machine that another one extends finds its own parts.
    write_text(root / "base/b.yaml",
               "machine: b\nextends: tiny_von_neumann\ncomponents: {dram: {type: ./own.yaml}}\n");
    write_text(root / "base/own.yaml", dram);
    write_text(root / "machines/x.yaml", "machine: x\nextends: ../base/b.yaml\n");
    run_in(root, {"--machine", "machines/x.yaml"});
}

TEST_CASE("an experiment's paths of parts are beside it, a sweep's begin in the current folder") {
    const TemporaryFolder folder;
    const std::filesystem::path& root = folder.path();
    const std::string dram = read_text(MEMWALL_SOURCE_DIR "/configs/dram/round.yaml");
    write_text(root / "machines/m.yaml", "machine: m\nextends: tiny_von_neumann\n");
    const std::string experiment =
        "experiment: e\nnetwork: tiny_conv\nengine: analytic\nreference: one\nmachines:\n"
        "  - {name: one, machine: machines/m.yaml}\n"
        "  - {name: two, machine: machines/m.yaml, set: {components.dram.type: ./d.yaml}}\n";
    write_text(root / "study/e.yaml", experiment);
    const ProgramRun missing = run_memwall({"run", "study/e.yaml"}, root);
    CHECK(missing.err == "study/e.yaml:7:71: error: no dram file 'study/./d.yaml'\n");
    write_text(root / "study/d.yaml", dram);
    CHECK(run_memwall({"run", "study/e.yaml"}, root).status == 0);

    write_text(root / "study/s.yaml",
               "sweep: s\nbase: {machine: machines/m.yaml, network: tiny_conv, engine: analytic}\n"
               "grid: {machine.components.dram.type: [round, ./study/d.yaml]}\n");
    const ProgramRun sweep = run_memwall({"sweep", "study/s.yaml", "--dry-run"}, root);
    INFO(sweep.err);
    CHECK(sweep.status == 0);
}

TEST_CASE("every file that is shipped is listed and found by its name") {
    std::set<std::string> listed;
    for (const ConfigKind kind : all_config_kinds()) {
        listed.insert(folder_name(kind));
    }
    const std::filesystem::path shipped = std::filesystem::path(MEMWALL_SOURCE_DIR) / "configs";
    for (const auto& entry : std::filesystem::directory_iterator(shipped)) {
        if (entry.is_directory()) {
            CHECK(listed.count(entry.path().filename().string()) == 1);
        }
    }
    CHECK(run_memwall({"show", "drams"}).out.find("HBM2, sixteen pseudo-channels") !=
          std::string::npos);
    const ProgramRun check = run_memwall({"check", "hbm2"});
    CHECK(check.status == 0);
    CHECK(check.out.find("fine: dram 'hbm2'") != std::string::npos);
}
