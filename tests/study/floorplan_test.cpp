// SPDX-License-Identifier: Apache-2.0
// Floor plans of a result: what single cores do adds up to what the result says of all.
#include "study/floorplan.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <numeric>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;
namespace fs = std::filesystem;

namespace {

const std::set<std::string> kNotInCores = {"host", "frame_buffer"};

/// A result in a folder of its own.
class ResultFile {
public:
    explicit ResultFile(std::vector<std::string> options) {
        write_small_decoder(folder_.path());
        options.insert(options.begin(), "run");
        options.insert(options.end(), {"--json", file()});
        const ProgramRun run = run_memwall(options, folder_.path());
        INFO(run.err);
        REQUIRE(run.status == 0);
        run_ = Json::parse(read_text(file()))["runs"][0];
    }

    [[nodiscard]] std::string file() const { return (folder_.path() / "result.json").string(); }
    [[nodiscard]] const Json& run() const { return run_; }

    [[nodiscard]] ChipFloorplans plans(std::optional<std::string> stage = {}) const {
        ChipRequest request;
        request.stage = std::move(stage);
        if (run_["network"] == "small") {
            request.network = (folder_.path() / "small.yaml").string();
        }
        return ChipFloorplans(
            run_chip_again(file(), request, Configs({MEMWALL_SOURCE_DIR "/configs"})));
    }

private:
    TemporaryFolder folder_;
    Json run_;
};

double sum(const Floorplan& plan) {
    return std::accumulate(plan.cores.begin(), plan.cores.end(), 0.0);
}

/// Of a layer and those that run at its end; none where it has no work on the cores.
double traffic_of(const ChipFloorplans& plans, const std::string& layer) {
    try {
        return 1024 * sum(plans.of({layer, FloorplanBy::traffic}));
    } catch (const InputError& error) {
        CHECK_THAT(error.what(), Catch::Contains("that runs on the cores"));
        return 0;
    }
}

/// Of some of a result's layers.
double traffic_of(const ChipFloorplans& plans, const Json& layers, std::size_t begin,
                  std::size_t end) {
    double bytes = 0;
    for (std::size_t l = begin; l < end; ++l) {
        bytes += layers[l]["fused_with"].is_null() ? traffic_of(plans, layers[l]["name"]) : 0;
    }
    return bytes;
}

/// Bytes on all links between routers.
double hops_of(const Json& run) {
    double hops = 0;
    for (const Json& component : run["components"]) {
        for (const Json& action : component["actions"]) {
            hops += action["action"] == "hop" ? action["count"].get<double>() : 0;
        }
    }
    return hops;
}

/// Of a kind, without what stands (J).
double counted_energy(const Json& run, const std::string& kind) {
    double joules = 0;
    for (const Json& component : run["components"]) {
        for (const Json& action : component["actions"]) {
            const bool counted = action["energy_kind"] == kind && action["unit"] != "second";
            joules += counted ? action["energy_j"].get<double>() : 0;
        }
    }
    return joules;
}

/// Of all that is beside the cores (W).
double standing_power(const std::string& machine_name) {
    double standing = 0;
    const Json machine = json_of({"show", "machine", machine_name});
    for (const Json& component : machine["components"]) {
        if (!kNotInCores.contains(component["name"])) {
            standing += component["static_power_w"].get<double>() +
                        component["clock_power_w"].get<double>();
        }
    }
    return standing;
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
        const Json& layers = result.run()["layers"];
        const double bytes = traffic_of(result.plans(), layers, 0, layers.size());
        CHECK(hops_of(result.run()) > 0);
        CHECK(bytes * rounds_of(result.run()) == Approx(hops_of(result.run())));
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
    const Json& layer = result.run()["layers"][0];
    const double seconds = layer["end_s"].get<double>() - layer["start_s"].get<double>();
    CHECK(sum(result.plans().of({"conv", FloorplanBy::power})) ==
          Approx(1e3 *
                 (joules / rounds_of(result.run()) / seconds + standing_power("tiny_northpole"))));
}

TEST_CASE("The floor plans of all stages have the bytes and the joules of the result's layers") {
    const double users = 6;
    const ResultFile result({"--machine", "northpole_16", "--network", "./small.yaml", "--phase",
                             "decode", "--users", "6", "--context", "40", "--engine", "analytic",
                             "--effort", "quick", "--set", "machine.cards.overhead=0 us"});
    const Json& layers = result.run()["layers"];
    const Json& stages = result.run()["totals"]["pipeline"]["stages"];
    REQUIRE(stages.size() > 1);
    double bytes = 0;
    std::size_t begin = 0;
    for (std::size_t s = 0; s < stages.size(); ++s) {
        CHECK(stages[s]["cards"] == 1);
        std::size_t end = begin + 1;
        while (layers[end - 1]["name"] != stages[s]["last"]) {
            ++end;
        }
        bytes += users * traffic_of(result.plans(std::to_string(s + 1)), layers, begin, end);
        begin = end;
    }
    CHECK(bytes == Approx(hops_of(result.run())));

    // What a token costs in b2_gate and what runs at its end, with their program, beside what
    // stands. All programs are alike.
    const Floorplan power = result.plans("2").of({"b2_silu", FloorplanBy::power});
    CHECK(power.title == "small on northpole_16, stage 2 of 3 at int8: b2_gate");
    double programs = 0;
    for (const Json& layer : layers) {
        programs += layer["fused_with"].is_null() && layer["mapping"] != "" ? 1 : 0;
    }
    double joules = counted_energy(result.run(), "control") / programs;
    double start = 1;
    double stop = 0;
    for (const Json& layer : layers) {
        if (layer["name"] == "b2_gate" || layer["fused_with"] == "b2_gate") {
            joules += layer["energy_by_kind_j"]["arithmetic"].get<double>() +
                      layer["energy_by_kind_j"]["data_movement"].get<double>();
            start = std::min(start, layer["start_s"].get<double>());
            stop = std::max(stop, layer["end_s"].get<double>());
        }
    }
    CHECK(sum(power) ==
          Approx(1e3 * (joules / users / (stop - start) + standing_power("northpole"))));
    CHECK_THROWS_WITH(result.plans(),
                      Catch::Contains("has the network in 3 stages: 1 to 2 (b1_norm1 to b2_add2), "
                                      "3 (b3_norm1 to output); --stage N says which one to show"));
    CHECK_THROWS_WITH(result.plans("4"),
                      Catch::Contains("--stage: expected a number from 1 to 3, found '4'"));
}

TEST_CASE("A token of a model on one chip has floor plans, and many tokens have none") {
    const ResultFile token({"--machine", "northpole", "--network", "./small.yaml", "--phase",
                            "decode", "--users", "2", "--context", "40", "--engine", "analytic",
                            "--effort", "quick"});
    const Json& layers = token.run()["layers"];
    // Both users go through together.
    CHECK(traffic_of(token.plans(), layers, 0, layers.size()) == Approx(hops_of(token.run())));
    CHECK_THROWS_WITH(token.plans("1"), Catch::Contains("is of one chip, and has no stages"));
    const ResultFile tokens({"--machine", "northpole", "--network", "./small.yaml", "--phase",
                             "decode", "--output-tokens", "2", "--context", "40", "--engine",
                             "analytic", "--effort", "quick"});
    CHECK_THROWS_WITH(tokens.plans(), Catch::Contains("is of many steps of a language model"));
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
              .find("has no run on chips whose memory lies beside their cores") !=
          std::string::npos);
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", svg, "--by", "heat"}) ==
          "error: --by: expected traffic or power, found 'heat'; expected one of traffic, power\n");
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", "plan.png"})
              .find("expected a file that ends in .svg") != std::string::npos);
    CHECK(error_of({"show", "result", chip.file(), "--by", "power"}) ==
          "error: --by: expected tensor, or with --floorplan FILE.svg traffic or power, found "
          "'power'\n");
    CHECK(error_of({"show", "result", chip.file(), "--layer", "conv1"}) ==
          "error: show result: --layer and --stage are of --floorplan FILE.svg\n");
    CHECK(error_of({"show", "machines", "--floorplan", svg}) ==
          "error: show: --floorplan and --by are of show result FILE\n");
    // A machine that is not the one of the result any more.
    write_text(folder.path() / "other.yaml",
               "memwall: 1\nmachine: tiny_northpole\nextends: tiny_northpole\n"
               "components: {core_memory: {capacity: 8 KiB, bank: 8 KiB}}\n");
    CHECK(error_of({"show", "result", chip.file(), "--floorplan", svg, "--machine",
                    (folder.path() / "other.yaml").string()})
              .find("is no result of these files any more") != std::string::npos);
}

