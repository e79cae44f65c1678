// SPDX-License-Identifier: Apache-2.0
#include "study/findings.hpp"

#include <catch2/catch.hpp>

#include "study/figures.hpp"

using namespace memwall;

namespace {

ComponentResult component(const std::string& kind, EnergyKind energy_kind, double joules) {
    ActionResult action;
    action.kind = energy_kind;
    action.energy = Joules(joules);
    ComponentResult result;
    result.kind = kind;
    result.energy = Joules(joules);
    result.actions = {action};
    return result;
}

LayerResult layer(double adds, Bound bound) {
    LayerResult result;
    result.adds = Seconds(adds);
    result.bound_by = bound;
    return result;
}

/// One frame in `seconds`, of arithmetic and data movement.
RunResult run(const std::string& machine, double seconds, double arithmetic, double movement) {
    RunResult result;
    result.machine = machine;
    result.precision = "int8";
    Totals& totals = result.totals;
    totals.item = "frame";
    totals.items = 1;
    totals.window = Seconds(seconds);
    totals.throughput = 1 / seconds;
    totals.energy = Joules(arithmetic + movement);
    totals.energy_per_item = totals.energy;
    totals.by_kind[0] = Joules(arithmetic);
    totals.by_kind[1] = Joules(movement);
    totals.at_lower_bound = {Seconds(seconds), totals.energy, Bytes(0)};
    result.components = {component("mac_array", EnergyKind::arithmetic, arithmetic),
                         component("dram", EnergyKind::data_movement, movement)};
    return result;
}

}  // namespace

TEST_CASE("findings name the better machine, by how much, and the largest part of the difference") {
    RunResult inside = run("inside", 0.001, 1, 1);
    RunResult outside = run("outside", 0.002, 2, 6);
    inside.totals.utilization = 0.8;
    outside.totals.utilization = 0.4;
    outside.layers = {layer(0.5, Bound::compute), layer(1.5, Bound::dram)};
    const std::string frugal =
        "inside needs 4.00 times less energy a frame than outside: 83 % of the difference is "
        "dram data movement.";
    const std::string fast =
        "inside is 2.00 times faster than outside (1,000 against 500 frames/s): it keeps 80 % "
        "of its arrays' peak at work, outside 40 %; outside is held by dram for 75 % of its "
        "layers' time.";
    CHECK(findings({&outside, &inside}) ==
          std::vector<std::string>{
              "outside: 75 % of the energy is data movement (6.00 J of 8.00 J a frame).",
              "inside: 50 % of the energy is data movement (1.00 J of 2.00 J a frame).", frugal,
              fast, "All of this at int8, batch 1."});
}

TEST_CASE("findings say at which memories they hold, the largest on each chip") {
    const auto memory = [](const std::string& name, const std::string& kind, std::int64_t bytes) {
        ComponentResult result = component(kind, EnergyKind::data_movement, 0);
        result.name = name;
        result.capacity = Bytes(bytes);
        return result;
    };
    RunResult inside = run("inside", 0.001, 1, 1);
    RunResult outside = run("outside", 0.002, 2, 6);
    inside.components.push_back(memory("cores", "sram", 192 << 20));
    outside.components.push_back(memory("dram", "dram", 1 << 30));
    outside.components.push_back(memory("accumulators", "sram", 1 << 20));
    outside.components.push_back(memory("buffer", "cache", 4 << 20));
    CHECK(
        findings({&outside, &inside}).back() ==
        "All of this at int8, batch 1, with 4.00 MiB of buffer on outside and 192 MiB of cores on "
        "inside.");
}

TEST_CASE("what does not survive at the lower bound is told") {
    const auto at_bound = [](const RunResult& best, const RunResult& other) {
        return pair_findings(best, other).back();
    };
    const RunResult inside = run("inside", 1, 1, 1);
    RunResult outside = run("outside", 1, 1, 5);
    outside.totals.at_lower_bound = {Seconds(0.5), Joules(2), Bytes(8)};
    CHECK(at_bound(inside, outside) ==
          "At its I/O lower bound outside would need 2.00 J a frame at 2 frames/s: the difference "
          "in energy does not survive.");
    outside.totals.at_lower_bound = {Seconds(0.5), Joules(4), Bytes(8)};
    CHECK(at_bound(inside, outside) ==
          "At its I/O lower bound outside would need 4.00 J a frame at 2 frames/s: still 2.00 "
          "times as much as inside, 50 % of the difference in energy is gone.");
    RunResult slow = run("slow", 2, 1, 5);
    slow.totals.at_lower_bound = {Seconds(1.5), Joules(4), Bytes(8)};
    CHECK(at_bound(inside, slow).find("is gone; inside is still 1.50 times faster.") !=
          std::string::npos);
    slow.totals.at_lower_bound = {Seconds(0.9), Joules(4), Bytes(8)};
    CHECK(at_bound(inside, slow).find("is gone; the lead in speed does not survive.") !=
          std::string::npos);
}

TEST_CASE("a small difference is not claimed") {
    const RunResult one = run("one", 1, 1, 1);
    const RunResult other = run("other", 1.01, 1, 1.01);
    const auto sentences = findings({&one, &other});
    CHECK(sentences[2] == "one and other need the same energy a frame, within 2.0 %.");
    CHECK(sentences[3] == "one and other are as fast as each other, within 2.0 %.");
}

TEST_CASE("what holds the layers up is told by the time that they add, the most first") {
    RunResult one = run("one", 1, 1, 1);
    one.layers = {layer(1, Bound::vector), layer(4, Bound::dram), layer(1, Bound::compute)};
    const auto shares = bound_shares(one);
    REQUIRE(shares.size() == 3);
    CHECK(shares[0].bound == Bound::dram);
    CHECK(shares[0].share == Approx(4.0 / 6));
    CHECK(shares[1].share == Approx(1.0 / 6));
}

TEST_CASE(
    "findings fit a terminal: what passes column 100 goes on in the next line, two columns in") {
    const std::string word(49, 'w');
    CHECK(findings_text({word + " " + word + "w", "short"}) == word + " " + word + "w\nshort\n");
    CHECK(findings_text({word + " " + word + "ww and more"}) ==
          word + "\n  " + word + "ww and more\n");
    const std::string unbroken(120, 'u');
    CHECK(findings_text({unbroken + " end"}) == unbroken + "\n  end\n");
}
