// SPDX-License-Identifier: Apache-2.0
// Sweeps as a user runs them.
#include <csignal>
#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

const std::string kSweep =
    "sweep: small\n"
    "question: \"which?\"\n"
    "base: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}\n"
    "grid:\n"
    "  machine.clock: [200 MHz, 400 MHz]\n"
    "  batch: [1, 2, 4]\n";

struct Row {
    std::map<std::string, std::string> cells;
    const std::string& operator[](const std::string& column) const { return cells.at(column); }
};

std::vector<Row> rows_of(const std::filesystem::path& csv) {
    std::istringstream lines(read_text(csv));
    std::string line;
    std::getline(lines, line);
    const std::vector<std::string> columns = csv_cells(line);
    std::vector<Row> rows;
    while (std::getline(lines, line)) {
        const std::vector<std::string> cells = csv_cells(line);
        REQUIRE(cells.size() == columns.size());
        rows.emplace_back();
        for (std::size_t c = 0; c < cells.size(); ++c) {
            rows.back().cells[columns[c]] = cells[c];
        }
    }
    return rows;
}

std::string last_line(const std::string& text) {
    const std::size_t before = text.rfind('\n', text.size() - 2);
    return text.substr(before == std::string::npos ? 0 : before + 1);
}

ProgramRun sweep(const std::filesystem::path& folder, const std::string& text,
                 std::vector<std::string> options = {}) {
    write_text(folder / "s.yaml", text);
    options.insert(options.begin(), {"sweep", "s.yaml", "--out", "out"});
    return run_memwall(options, folder);
}

}  // namespace

TEST_CASE("a sweep gives a table of its points in the order of the grid, as single runs do") {
    const TemporaryFolder folder;
    const ProgramRun run = sweep(folder.path(), kSweep, {"--jobs", "2"});
    INFO(run.err);
    REQUIRE(run.status == 0);
    CHECK(last_line(run.err) == "6 points, 0 found, 0 failed\n");
    CHECK(run.out.find("which?") == 0);
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 6);
    CHECK(rows[4]["point"] == "4");
    CHECK(rows[4]["machine.clock"] == "400 MHz");
    CHECK(rows[4]["batch"] == "2");
    CHECK(rows[4]["status"] == "done");
    const ProgramRun single =
        run_memwall({"run", "--machine", "tiny_von_neumann", "--network", "tiny_conv", "--engine",
                     "analytic", "--batch", "2", "--set", "machine.clock=400MHz", "--json", "-"});
    const auto totals = nlohmann::json::parse(single.out)["runs"][0]["totals"];
    CHECK(std::stod(rows[4]["latency_s"]) == totals["latency_s"].get<double>());
    CHECK(std::stod(rows[4]["energy_per_item_j"]) == totals["energy_per_item_j"].get<double>());
    CHECK(std::stod(rows[4]["area_mm2"]) == totals["area_mm2"].get<double>());
}

TEST_CASE("what would have no effect beside the values of a sweep is refused") {
    const TemporaryFolder folder;
    for (const char* set : {"batch=8", "scenario.batch=8", "machine.clock=1GHz"}) {
        const ProgramRun run = sweep(folder.path(), kSweep, {"--set", set});
        const std::string path = std::string(set).substr(0, std::string(set).find('='));
        CHECK(run.err == "error: '" + std::string(set) +
                             "' would have no effect: the sweep s.yaml gives '" + path +
                             "' its values at each point\n");
        CHECK(run.status == 2);
    }
    const ProgramRun networks =
        sweep(folder.path(), kSweep + "  network: [tiny_conv, tiny_linear]\n",
              {"--set", "network=lenet", "--dry-run"});
    CHECK(networks.err.find("'network=lenet' would have no effect") != std::string::npos);
    CHECK(sweep(folder.path(), kSweep, {"--set", "network=tiny_linear", "--dry-run"}).status == 0);
}