TEST_CASE("A result that was changed by hand is not drawn") {
    for (const char* engine : {"analytic", "systemc"}) {
        const ResultFile chip(
            {"--machine", "tiny_northpole", "--network", "tiny_two", "--engine", engine});
        const TemporaryFolder folder;
        const std::string svg = (folder.path() / "plan.svg").string();
        const auto drawn = [&](const Json& json) {
            const std::string file = (folder.path() / "result.json").string();
            write_text(file, json.dump());
            return run_memwall({"show", "result", file, "--floorplan", svg});
        };
        const Json whole = Json::parse(read_text(chip.file()));
        CHECK(drawn(whole).status == 0);
        const auto doubled = [&](const char* number) {
            Json changed = whole;
            Json& value = changed["runs"][0].at(Json::json_pointer(number));
            value = value.get<double>() * 2;
            return drawn(changed);
        };
        for (const char* number :
             {"/layers/0/energy_j", "/layers/0/adds_s", "/layers/0/end_s", "/totals/energy_j"}) {
            INFO(engine << " " << number);
            const ProgramRun run = doubled(number);
            CHECK(run.status == 2);
            CHECK(run.err.find("is no result of these files any more") != std::string::npos);
        }
    }
}

TEST_CASE("A result finds the files that it was made from, or says how to give them") {
    const TemporaryFolder folder;
    const std::string machine = "memwall: 1\nmachine: my6\nextends: tiny_northpole\n";
    const fs::path file = folder.path() / "here" / "my6.yaml";
    write_text(file, machine);
    const std::string svg = (folder.path() / "plan.svg").string();
    const auto show = [&](const std::vector<std::string>& more) {
        std::vector<std::string> options = {"show", "result", "here/a.json", "--floorplan", svg};
        options.insert(options.end(), more.begin(), more.end());
        return run_memwall(options, folder.path());
    };
    CHECK(run_memwall({"run", "--machine", "here/my6.yaml", "--network", "tiny_conv", "--engine",
                       "analytic", "--json", "here/a.json"},
                      folder.path())
              .status == 0);
    CHECK(show({}).status == 0);  // beside the result
    fs::rename(file, folder.path() / "my6.yaml");
    CHECK(show({}).status == 0);  // in the current folder
    write_text(folder.path() / "my6.yaml", machine + "clock: 2 GHz\n");
    CHECK(show({}).err ==
          "error: 'here/a.json' was made with a machine 'my6' that was given by path, which a "
          "result does not hold, and no 'my6.yaml' with the checksum it had lies beside the result "
          "or in this folder; expected --machine PATH\n");
    write_text(folder.path() / "far" / "other.yaml", machine);
    CHECK(show({"--machine", "far/other.yaml"}).status == 0);
}
