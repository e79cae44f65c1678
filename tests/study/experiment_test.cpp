// SPDX-License-Identifier: Apache-2.0
#include "study/experiment.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "study/crossover.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

const char* const kExperiment =
    "experiment: small\n"
    "question: \"which?\"\n"
    "network: lenet\n"
    "reference: northpole\n"
    "machines:\n"
    "  - northpole\n"
    "  - {name: little, machine: von_neumann, set: {components.global_buffer.capacity: 2 MiB}}\n"
    "  - {name: level, machine: von_neumann, same_area: {as: northpole, by: "
    "components.global_buffer.capacity}}\n"
    "precision: [int8]\n"
    "batch: [1, 2]\n"
    "crossover: {machine: little, vary: components.global_buffer.capacity, from: 1 MiB, to: 4 "
    "MiB}\n";

}  // namespace

TEST_CASE("an experiment runs every design point at every precision and batch, under its name") {
    const TemporaryFolder folder;
    write_text(folder.path() / "small.yaml", kExperiment);
    const ProgramRun run = run_memwall({"run", "small.yaml", "--json", "r.json"}, folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const auto json = nlohmann::json::parse(read_text(folder.path() / "r.json"));
    REQUIRE(json["runs"].size() == 6);
    std::vector<std::string> names;
    for (const auto& one : json["runs"]) {
        names.push_back(one["machine"].get<std::string>() + " " +
                        std::to_string(one["batch"].get<int>()));
    }
    CHECK(names == std::vector<std::string>{"northpole 1", "little 1", "level 1", "northpole 2",
                                            "little 2", "level 2"});
    CHECK(json["runs"][1]["overrides"] ==
          nlohmann::json::array({"machine.components.global_buffer.capacity=2 MiB"}));
    // The same area within the size of one MiB of buffer.
    const double reference = json["runs"][0]["totals"]["area_mm2"];
    const double level = json["runs"][2]["totals"]["area_mm2"];
    CHECK(level <= reference);
    CHECK(level > reference - 1.0);
    CHECK(run.out.find("Crossover of little, int8, batch 2, by the analytic engine: ") !=
          std::string::npos);
    CHECK(json["findings"].size() == 2 * 3 + 2 + 1);
}

TEST_CASE("options take the place of what an experiment says") {
    const TemporaryFolder folder;
    write_text(folder.path() / "small.yaml", kExperiment);
    const ProgramRun run = run_memwall({"run", "small.yaml", "--batch", "1", "--engine", "analytic",
                                        "--precision", "int4", "--json", "r.json"},
                                       folder.path());
    REQUIRE(run.status == 0);
    const auto json = nlohmann::json::parse(read_text(folder.path() / "r.json"));
    REQUIRE(json["runs"].size() == 3);
    CHECK(json["runs"][0]["engine"] == "analytic");
    CHECK(json["runs"][0]["precision"] == "int4");
}

TEST_CASE("faults of an experiment file come at once") {
    Diagnostics faults;
    load_experiment(read_yaml_text("experiment: e\n"
                                   "network: lenet\n"
                                   "reference: nortpole\n"
                                   "machines: [northpole, northpole]\n"
                                   "precison: [int4]\n"
                                   "crossover: {machine: northpole, vary: x, from: 4 MiB, to: 1 "
                                   "MiB}\n",
                                   "e.yaml", faults),
                    faults);
    std::vector<std::string> texts;
    for (const Diagnostic& fault : faults.faults()) {
        texts.push_back(fault.text());
    }
    CHECK(texts ==
          std::vector<std::string>{
              "e.yaml:4:23: error: duplicate design point 'northpole'",
              "e.yaml:3:12: error: unknown design point 'nortpole'; did you mean 'northpole'?",
              "e.yaml:6:59: error: 'to' in 'crossover': expected at least 'from', found '1 MiB'",
              "e.yaml:5:1: error: unknown key 'precison' in experiment file; did you mean "
              "'precision'?"});
}

TEST_CASE("the crossover is where the doublings pass the reference, settled to a part in 32") {
    // Energy falls as 1 / capacity and is the reference's at 10 MiB; speed is enough everywhere.
    int evaluations = 0;
    const auto evaluate = [&](Bytes capacity) -> std::optional<CapacityPoint> {
        ++evaluations;
        return CapacityPoint{Joules(10.0 * kMebibyte / static_cast<double>(capacity.count())), 2};
    };
    const Crossover found =
        find_crossover(Bytes(kMebibyte), Bytes(64 * kMebibyte), {Joules(1), 2}, evaluate);
    REQUIRE(found.energy);
    CHECK(found.energy->count() >= 10 * kMebibyte);
    CHECK(found.energy->count() <= 10 * kMebibyte * 33 / 32);
    CHECK(found.speed == Bytes(kMebibyte));
    CHECK(found.best == Bytes(64 * kMebibyte));
    CHECK(evaluations < 20);
}

TEST_CASE("no crossover is said to be none, and capacities at which nothing runs are passed over") {
    const auto evaluate = [](Bytes capacity) -> std::optional<CapacityPoint> {
        if (capacity < Bytes(4 * kMebibyte)) {
            return std::nullopt;
        }
        // Dearer with every doubling: the best is the smallest that runs.
        return CapacityPoint{Joules(static_cast<double>(capacity.count())), 1};
    };
    const Crossover found =
        find_crossover(Bytes(kMebibyte), Bytes(16 * kMebibyte), {Joules(1), 2}, evaluate);
    CHECK_FALSE(found.energy);
    CHECK_FALSE(found.speed);
    CHECK(found.best == Bytes(4 * kMebibyte));
    CHECK(found.knee == Bytes(4 * kMebibyte));
}
