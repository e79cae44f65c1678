// SPDX-License-Identifier: Apache-2.0
#include "study/power_cap.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/study/program.hpp"
#include "tests/support/machines.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

nlohmann::json run_lenet(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"run",   "--machine", "t4",       "--network",
                                          "lenet", "--engine",  "analytic", "--batch",
                                          "4096",  "--json",    "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramRun run = run_memwall(arguments);
    INFO(run.err);
    REQUIRE(run.status == 0);
    return nlohmann::json::parse(run.out)["runs"][0]["totals"];
}

}  // namespace

TEST_CASE("a power cap lowers the clock to the highest step at which it holds") {
    const auto free = run_lenet({"--set", "machine.power_cap.power=1kW"});
    CHECK(free["power_cap"]["clock_hz"] == 1590000000);
    CHECK(free["power_cap"]["holds"] == true);
    const double least = 0.7 * free["power_w"].get<double>();
    const std::string watts = std::to_string(least) + " W";
    const auto capped = run_lenet({"--set", "machine.power_cap.power=" + watts});
    CHECK(capped["power_cap"]["holds"] == true);
    CHECK(capped["power_w"].get<double>() <= least);
    const std::int64_t clock = capped["power_cap"]["clock_hz"];
    CHECK(clock < 1590000000);
    CHECK((1590000000 - clock) % 15000000 == 0);
    CHECK(capped["throughput_per_s"].get<double>() < free["throughput_per_s"].get<double>());
    // One step higher draws too much: the machine's own clock set to it, without a cap in reach.
    const auto higher =
        run_lenet({"--set", "machine.power_cap.power=" + watts, "--set",
                   "machine.power_cap.lowest_clock=" + std::to_string(clock + 15000000) + " Hz"});
    CHECK(higher["power_cap"]["holds"] == false);
    CHECK(higher["power_w"].get<double>() > least);
}

TEST_CASE("under a cap each plan is judged at the clock that the cap leads it to") {
    const Machine machine = shipped_machine("t4");  // 70 W, 1,590 MHz in steps of 15
    std::set<std::optional<MappingObjective>> ran;
    const SteadyRun run = [&](const Machine& at, std::optional<MappingObjective> plan) {
        ran.insert(plan);
        const double share = static_cast<double>(at.clocks().front().frequency().count()) / 1.59e9;
        // At one clock the plan for energy takes less of it, at less power; under the cap it goes
        // on at 0.875 of the clock, that for latency at 0.7 and so for 0.59 J an item, not 0.84.
        const bool frugal = plan == MappingObjective::energy;
        RunResult result;
        result.scenario.batch = 1;
        result.scenario.items = 1;
        result.totals.window = Seconds(1 / share);
        result.totals.power = Watts((frugal ? 80 : 100) * share);
        result.totals.energy = Joules((frugal ? 1.1 : 1.2) * share * share);
        return result;
    };
    const UnderCap energy = run_under_cap(machine, MappingObjective::energy, Effort::normal, run);
    CHECK(energy.plan != MappingObjective::energy);
    CHECK(energy.clock == Hertz(1'110'000'000));
    CHECK(energy.result.totals.power.count() == Approx(100 * 1110 / 1590.0));
    const UnderCap fast = run_under_cap(machine, MappingObjective::latency, Effort::thorough, run);
    CHECK(fast.plan == MappingObjective::energy);
    CHECK(fast.clock == Hertz(1'380'000'000));
    CHECK(ran.size() == 4);
    ran.clear();  // what is asked for otherwise is planned once, as ever
    CHECK_FALSE(run_under_cap(machine, MappingObjective::latency, Effort::normal, run).plan);
    CHECK(ran.size() == 1);
}

TEST_CASE("a single batch that draws more than the cap says why the clock stays") {
    const auto report = [](const std::string& phase) {
        return run_memwall({"run", "--machine", "t4", "--network", "lenet", "--engine", "analytic",
                            "--batch", "4096", "--phase", phase, "--set",
                            "machine.power_cap.power=1 W"})
            .out;
    };
    CHECK(report("single").find("of 1.59 GHz; the cap of 1.00 W acts on a steady stream alone "
                                "(--phase offline): a single batch is over before the clock "
                                "falls") != std::string::npos);
    CHECK(report("offline").find("of 1.59 GHz; the cap of 1.00 W does not hold") !=
          std::string::npos);
}

TEST_CASE("a report says whether a cap leads to the clock") {
    const auto report = [](const std::string& watts) {
        return run_memwall({"run", "--machine", "t4", "--network", "resnet50", "--engine",
                            "analytic", "--batch", "32", "--set",
                            "machine.power_cap.power=" + watts})
            .out;
    };
    CHECK(report("1 kW").find("1.59 GHz  of 1.59 GHz; the cap of 1.00 kW is not reached") !=
          std::string::npos);
    CHECK(report("60 W").find("of 1.59 GHz; the cap of 60.0 W leads to it") != std::string::npos);
}

TEST_CASE("utilization is of the peak at the machine's own clock, whatever a cap does to it") {
    const auto free = run_lenet({"--set", "machine.power_cap.power=1kW"});
    const double least = 0.7 * free["power_w"].get<double>();
    const auto capped =
        run_lenet({"--set", "machine.power_cap.power=" + std::to_string(least) + " W"});
    const auto share = [](const nlohmann::json& totals) {
        return totals["utilization"].get<double>() / totals["throughput_per_s"].get<double>();
    };
    CHECK(share(capped) == Approx(share(free)));
    const ProgramRun run = run_memwall({"run", "--machine", "t4", "--network", "lenet", "--engine",
                                        "analytic", "--batch", "4096", "--set",
                                        "machine.power_cap.power=" + std::to_string(least) + " W"});
    CHECK(run.out.find("of the arrays' dense peak at 1.59 GHz; ") != std::string::npos);
}

TEST_CASE("a single batch is over before a power cap acts") {
    const auto totals = run_lenet({"--phase", "single", "--set", "machine.power_cap.power=1W"});
    CHECK(totals["power_cap"]["clock_hz"] == 1590000000);
    CHECK(totals["power_cap"]["holds"] == false);
}

TEST_CASE("a machine without a cap says so") {
    const ProgramRun run = run_memwall({"run", "--machine", "tiny_von_neumann", "--network",
                                        "tiny_linear", "--engine", "analytic", "--json", "-"});
    REQUIRE(run.status == 0);
    CHECK(nlohmann::json::parse(run.out)["runs"][0]["totals"]["power_cap"].is_null());
}
