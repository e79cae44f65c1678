// SPDX-License-Identifier: Apache-2.0
// What a run says beside its numbers: where it did something else than was asked for.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

std::string report_of(const std::string& machine, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"run",   "--machine", machine,   "--network",
                                          "lenet", "--engine",  "analytic"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramRun run = run_memwall(arguments);
    CHECK(run.status == 0);
    return run.out;
}

bool says(const std::string& report, const std::string& note) {
    return report.find("\nnote: " + note + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("A machine says which pruned weights it takes no gain of, and why") {
    const auto pruned = [](const std::string& machine, const std::string& prune) {
        return report_of(machine, {"--set", "network.transforms=[{prune: " + prune + "}]"});
    };
    CHECK(says(pruned("a100_sxm_80gb", "{density: 0.5}"),
               "a100_sxm_80gb passes over zeros of weights pruned to 2:4 alone: 5 pruned layers "
               "take no gain"));
    CHECK(pruned("a100_sxm_80gb", "2:4").find("no gain") == std::string::npos);
    CHECK(says(pruned("von_neumann", "2:4"),
               "von_neumann has no support for sparse weights: 5 pruned layers take no gain"));
}

TEST_CASE("A precision that an array has no lanes of is told with the one that it multiplies at") {
    CHECK(says(report_of("von_neumann", {"--precision", "int3"}),
               "von_neumann lacks lanes for some precisions and multiplies int3 at int4"));
    CHECK(report_of("von_neumann", {"--precision", "int4"}).find("lacks lanes") ==
          std::string::npos);
    // Lanes multiply words of one precision: that of the wider operand is what is asked for.
    CHECK(report_of("von_neumann", {"--precision", "w4a8"}).find("lacks lanes") ==
          std::string::npos);
}

TEST_CASE("A cache in another precision than the products is not told as theirs") {
    const auto head_of = [](const std::string& pattern) {
        const ProgramRun run = run_memwall(
            {"run", "--machine", "von_neumann", "--network", "granite_3b", "--engine", "analytic",
             "--effort", "quick", "--phase", "decode", "--context", "16", "--set",
             "network.transforms=[{quantise: int4, layers: \"" + pattern + "\"}]"});
        CHECK(run.status == 0);
        return run.out.substr(0, run.out.find('\n'));
    };
    CHECK(head_of("*.keys").find(" at mixed, ") != std::string::npos);
    CHECK(head_of("*").find(" at int4, ") != std::string::npos);
}

TEST_CASE("One user's token at a time is told so") {
    const ProgramRun run =
        run_memwall({"run", "--machine", "northpole_16", "--network", "granite_3b", "--precision",
                     "int4", "--phase", "decode", "--users", "4", "--engine", "analytic"});
    CHECK(run.out.find("of 1 token at a time") != std::string::npos);
}

TEST_CASE("A bandwidth that is far from its DRAM's type is told, where it was stated for another") {
    const std::string other = "machine.components.dram.type=gddr6";
    const std::string told =
        "dram has the 900 GB/s that are stated beside its type, which has 224 GB/s of as many "
        "channels: its clock is 4.02 times the type's";
    CHECK(says(report_of("von_neumann", {"--set", other}), "on von_neumann " + told));
    const ProgramRun shown = run_memwall({"show", "machine", "von_neumann", "--set", other});
    CHECK(says(shown.out, told));
    // Nothing is said of what is near, of a type alone, or of any machine as it is shipped.
    const auto silent = [](const std::string& report) {
        return report.find("stated beside its type") == std::string::npos;
    };
    CHECK(silent(report_of("von_neumann", {"--set", "machine.components.dram.type=hbm2e", "--set",
                                           "machine.components.dram.stacks=2"})));
    CHECK(silent(report_of("tiny_von_neumann", {"--set", other})));
    const std::filesystem::path machines = MEMWALL_SOURCE_DIR "/configs/machines";
    for (const auto& entry : std::filesystem::directory_iterator(machines)) {
        INFO(entry.path());
        CHECK(silent(run_memwall({"show", "machine", entry.path().string()}).out));
    }
}

TEST_CASE("A result keeps what it says of a DRAM's rate") {
    const TemporaryFolder folder;
    const ProgramRun run =
        run_memwall({"run", "--machine", "von_neumann", "--network", "tiny_conv", "--engine",
                     "analytic", "--set", "machine.components.dram.type=gddr6", "--json", "r.json"},
                    folder.path());
    REQUIRE(run.status == 0);
    const std::string json = read_text(folder.path() / "r.json");
    CHECK(json.find("\"dram_rates\": [") != std::string::npos);
    const ProgramRun shown = run_memwall({"show", "result", "r.json"}, folder.path());
    CHECK(shown.out.find("dram has the 900 GB/s that are stated") != std::string::npos);
}