TEST_CASE("what a point would refuse is told before the first one runs, at its place") {
    const TemporaryFolder folder;
    const std::string base = "sweep: s\nbase: {machine: von_neumann, engine: analytic, ";
    const ProgramRun length = sweep(folder.path(),
                                    base +
                                        "network: granite_3b, phase: decode}\ngrid:\n"
                                        "  network.transforms: [[], [{sequence_length: 8}]]\n",
                                    {"--dry-run"});
    CHECK(length.err.find("s.yaml:4:47: error: network 'granite_3b': a phase says how many") == 0);
    CHECK(length.status == 2);
    const ProgramRun phase =
        sweep(folder.path(), base + "network: lenet}\ngrid: {phase: [stream, decode]}\n");
    CHECK(phase.err.find("s.yaml:3:24: error: network 'lenet' has no phase decode") !=
          std::string::npos);
    CHECK(phase.status == 2);
    const std::string lanes = base + "network: lenet}\ngrid: {precision: [int8, fp32]}\n";
    const ProgramRun refused = sweep(folder.path(), lanes, {"--dry-run"});
    CHECK(refused.err.find("cannot compute layer 'conv1' (conv) at fp32") != std::string::npos);
    CHECK(refused.err.find("(at point 1 of the sweep: precision = fp32)") != std::string::npos);
    const std::string faster =
        base +
        "network: lenet}\nzip: {machine.clock: [200 MHz, 300 MHz], precision: [int8, fp32]}\n";
    CHECK(sweep(folder.path(), faster, {"--dry-run"}).status == 2);
    const std::string constraint = "constraints: [machine.clock <= 200 MHz]\n";
    CHECK(sweep(folder.path(), faster + constraint, {"--dry-run"}).status == 0);
}

TEST_CASE("a dry run names the points that it tried and that have no room") {
    const TemporaryFolder folder;
    const ProgramRun run = sweep(folder.path(),
                                 "sweep: s\nbase: {machine: tiny_von_neumann, network: lenet, "
                                 "engine: analytic}\ngrid:\n"
                                 "  machine.components.dram.capacity: [1 MiB, 1 KiB]\n",
                                 {"--dry-run"});
    INFO(run.err << run.out);
    CHECK(run.status == 2);
    CHECK(run.out.find("\npoint 1 fails (machine.components.dram.capacity = 1 KiB): ") !=
          std::string::npos);
}

TEST_CASE("results do not depend on the number of workers, byte for byte") {
    const TemporaryFolder folder;
    std::string first;
    for (const char* jobs : {"1", "2", "5"}) {
        std::filesystem::remove_all(folder.path() / "out");
        REQUIRE(sweep(folder.path(), kSweep, {"--jobs", jobs, "--engine", "systemc"}).status == 0);
        const std::string csv = read_text(folder.path() / "out/results.csv");
        CHECK((first.empty() || csv == first));
        first = csv;
    }
}

TEST_CASE("the same command finds what is there, and runs what an input's change makes new") {
    const TemporaryFolder folder;
    REQUIRE(sweep(folder.path(), kSweep).status == 0);
    const std::string csv = read_text(folder.path() / "out/results.csv");
    CHECK(last_line(sweep(folder.path(), kSweep).err) == "6 points, 6 found, 0 failed\n");
    CHECK(read_text(folder.path() / "out/results.csv") == csv);
    // A comment and another order change nothing that decides a point; a new value adds its own.
    const ProgramRun more = sweep(folder.path(),
                                  "# more\nsweep: small\n"
                                  "base: {network: tiny_conv, machine: tiny_von_neumann, engine: "
                                  "analytic}\n"
                                  "grid:\n  batch: [4, 8]\n  machine.clock: [400 MHz, 200 MHz]\n");
    CHECK(last_line(more.err) == "4 points, 2 found, 0 failed\n");
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 4);
    CHECK(rows[0]["batch"] == "4");
    CHECK(rows[2]["batch"] == "8");
    // A changed machine runs all anew.
    std::string machine =
        read_text(std::string(MEMWALL_SOURCE_DIR) + "/configs/machines/tiny_von_neumann.yaml");
    write_text(folder.path() / "mine.yaml", machine);
    const std::string mine =
        "sweep: small\nbase: {machine: mine.yaml, network: tiny_conv, engine: "
        "analytic}\ngrid: {batch: [1, 2]}\n";
    write_text(folder.path() / "mine.yaml", machine + "# a comment\n");
    CHECK(last_line(sweep(folder.path(), mine).err) == "2 points, 0 found, 0 failed\n");
    CHECK(last_line(sweep(folder.path(), mine).err) == "2 points, 2 found, 0 failed\n");
    write_text(folder.path() / "mine.yaml", machine + "# another comment\n");
    CHECK(last_line(sweep(folder.path(), mine).err) == "2 points, 2 found, 0 failed\n");
    const std::size_t clock = machine.find("clock: ");
    machine.replace(clock, machine.find('\n', clock) - clock, "clock: 123 MHz");
    write_text(folder.path() / "mine.yaml", machine);
    CHECK(last_line(sweep(folder.path(), mine).err) == "2 points, 0 found, 0 failed\n");
}

