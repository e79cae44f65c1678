// SPDX-License-Identifier: Apache-2.0
#include "study/configs.hpp"

#include <catch2/catch.hpp>
#include <set>

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
