// SPDX-License-Identifier: Apache-2.0
// What a few tried points tell of a sweep.
#include <unistd.h>
#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "study/sweep/sweep_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

using Span = std::chrono::duration<double>;

/// A network that is searched for many seconds, and one that the machine has no room for.
const std::string kLongAndFailing =
    "sweep: s\n"
    "base: {engine: analytic, effort: thorough, precision: int8}\n"
    "zip:\n"
    "  machine: [scalesim_32x32, von_neumann]\n"
    "  network: [resnet50, lenet]\n"
    "  machine.components.dram.capacity: [4 GiB, 1 KiB]\n";

struct Estimated {
    SweepEstimate estimate;
    Span took;
};

Estimated estimated(const std::string& text, std::int64_t points, const PoolOptions& options,
                    Span patience) {
    const TemporaryFolder folder;
    write_text(folder.path() / "s.yaml", text);
    const Configs configs({std::filesystem::path(MEMWALL_SOURCE_DIR) / "configs"});
    const LoadedSweep loaded =
        load_sweep_file((folder.path() / "s.yaml").string(), {}, std::nullopt, 0, configs);
    const auto start = std::chrono::steady_clock::now();
    SweepEstimate estimate = estimate_sweep(loaded, configs, points, options, patience);
    return {std::move(estimate), std::chrono::steady_clock::now() - start};
}

PoolOptions jobs(int count) {
    PoolOptions options;
    options.jobs = count;
    return options;
}

}  // namespace

TEST_CASE(
    "where a tried point is not over in time, the estimate is a least one, and is there soon") {
    const auto [estimate, took] = estimated(kLongAndFailing, 100, jobs(2), Span(1));
    CHECK(estimate.at_least);
    CHECK(took < Span(3));  // the search alone takes far more
    // One had about a second, the other hardly any time: a mean of half a second, 50 times.
    CHECK(estimate.time > Span(24));
    REQUIRE(estimate.failing.size() == 1);
    CHECK(estimate.failing[0].find("point 1 fails (machine = von_neumann, network = lenet, ") == 0);
}

TEST_CASE("points that are over tell the time of all, whatever number of processes shares them") {
    const std::string text =
        "sweep: s\nbase: {machine: von_neumann, network: lenet, engine: analytic}\n"
        "grid: {machine.clock: [200 MHz, 300 MHz, 400 MHz]}\n";
    const auto [estimate, took] = estimated(text, 1000, jobs(1), Span(60));
    CHECK_FALSE(estimate.at_least);
    CHECK(estimate.failing.empty());
    CHECK(estimate.time > Span(0));
    CHECK(estimate.time <= took * 1000 / 3);  // all three were run, one after another
    CHECK(estimated(text, 1, jobs(8), Span(60)).estimate.time > Span(1e-6));
}

TEST_CASE("a wish to stop ends an estimate at once") {
    PoolOptions options = jobs(2);
    options.cancelled = [] { return true; };
    CHECK_THROWS_AS(estimated(kLongAndFailing, 100, options, Span(60)), Interrupted);
}
