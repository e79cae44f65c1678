// SPDX-License-Identifier: Apache-2.0
// Power with hosts, fans and network, through the command line.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

Json with_small(std::vector<std::string> arguments) {
    const TemporaryFolder folder;
    write_small_decoder(folder.path());
    arguments.insert(arguments.end(), {"--network", "./small.yaml"});
    return json_of(arguments, folder.path());
}

}  // namespace

TEST_CASE("A run says what its cards draw, and what they draw with the servers around them") {
    const Json totals = with_small({"run", "--machine", "northpole_16", "--engine", "analytic",
                                    "--phase", "decode", "--users", "4"})["runs"][0]["totals"];
    const Json& servers = totals["with_servers"];
    CHECK(totals["power_scope"] == "16 cards");
    CHECK(servers["servers"] == 1);
    CHECK(servers["power_w"].get<double>() ==
          Approx(totals["power_w"].get<double>() + 737 + 208 + 50));
    CHECK(servers["power_low_w"].get<double>() ==
          Approx(totals["energy_low_j"].get<double>() / totals["window_s"].get<double>() + 291 +
                 167 + 25));
    CHECK(servers["energy_per_item_j"].get<double>() ==
          Approx(servers["power_w"].get<double>() / totals["throughput_per_s"].get<double>()));
}

TEST_CASE("Cards that fill a part of a server have that part of its power") {
    const Json totals =
        with_small({"run", "--machine", "h100_sxm_2", "--engine", "analytic", "--precision", "fp8",
                    "--phase", "decode", "--users", "4"})["runs"][0]["totals"];
    CHECK(totals["with_servers"]["servers"] == 0.25);
    CHECK(totals["with_servers"]["fans_w"].get<double>() == Approx(1050.0 / 4));
    const ProgramRun chip = run_memwall({"run", "--machine", "northpole", "--network", "lenet",
                                         "--engine", "analytic", "--json", "-"});
    CHECK(Json::parse(chip.out)["runs"][0]["totals"]["with_servers"].is_null());
}

TEST_CASE("Instances of a rack do the same, each for users of its own") {
    const std::vector<std::string> decode = {"--engine", "analytic", "--phase",
                                             "decode",   "--users",  "4"};
    const auto totals_of = [&](std::vector<std::string> machine) {
        machine.insert(machine.end(), decode.begin(), decode.end());
        machine.insert(machine.begin(), {"run", "--machine"});
        return with_small(machine)["runs"][0]["totals"];
    };
    const Json one = totals_of({"northpole_16"});
    const Json rack = totals_of({"northpole_rack"});
    const auto times = [&](const char* key) {
        return rack[key].get<double>() / one[key].get<double>();
    };
    CHECK(times("throughput_per_s") == Approx(18));
    CHECK(times("power_w") == Approx(18));
    CHECK(times("macs") == 18);
    CHECK(times("items") == 18);
    CHECK(times("area_mm2") == Approx(18));
    CHECK(rack["latency_s"] == one["latency_s"]);
    CHECK(rack["energy_per_item_j"] == one["energy_per_item_j"]);
    CHECK(rack["power_scope"] == "288 cards");
    CHECK(rack["pipeline"]["instances"] == 18);
    CHECK(rack["pipeline"]["static_power_w"].get<double>() +
              rack["pipeline"]["dynamic_power_w"].get<double>() ==
          Approx(rack["power_w"].get<double>()));
    CHECK(rack["with_servers"]["servers"] == 18);
    CHECK(rack["with_servers"]["energy_per_item_j"].get<double>() ==
          Approx(one["with_servers"]["energy_per_item_j"].get<double>()));
    const Json larger = totals_of({"northpole_rack", "--set", "machine.cards.instances=3"});
    CHECK(larger["pipeline"]["cards"] == 288);
    CHECK(larger["throughput_per_s"].get<double>() ==
          Approx(3 * one["throughput_per_s"].get<double>()));  // hops limit 4 users on more cards
}

TEST_CASE("A rack is served as its instances") {
    const std::vector<std::string> load = {"--rate",   "1000", "--requests",      "20",
                                           "--prompt", "20",   "--output-tokens", "4",
                                           "--users",  "4"};
    const auto served = [&](std::vector<std::string> machine) {
        machine.insert(machine.end(), load.begin(), load.end());
        machine.insert(machine.begin(), {"serve", "--machine"});
        return with_small(machine);
    };
    const Json rack = served({"northpole_rack"});
    CHECK(rack["instances"] == 18);
    CHECK(rack["totals"] == served({"northpole_16", "--instances", "18"})["totals"]);
    const ProgramRun twice = run_memwall({"serve", "--machine", "northpole_rack", "--network",
                                          "granite_3b", "--rate", "1", "--instances", "2"});
    CHECK(twice.status == 2);
    CHECK(twice.err.find("has 18 instances in one; expected --set machine.cards.instances=N "
                         "with an N that divides its 288 cards") != std::string::npos);
}

TEST_CASE("A rack of instances draws the power of all its servers") {
    const Json result =
        with_small({"serve", "--machine", "northpole_16", "--rate", "1000", "--requests", "20",
                    "--prompt", "20", "--output-tokens", "4", "--instances", "3", "--users", "4"});
    const Json& totals = result["totals"];
    CHECK(totals["power_scope"] == "48 cards only");
    CHECK(totals["with_servers"]["servers"] == 3);
    CHECK(totals["with_servers"]["power_w"].get<double>() ==
          Approx(totals["power_w"].get<double>() + 3 * (737 + 208 + 50)));
    CHECK(totals["with_servers"]["energy_per_token_j"].get<double>() * 80 ==
          Approx(totals["with_servers"]["power_w"].get<double>() * totals["span_s"].get<double>()));
}