TEST_CASE("the option --reuse takes points from another sweep's results") {
    const TemporaryFolder folder;
    REQUIRE(sweep(folder.path(), kSweep).status == 0);
    const ProgramRun run =
        run_memwall({"sweep", "s.yaml", "--out", "other", "--reuse", "out"}, folder.path());
    CHECK(last_line(run.err) == "6 points, 6 found, 0 failed\n");
    CHECK(read_text(folder.path() / "other/results.csv") ==
          read_text(folder.path() / "out/results.csv"));
    CHECK(run_memwall({"sweep", "s.yaml", "--reuse", "nothing"}, folder.path()).status == 2);
}

TEST_CASE("a point that fails is recorded with its reason, the rest goes on, the status is 1") {
    const TemporaryFolder folder;
    const ProgramRun run = sweep(folder.path(),
                                 "sweep: s\nbase: {machine: tiny_northpole, engine: analytic}\n"
                                 "grid: {network: [tiny_conv, resnet50, tiny_linear]}\n");
    CHECK(run.status == 1);
    CHECK(last_line(run.err) == "3 points, 0 found, 1 failed\n");
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 3);
    CHECK(rows[0]["status"] == "done");
    CHECK(rows[1]["status"] == "failed");
    CHECK(rows[1]["reason"].find("does not fit") != std::string::npos);
    CHECK(rows[1]["latency_s"].empty());
    CHECK(rows[2]["status"] == "done");
}

TEST_CASE(
    "every point is made before the first one runs, and all faults are told at their places") {
    const TemporaryFolder folder;
    const ProgramRun run =
        sweep(folder.path(),
              "sweep: s\nbase: {machine: tiny_von_neumann, network: tiny_conv}\ngrid:\n"
              "  machine.clock: [200 MHz, 3 kg]\n"
              "  machine.components.arry.lanes: [1]\n"
              "  batch: [1, 0]\n");
    CHECK(run.status == 2);
    INFO(run.err);
    CHECK(run.err.find("s.yaml:4:28: error: 'clock' in machine file: expected") !=
          std::string::npos);
    CHECK(run.err.find("s.yaml:5:3: error: cannot set 'components.arry.lanes': no 'arry' in "
                       "'components'") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "out/results.csv"));
    const ProgramRun dry = sweep(folder.path(), kSweep, {"--dry-run"});
    CHECK(dry.status == 0);
    CHECK(dry.out.find("small: 2 x 3 = 6 points; ") == 0);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "out/results.csv"));
}

TEST_CASE("what breaks a constraint is excluded: before the run where that is known, else after") {
    const TemporaryFolder folder;
    const ProgramRun run = sweep(
        folder.path(), kSweep + "constraints: [\"batch <= 2\", \"throughput_per_s > 1e9\"]\n");
    INFO(run.err);
    CHECK(run.status == 0);
    CHECK(last_line(run.err) == "6 points, 0 found, 0 failed\n");
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    for (const Row& row : rows) {
        CHECK(row["status"] == "excluded");
        CHECK(row["pareto_front"].empty());
        CHECK(row["latency_s"].empty() == (row["batch"] == "4"));
        CHECK(row["reason"] ==
              (row["batch"] == "4" ? "not batch <= 2" : "not throughput_per_s > 1e9"));
        CHECK_FALSE(row["area_mm2"].empty());
    }
}

TEST_CASE("the option --then runs the best points of the first pass again with the other engine") {
    const TemporaryFolder folder;
    const ProgramRun run = sweep(folder.path(), kSweep, {"--then", "systemc", "--top", "2"});
    INFO(run.err);
    REQUIRE(run.status == 0);
    const std::vector<Row> first = rows_of(folder.path() / "out/first_pass.csv");
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 6);
    // The best by definition: front by front, then by number.
    std::vector<std::pair<int, int>> order;
    for (std::size_t p = 0; p < first.size(); ++p) {
        CHECK(first[p]["engine"] == "analytic");
        order.emplace_back(std::stoi(first[p]["pareto_front"]), static_cast<int>(p));
    }
    std::sort(order.begin(), order.end());
    for (std::size_t p = 0; p < rows.size(); ++p) {
        const bool best =
            static_cast<int>(p) == order[0].second || static_cast<int>(p) == order[1].second;
        CHECK(rows[p]["engine"] == (best ? "systemc" : "analytic"));
        CHECK(std::stod(rows[p]["latency_s"]) >= std::stod(first[p]["latency_s"]));
    }
}

