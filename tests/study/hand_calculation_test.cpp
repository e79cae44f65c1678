// SPDX-License-Identifier: Apache-2.0
// The six cases of docs/model.md through the command line: what is done, the clock tree and leakage
// make the energy that is printed.
#include <catch2/catch.hpp>

#include "tests/study/json_run.hpp"

using namespace memwall::test;

namespace {

struct Case {
    const char* network;
    const char* machine;
    double cycles;
    double done;   ///< pJ of arithmetic and data movement
    double leaks;  ///< mW
    double all;    ///< pJ
};

}  // namespace

TEST_CASE("Energies on paper are those of the result, clock tree and leakage with them") {
    constexpr double kClock = 6.4;  // pJ a cycle
    const Case one = GENERATE(Case{"tiny_conv", "tiny_von_neumann", 286, 7566.4, 9.4, 12085.2},
                              Case{"tiny_linear", "tiny_von_neumann", 346, 11094.4, 9.4, 16561.2},
                              Case{"tiny_pool", "tiny_von_neumann", 233, 2653.2, 9.4, 6334.6},
                              Case{"tiny_conv", "tiny_northpole", 293, 5733.2, 8.4, 10069.6},
                              Case{"tiny_linear", "tiny_northpole", 198, 6064, 8.4, 8994.4},
                              Case{"tiny_pool", "tiny_northpole", 230, 2691, 8.4, 6095});
    INFO(one.network << " on " << one.machine);
    const Json totals = run_of({"run", "--machine", one.machine, "--network", one.network,
                                "--engine", "analytic", "--phase", "single"})["totals"];
    const auto picojoules = [&](const char* kind) {
        return totals["energy_by_kind_j"][kind].get<double>() * 1e12;
    };
    const auto same = [](double value) { return Approx(value).epsilon(1e-12); };
    CHECK(totals["window_s"].get<double>() * 1e9 == same(one.cycles));
    CHECK(picojoules("arithmetic") + picojoules("data_movement") == same(one.done));
    CHECK(picojoules("control") == same(kClock * one.cycles));
    CHECK(picojoules("static") == same(one.leaks * one.cycles));
    CHECK(totals["energy_j"].get<double>() * 1e12 == same(one.all));
}
