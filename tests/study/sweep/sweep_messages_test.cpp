// SPDX-License-Identifier: Apache-2.0
// What sweeps say of faults, and at their end.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

ProgramRun sweep(const TemporaryFolder& folder, const std::string& text,
                 std::vector<std::string> options = {}) {
    write_text(folder.path() / "s.yaml", text);
    if (std::find(options.begin(), options.end(), "--out") == options.end()) {
        options.insert(options.begin(), {"--out", "out"});
    }
    options.insert(options.begin(), {"sweep", "s.yaml"});
    return run_memwall(options, folder.path());
}

}  // namespace

TEST_CASE("faults that runs would have stand where the sweep file causes them, each once") {
    const TemporaryFolder folder;
    const std::string base = "sweep: s\nbase: {machine: tiny_von_neumann, network: tiny_conv}\n";
    const auto said = [&](const std::string& text) {
        const ProgramRun run = sweep(folder, text, {"--dry-run"});
        CHECK(run.status == 2);
        return run.err;
    };
    CHECK(said(base + "grid: {batch: [-4, 1]}") ==
          "s.yaml:3:16: error: expected a batch from 1 to 1000000000, found -4\n");
    CHECK(said(base + "grid: {scenario.users: [1, 2]}")
              .find("s.yaml:3:25: error: scenario: users does not go with phase stream") == 0);
    CHECK(said(base + "grid: {machine.clock: {from: 1 KiB, to: 8 KiB, steps: 3}}") ==
          "s.yaml:3:23: error: 'clock' in machine file: expected hertz such as 400 MHz, found "
          "'1 KiB'\n");
    const std::string names = said(
        "sweep: s\ngrid: {network: [tiny_conv, tiny_cnov], machine: "
        "[tiny_von_neumann, nope]}");
    CHECK(names.find("s.yaml:2:29: error: unknown network 'tiny_cnov'") != std::string::npos);
    CHECK(names.find("s.yaml:2:69: error: unknown machine 'nope'") != std::string::npos);
    CHECK(said("sweep: s\nbase: {machine: [tiny_von_neumann], network: tiny_conv}") ==
          "s.yaml:2:17: error: 'machine': expected a single name at a point\n");
    CHECK(said("sweep: s\nbase: {machine: ./nowhere.yaml, network: tiny_conv}")
              .find("s.yaml:2:17: error: no machine file './nowhere.yaml'") == 0);
    CHECK(said("sweep: s").find("s.yaml:1:1: error: the sweep names no machine") == 0);
}

TEST_CASE("the command that draws a sweep draws it, and there is none where no point ended well") {
    const TemporaryFolder folder;
    const std::string base = "sweep: s\nbase: {machine: tiny_von_neumann, engine: analytic}\n";
    const ProgramRun networks =
        sweep(folder, base +
                          "grid:\n  batch: [1, 2]\n  machine.clock: [200 MHz, 400 MHz]\n"
                          "  network: [tiny_linear, tiny_conv]\n");
    CHECK(networks.out.find("heatmap.py out/results.csv out/plot.png --network tiny_") !=
          std::string::npos);
    std::filesystem::remove_all(folder.path() / "out");
    const ProgramRun none = sweep(folder, base +
                                              "grid:\n  network: [lenet]\n"
                                              "  machine.components.dram.capacity: [1 KiB]\n");
    CHECK(none.status == 1);
    CHECK(none.out.find("No point ended well") != std::string::npos);
    CHECK(none.out.find("plot:") == std::string::npos);
    // The same wherever the file lies.
    CHECK(read_text(folder.path() / "out/results.csv").find(",failed,s.yaml:") !=
          std::string::npos);
}

TEST_CASE("results that are damaged or another sweep's are not passed over in silence") {
    const TemporaryFolder folder;
    const std::string base =
        "sweep: s\nbase: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}\n";
    REQUIRE(sweep(folder, base + "grid: {batch: [1, 2]}").status == 0);
    const ProgramRun other = sweep(folder, "sweep: t" + base.substr(8) + "grid: {batch: [1, 2]}");
    CHECK(other.status == 2);
    CHECK(other.err ==
          "error: --out: 'out' holds the results of the sweep 's'; expected another "
          "folder for 't'\n");
    const ProgramRun status =
        sweep(folder, base.substr(0, 25) + "nowhere" + base.substr(41), {"--status"});
    CHECK(status.out.find("s: 2 of 2 points are there (100 %), 0 failed") == 0);
    const auto shard = folder.path() / "out/shards/000000.shard";
    std::string text = read_text(shard);
    text[0] = 'z';
    write_text(shard, text);
    const ProgramRun again = sweep(folder, base + "grid: {batch: [1, 2]}");
    CHECK(again.err.find("warning: out/shards/000000.shard:1: damaged") == 0);
    CHECK(again.err.find("2 points, 0 found, 0 failed\n") != std::string::npos);
    write_text(folder.path() / "out/sweep.json", "{");
    const ProgramRun broken = sweep(folder, base + "grid: {batch: [1, 2]}");
    CHECK(broken.status == 2);
    CHECK(broken.err.find("error: 'out/sweep.json' is damaged: expected what a sweep wrote") !=
          std::string::npos);
}

TEST_CASE("a search goes on with another budget or seed, and takes what a grid has, as if alone") {
    const TemporaryFolder folder;
    const std::string grid =
        "sweep: s\nbase: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}\n"
        "grid:\n  machine.clock: {from: 100 MHz, to: 900 MHz, steps: 9}\n"
        "  batch: {from: 1, to: 8, steps: 8}\n";
    const auto search = [](int budget, int seed) {
        return "search: {method: nsga2, population: 8, budget: " + std::to_string(budget) +
               ", seed: " + std::to_string(seed) + "}\n";
    };
    const auto table = [&] { return read_text(folder.path() / "out/results.csv"); };
    REQUIRE(sweep(folder, grid + search(30, 2)).status == 0);
    const std::string alone = table();
    std::filesystem::remove_all(folder.path() / "out");
    REQUIRE(sweep(folder, grid + search(20, 2)).status == 0);
    for (const int seed : {3, 2}) {
        const ProgramRun run = sweep(folder, grid + search(30, seed));
        INFO(run.err);
        REQUIRE(run.status == 0);
        CHECK(run.err.find("30 points, ") != std::string::npos);
        CHECK((table() == alone) == (seed == 2));
    }
    std::filesystem::remove_all(folder.path() / "out");
    REQUIRE(sweep(folder, grid, {"--out", "whole"}).status == 0);
    const ProgramRun reused = sweep(folder, grid + search(30, 2), {"--reuse", "whole"});
    CHECK(reused.err.find("30 points, 30 found, 0 failed\n") != std::string::npos);
    CHECK(table() == alone);
}