TEST_CASE("a search runs its budget and no more, and goes on where it was") {
    const TemporaryFolder folder;
    const std::string text =
        "sweep: s\nbase: {machine: tiny_von_neumann, network: tiny_conv, engine: analytic}\n"
        "grid:\n  machine.clock: {from: 100 MHz, to: 900 MHz, steps: 9}\n"
        "  batch: {from: 1, to: 8, steps: 8}\n"
        "search: {method: nsga2, budget: 20, population: 8}\n";
    REQUIRE(sweep(folder.path(), text, {"--jobs", "1"}).status == 0);
    const std::string csv = read_text(folder.path() / "out/results.csv");
    CHECK(rows_of(folder.path() / "out/results.csv").size() == 20);
    CHECK(last_line(sweep(folder.path(), text, {"--jobs", "2"}).err) ==
          "20 points, 20 found, 0 failed\n");
    CHECK(read_text(folder.path() / "out/results.csv") == csv);
}

TEST_CASE("any key can be swept, those of the technology too") {
    const TemporaryFolder folder;
    const ProgramRun run =
        sweep(folder.path(),
              "sweep: s\nbase: {machine: von_neumann, network: tiny_conv, engine: analytic}\n"
              "grid:\n  machine.technology: [12nm, 45nm]\n  effort: [quick, normal]\n"
              "  scenario.items: [4]\n");
    INFO(run.err);
    REQUIRE(run.status == 0);
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 4);
    CHECK(std::stod(rows[0]["energy_j"]) < std::stod(rows[2]["energy_j"]));
    CHECK(rows[0]["items"] == rows[1]["items"]);
}

TEST_CASE("the dataflow of an array and what the mapper is to keep small can be swept") {
    const TemporaryFolder folder;
    const ProgramRun run =
        sweep(folder.path(),
              "sweep: s\nbase: {machine: scalesim_32x32, network: alexnet, engine: analytic}\n"
              "grid:\n"
              "  objective: [latency, traffic]\n"
              "  machine.components.array.dataflow: [weight_stationary, output_stationary]\n");
    INFO(run.err);
    REQUIRE(run.status == 0);
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 4);
    CHECK(rows[0]["latency_s"] != rows[1]["latency_s"]);
    CHECK(std::stod(rows[2]["outermost_bytes"]) < std::stod(rows[0]["outermost_bytes"]));
    CHECK(std::stod(rows[0]["latency_s"]) < std::stod(rows[2]["latency_s"]));
    CHECK(sweep(folder.path(),
                "sweep: s\nbase: {machine: scalesim_32x32, network: lenet}\n"
                "grid:\n  objective: [trafic]\n")
              .err.find("did you mean 'traffic'?") != std::string::npos);
}

TEST_CASE("what a kind of DRAM says can be swept at the component that names it") {
    const TemporaryFolder folder;
    const ProgramRun run =
        sweep(folder.path(),
              "sweep: timings\n"
              "base: {machine: tiny_von_neumann, network: tiny_linear, batch: 64,\n"
              "       machine.components.global_buffer.capacity: 1 KiB}\n"
              "grid:\n"
              "  machine.components.dram.tRCD_read: [10 ns, 400 ns]\n"
              "  machine.components.dram.read_per_byte:\n"
              "    - {value: 40 pJ, status: assumed, source: what if}\n"
              "    - {value: 80 pJ, status: assumed, source: what if}\n");
    REQUIRE(run.status == 0);
    const std::vector<Row> rows = rows_of(folder.path() / "out/results.csv");
    REQUIRE(rows.size() == 4);
    CHECK(std::stod(rows[2]["window_s"]) > std::stod(rows[0]["window_s"]));
    CHECK(std::stod(rows[1]["energy_data_movement_j"]) >
          std::stod(rows[0]["energy_data_movement_j"]));
}

TEST_CASE("collect makes the tables again from the folder alone, in SQLite too") {
    const TemporaryFolder folder;
    REQUIRE(sweep(folder.path(), kSweep).status == 0);
    const std::string csv = read_text(folder.path() / "out/results.csv");
    std::filesystem::remove(folder.path() / "out/results.csv");
    std::filesystem::remove(folder.path() / "out/results.sqlite");
    std::filesystem::remove(folder.path() / "s.yaml");
    const ProgramRun run = run_memwall({"sweep", "collect", "out"}, folder.path());
    CHECK(run.status == 0);
    CHECK(last_line(run.err) == "6 points, 6 found, 0 failed\n");
    CHECK(read_text(folder.path() / "out/results.csv") == csv);
    CHECK(read_text(folder.path() / "out/results.sqlite").substr(0, 15) == "SQLite format 3");
    CHECK(run_memwall({"sweep", "collect", "nothing"}, folder.path()).status == 2);
}

TEST_CASE("a sweep never writes into a folder that holds something else") {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "out");
    write_text(folder.path() / "out/thesis.txt", "mine");
    const ProgramRun run = sweep(folder.path(), kSweep);
    CHECK(run.status == 2);
    CHECK(run.err.find("holds something else than a sweep's results") != std::string::npos);
}
