// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.hpp"
#include "sim/result_csv.hpp"
#include "sim/result_json.hpp"
#include "sim/result_read.hpp"
#include "tests/sim/result_example.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

Result one_run() {
    Result result;
    result.provenance.version = "0.1.0";
    result.provenance.inputs = {{"networks/two.yaml", "ab"}};
    result.runs.push_back(ResultExample().run());
    return result;
}

std::vector<std::string> keys(const nlohmann::ordered_json& object) {
    std::vector<std::string> names;
    for (const auto& [key, value] : object.items()) {
        names.push_back(key);
    }
    return names;
}

void check_has(const nlohmann::ordered_json& object, const std::vector<std::string>& expected) {
    for (const std::string& key : expected) {
        INFO(key);
        CHECK(object.contains(key));
    }
}

}  // namespace

TEST_CASE("the JSON has every key of schema memwall.result/1") {
    const auto json = nlohmann::ordered_json::parse(to_json(one_run()));
    CHECK(json["schema"] == "memwall.result/1");
    CHECK(keys(json["provenance"]) == std::vector<std::string>{"version", "model_version", "inputs",
                                                               "overrides", "seed",
                                                               "mapper_effort"});
    const auto& run = json["runs"][0];
    check_has(run, {"machine", "network", "engine", "batch", "precision", "scenario", "totals",
                    "layers", "components"});
    check_has(run["scenario"], {"phase", "batch", "users", "prompt", "output_tokens", "context",
                                "items", "warmup_items"});
    check_has(run["totals"], {"seconds",
                              "cycles",
                              "clock_domain",
                              "latency_s",
                              "throughput_per_s",
                              "item",
                              "power_w",
                              "power_scope",
                              "energy_j",
                              "energy_low_j",
                              "energy_high_j",
                              "energy_by_kind_j",
                              "energy_by_status_j",
                              "window_s",
                              "items",
                              "energy_per_item_j",
                              "macs",
                              "operations",
                              "utilization",
                              "arithmetic_intensity",
                              "peak_memory_bytes",
                              "area_mm2",
                              "load",
                              "at_lower_bound"});
    CHECK(keys(run["totals"]["energy_by_kind_j"]) ==
          std::vector<std::string>{"arithmetic", "data_movement", "control", "static"});
    CHECK(keys(run["totals"]["operations"]) ==
          std::vector<std::string>{"mac", "gated_mac", "skipped_mac", "recomputed_mac",
                                   "accumulate", "vector"});
    check_has(run["totals"]["load"], {"seconds", "energy_j"});
    check_has(run["totals"]["at_lower_bound"], {"seconds", "energy_j"});
    check_has(run["layers"][0], {"name", "op", "macs", "start_s", "end_s", "bound_by",
                                 "utilization", "exposed_s", "energy_j", "energy_by_kind_j",
                                 "traffic_bytes", "lower_bound_bytes", "bound_applies"});
    CHECK(run["layers"][0]["traffic_bytes"]["dram"]["weights"]["read"] == 12);
    CHECK(run["layers"][3]["bound_by"].is_null());
    check_has(run["components"][0], {"name", "kind", "instances", "capacity_bytes", "busy_max_s",
                                     "busy_mean_s", "energy_j", "actions"});
    CHECK(run["components"][1]["capacity_bytes"] == 1024);
    CHECK(run["components"][2]["capacity_bytes"].is_null());
    check_has(run["components"][0]["actions"][0],
              {"action", "tensor", "precision", "unit", "count", "energy_j", "energy_kind"});
    CHECK(run["totals"]["operations"]["gated_mac"] == 2);
    CHECK(run["totals"]["peak_memory_bytes"]["buffer"] == 64);
    CHECK(run["totals"]["area_mm2"] == 12.0);
}

TEST_CASE("late steps and the times of a stream come back from the file as they were") {
    Result result = one_run();
    RunResult& run = result.runs[0];
    run.totals.stream = {Seconds(3e-6), Seconds(1e-6), Seconds(2e-6)};
    run.layers[2].late = {{"bus", 2, Seconds(3e-9), Seconds(5e-9), LateCause::room, 0U, "array"},
                          {"bus", 1, Seconds(1e-9), Seconds(1e-9), LateCause::unit, {}, "bus"}};
    const std::string text = to_json(result);
    const RunResult read = read_result(text, "result.json").runs[0];
    REQUIRE(read.totals.stream);
    CHECK(read.totals.stream->interval == Seconds(1e-6));
    REQUIRE(read.layers[2].late.size() == 2);
    CHECK(read.layers[2].late[0].of_layer == 0U);
    CHECK(read.layers[2].late[0].cause == LateCause::room);
    const auto layers = nlohmann::json::parse(text)["runs"][0]["layers"];
    CHECK(layers[2]["late"][0]["of_layer"] == "fc1");
    CHECK(layers[2]["late"][1]["of_layer"].is_null());
}

TEST_CASE("the CSV has the schema's columns, a row an action, and sums to the energy") {
    const Result result = one_run();
    std::istringstream csv(to_csv(result));
    std::string line;
    std::getline(csv, line);
    CHECK(line ==
          "machine,network,engine,batch,precision_policy,layer,op,component,kind,action,tensor,"
          "precision,unit,count,energy_pj,energy_kind,pj_per_unit");
    std::getline(csv, line);
    CHECK(line ==
          "hand,two,systemc,1,int8,fc1,linear,dram,dram,read,weights,int8,byte,12,"
          "1.2e+14,data_movement,1e+13");
    double picojoules = 120e12;
    std::size_t rows = 1;
    while (std::getline(csv, line)) {
        const std::size_t kind = line.rfind(',', line.rfind(',') - 1);
        const std::size_t energy = line.rfind(',', kind - 1) + 1;
        picojoules += std::stod(line.substr(energy, kind - energy));
        ++rows;
    }
    CHECK(rows == result.runs[0].ledger.size());
    CHECK(picojoules == Approx(result.runs[0].totals.energy.count() * 1e12).epsilon(1e-12));
}

TEST_CASE("a number that is not finite never reaches a file") {
    Result result = one_run();
    result.runs[0].totals.throughput = 1.0 / 0.0;
    CHECK_THROWS_AS(to_json(result), InternalError);
}

TEST_CASE("names with commas and quotes are quoted in the CSV") {
    Result result = one_run();
    result.runs[0].machine = "a \"big\", one";
    CHECK(to_csv(result).find("\"a \"\"big\"\", one\",two") != std::string::npos);
}
