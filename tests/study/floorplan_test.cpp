// SPDX-License-Identifier: Apache-2.0
// Floor plans of a result: what single cores do adds up to what the result says of all.
#include "study/floorplan.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

using Json = nlohmann::json;

const std::set<std::string> kNotInCores = {"host", "frame_buffer"};

/// A result in a folder of its own.
class ResultFile {
public:
    explicit ResultFile(std::vector<std::string> options) {
        options.insert(options.begin(), "run");
        options.insert(options.end(), {"--json", file()});
        const ProgramRun run = run_memwall(options);
        INFO(run.err);
        REQUIRE(run.status == 0);
        run_ = Json::parse(read_text(file()))["runs"][0];
    }

    [[nodiscard]] std::string file() const { return (folder_.path() / "result.json").string(); }
    [[nodiscard]] const Json& run() const { return run_; }

    [[nodiscard]] Floorplan plan(const std::string& layer, FloorplanBy by) const {
        FloorplanRequest request;
        request.layer = layer;
        request.by = by;
        return floorplan_of(file(), request, Configs({MEMWALL_SOURCE_DIR "/configs"}));
    }

private:
    TemporaryFolder folder_;
    Json run_;
};

double sum(const Floorplan& plan) {
    return std::accumulate(plan.cores.begin(), plan.cores.end(), 0.0);
}

/// None of a layer that has no work on the cores.
double traffic_of(const ResultFile& result, const std::string& layer) {
    try {
        return sum(result.plan(layer, FloorplanBy::traffic));
    } catch (const InputError& error) {
        CHECK_THAT(error.what(), Catch::Contains("that runs on the cores"));
        return 0;
    }
}

double rounds_of(const Json& run) {
    const Json& scenario = run["scenario"];
    return (scenario["items"].get<double>() - scenario["warmup_items"].get<double>()) /
           scenario["batch"].get<double>();
}

std::string error_of(const std::vector<std::string>& options) {
    const ProgramRun run = run_memwall(options);
    CHECK(run.status == 2);
    return run.err;
}

}  // namespace

TEST_CASE("The traffic of all routers and layers is what the meshes carried") {
    const std::vector<std::vector<std::string>> runs = {
        {"--machine", "northpole", "--network", "tiny_residual", "--engine", "analytic", "--batch",
         "2"},
        {"--machine", "tiny_northpole", "--network", "tiny_residual", "--engine", "systemc",
         "--set", "machine.components.activation_network.link_width=2 B"}};
    for (const std::vector<std::string>& options : runs) {
        const ResultFile result(options);
        double bytes = 0;
        for (const Json& layer : result.run()["layers"]) {
            bytes += layer["fused_with"].is_null() ? 1024 * traffic_of(result, layer["name"]) : 0;
        }
        double hops = 0;
        for (const Json& component : result.run()["components"]) {
            for (const Json& action : component["actions"]) {
                hops += action["action"] == "hop" ? action["count"].get<double>() : 0;
            }
        }
        CHECK(hops > 0);
        CHECK(bytes * rounds_of(result.run()) == Approx(hops));
    }
}

TEST_CASE("The power of all cores is what their parts cost while the layer runs") {
    const ResultFile result(
        {"--machine", "tiny_northpole", "--network", "tiny_conv", "--engine", "analytic"});
    double joules = 0;
    for (const Json& component : result.run()["components"]) {
        for (const Json& action : component["actions"]) {
            const bool counted = action["unit"] != "second";
            joules += counted && !kNotInCores.contains(component["name"])
                          ? action["energy_j"].get<double>()
                          : 0;
        }
    }
    double standing = 0;
    const Json machine =
        Json::parse(run_memwall({"show", "machine", "tiny_northpole", "--json", "-"}).out);
    for (const Json& component : machine["components"]) {
        if (!kNotInCores.contains(component["name"])) {
            standing += component["static_power_w"].get<double>() +
                        component["clock_power_w"].get<double>();
        }
    }
    const Json& layer = result.run()["layers"][0];
    const double seconds = layer["end_s"].get<double>() - layer["start_s"].get<double>();
    CHECK(sum(result.plan("conv", FloorplanBy::power)) ==
          Approx(1e3 * (joules / rounds_of(result.run()) / seconds + standing)));
}

TEST_CASE("A floor plan is drawn with every core, the same bytes each time") {
    const ResultFile result(
        {"--machine", "tiny_northpole", "--network", "tiny_two", "--engine", "analytic"});
    const TemporaryFolder folder;
    const std::string picture = (folder.path() / "plan.svg").string();
    const std::vector<std::string> options = {"show",  "result", result.file(), "--floorplan",
                                              picture, "--by",   "power"};
    CHECK(run_memwall(options).status == 0);
    const std::string svg = read_text(picture);
    for (const char* part : {"core (0, 0): ", "core (1, 0): ", "core (0, 1): ", "core (1, 1): ",
                             "tiny_two on tiny_northpole at", "power (mW)", "frame buffer"}) {
        CHECK(svg.find(part) != std::string::npos);
    }
    CHECK(svg.find("core (2, 0)") == std::string::npos);
    CHECK(run_memwall(options).status == 0);
    CHECK(read_text(picture) == svg);
}

TEST_CASE("What a floor plan cannot be made of is told") {
    const ResultFile chip(
        {"--machine", "tiny_northpole", "--network", "tiny_two", "--engine", "analytic"});
    const ResultFile twin(
        {"--machine", "tiny_von_neumann", "--network", "tiny_two", "--engine", "analytic"});
    const TemporaryFolder folder;
    const std::string svg = (folder.path() / "plan.svg").string();
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", svg, "--layer", "conv9"})
              .find("has no layer 'conv9' that runs on the cores") != std::string::npos);
    CHECK(error_of({"show", "result", twin.file(), "--floorplan", svg})
              .find("has no run of frames on one chip") != std::string::npos);
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", svg, "--by", "heat"}) ==
          "error: --by: expected traffic or power, found 'heat'; expected one of traffic, power\n");
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", "plan.png"})
              .find("expected a file that ends in .svg") != std::string::npos);
    CHECK(error_of({"show", "result", chip.file(), "--by", "power"}) ==
          "error: show result: --layer and --by are of --floorplan FILE.svg\n");
    CHECK(error_of({"show", "machines", "--floorplan", svg}) ==
          "error: show: --floorplan, --layer and --by are of show result FILE\n");
    // A machine that is not the one of the result any more.
    write_text(folder.path() / "other.yaml",
               "memwall: 1\nmachine: tiny_northpole\nextends: tiny_northpole\n"
               "components: {core_memory: {capacity: 8 KiB, bank: 8 KiB}}\n");
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", svg, "--machine",
                    (folder.path() / "other.yaml").string()})
              .find("is no result of these files any more") != std::string::npos);
}
