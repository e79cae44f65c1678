// SPDX-License-Identifier: Apache-2.0
// Options that are valid one by one never combine into a crash: a run ends well, or says in one
// line a fault what does not go together.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "base/yaml.hpp"
#include "sim/scenario.hpp"
#include "study/configs.hpp"
#include "tests/study/program.hpp"
#include "tests/support/draw.hpp"

using namespace memwall;
using namespace memwall::test;

TEST_CASE("every shipped machine takes every precision and phase, or says why not", "[slow]") {
    const Configs configs({MEMWALL_SOURCE_DIR "/configs"});
    int ended_well = 0;
    for (const std::string& machine : configs.names(ConfigKind::machine)) {
        for (const char* precision : {"int8", "int4", "fp16"}) {
            for (const std::string& phase : phase_names()) {
                const ProgramRun run = run_memwall(
                    {"run", "--machine", machine, "--network", "lenet", "--precision", precision,
                     "--phase", phase, "--engine", "analytic", "--effort", "quick"});
                INFO(machine << " " << precision << " " << phase << ": " << run.err);
                REQUIRE((run.status == 0 || run.status == 2));
                CHECK((run.status == 0) == !run.out.empty());
                CHECK((run.status == 0) == (run.err.find("error: ") == std::string::npos));
                CHECK(run.err.find("internal error") == std::string::npos);
                ended_well += run.status == 0 ? 1 : 0;
            }
        }
    }
    CHECK(ended_well > 0);
}

TEST_CASE("every shipped machine ends the tiny networks in both engines, or says why not") {
    const Configs configs({MEMWALL_SOURCE_DIR "/configs"});
    int ended_well = 0;
    const auto check = [&](const std::string& machine, std::vector<std::string> arguments) {
        for (const char* engine : {"analytic", "systemc"}) {
            std::vector<std::string> all{"run",  "--machine", machine, "--engine",
                                         engine, "--effort",  "quick"};
            all.insert(all.end(), arguments.begin(), arguments.end());
            const ProgramRun run = run_memwall(all);
            INFO(machine << " " << arguments[1] << " " << engine << ": " << run.err);
            CHECK((run.status == 0 || run.status == 2));
            ended_well += run.status == 0 ? 1 : 0;
        }
    };
    for (const std::string& machine : configs.names(ConfigKind::machine)) {
        check(machine, {"--network", "tiny_conv"});
        check(machine, {"--network", "tiny_depthwise", "--batch", "8"});
        check(machine, {"--network", "tiny_residual", "--phase", "training_step"});
    }
    CHECK(ended_well > 0);
}

namespace {

/// Paths and texts of the scalars of a file that say how a machine is.
using Scalars = std::vector<std::pair<std::string, std::string>>;

void add_scalars(const YamlValue& value, const std::string& path, Scalars& found) {
    static const std::set<std::string> kTold = {"memwall", "machine", "extends",    "description",
                                                "source",  "status",  "provenance", "power_scope"};
    if (value.is_scalar()) {
        found.emplace_back(path, value.text());
    } else if (value.is_map()) {
        for (const YamlValue::Entry& entry : value.entries()) {
            if (kTold.count(entry.key) == 0) {
                add_scalars(entry.value, path.empty() ? entry.key : path + "." + entry.key, found);
            }
        }
    }
}

Scalars scalars_of(const std::string& machine) {
    Diagnostics faults;
    Scalars found;
    add_scalars(
        read_yaml_file(MEMWALL_SOURCE_DIR "/configs/machines/" + machine + ".yaml", "", faults), "",
        found);
    return found;
}

/// Another number with the same unit, or another word.
std::string changed(Draw& draw, const std::string& text) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (end == text.c_str()) {
        return draw.one_of<std::string>({"none", "0", "int4", "int8", "fp16", text});
    }
    const double other = draw.one_of<double>(
        {0, 1, -1, 2, 3, 7, 13, 0.5, 1e15, number / 2, number * 2, number + 1, number - 1,
         number * 1.5, number * 0.37, number / 1e3, number * 1e3, number * 1e6, number * 1e9});
    std::string shown = std::to_string(other);
    shown.erase(shown.find_last_not_of('0') + 1);
    if (shown.back() == '.') {
        shown.pop_back();
    }
    return shown + end;
}

/// As many random cases as MEMWALL_CASES says, of all machines and networks then; else a few small
/// ones.
bool has_many_cases() {
    return std::getenv("MEMWALL_CASES") != nullptr;
}

std::vector<std::string> random_run(Draw& draw, const Configs& configs) {
    const std::vector<std::string> small = {"lenet", "tiny_conv", "tiny_depthwise",
                                            "tiny_residual"};
    const std::string machine =
        has_many_cases()
            ? draw.one_of(configs.names(ConfigKind::machine))
            : draw.one_of<std::string>({"tiny_von_neumann", "tiny_northpole", "tiny_loop_nest",
                                        "eyeriss", "von_neumann", "northpole", "l4"});
    const bool any = has_many_cases() && draw.chance(30);
    std::vector<std::string> arguments = {
        "run",
        "--machine",
        machine,
        "--network",
        any ? draw.one_of(configs.names(ConfigKind::network)) : draw.one_of(small),
        "--engine",
        any || draw.chance(50) ? "analytic" : "systemc",
        "--effort",
        "quick",
        "--batch",
        std::to_string(draw.one_of<int>({1, 2, 3, 8}))};
    const Scalars scalars = scalars_of(machine);
    for (std::int64_t changes = draw(1, 3); changes > 0; --changes) {
        const auto& [path, text] = draw.one_of(scalars);
        arguments.insert(arguments.end(), {"--set", "machine." + path + "=" + changed(draw, text)});
    }
    return arguments;
}

}  // namespace

TEST_CASE("a value that is accepted ends well, whatever else it is") {
    const Configs configs({MEMWALL_SOURCE_DIR "/configs"});
    const char* cases = std::getenv("MEMWALL_CASES");
    const int most = cases != nullptr ? std::atoi(cases) : 40;
    Draw draw(20);
    int ended_well = 0;
    for (int i = 0; i < most; ++i) {
        const std::vector<std::string> arguments = random_run(draw, configs);
        std::vector<std::string> watched = {"120", MEMWALL_PROGRAM};  // seconds: none is that long
        watched.insert(watched.end(), arguments.begin(), arguments.end());
        const ProgramRun run = run_program("/usr/bin/timeout", watched, "/");
        std::string command = "memwall";
        for (const std::string& argument : arguments) {
            command += " '" + argument + "'";
        }
        INFO(command << "\n" << run.err);
        CHECK((run.status == 0 || run.status == 2));
        CHECK((run.status == 0) == (run.err.find("error: ") == std::string::npos));
        CHECK(run.out.find("nan") == std::string::npos);
        ended_well += run.status == 0 ? 1 : 0;
    }
    CHECK(ended_well > most / 10);
}

namespace {

/// Frames/s, joules a frame and mm2 of resnet18 at 4 bit on a chip that is otherwise.
struct WhatIf {
    double per_second = 0;
    double energy = 0;
    double area = 0;
};

WhatIf what_if(const std::vector<std::string>& settings) {
    std::vector<std::string> arguments = {"run",      "--machine",   "northpole", "--network",
                                          "resnet18", "--precision", "int4",      "--engine",
                                          "analytic", "--effort",    "quick",     "--json",
                                          "-"};
    for (const std::string& setting : settings) {
        arguments.insert(arguments.end(), {"--set", "machine." + setting});
    }
    const ProgramRun run = run_memwall(arguments);
    INFO(run.err);
    REQUIRE(run.status == 0);
    const nlohmann::json totals = nlohmann::json::parse(run.out)["runs"][0]["totals"];
    return {totals["throughput_per_s"], totals["energy_per_item_j"], totals["area_mm2"]};
}

/// A mesh of so many rows and columns, with all that there is once a core.
std::vector<std::string> mesh_of(int side) {
    return {"mesh.columns=" + std::to_string(side), "mesh.rows=" + std::to_string(side)};
}

}  // namespace

TEST_CASE("What a chip would do if it were another moves as it must") {
    const WhatIf shipped = what_if({});
    for (const char* narrower :
         {"model_network.link_width=32B", "activation_network.link_width=8B",
          "partial_sum_network.link_width=8B", "instruction_network.link_width=8B",
          "core_memory.read_width=32B"}) {
        INFO(narrower);
        const WhatIf found = what_if({"components." + std::string(narrower)});
        CHECK(found.per_second < shipped.per_second);
        CHECK(found.energy > shipped.energy);  // it leaks for longer
        CHECK(found.area == shipped.area);     // networks are in the area of the arrays
    }
    const WhatIf slow = what_if({"clock=200 MHz"});
    CHECK(slow.per_second == Approx(shipped.per_second / 2).epsilon(0.01));
    CHECK(slow.energy > shipped.energy);
    const WhatIf newer = what_if({"technology=7nm"});
    CHECK(newer.per_second == shipped.per_second);
    CHECK(newer.energy < shipped.energy);
    CHECK(newer.area < shipped.area);
    const WhatIf larger = what_if({"components.core_memory.capacity=1536KiB"});
    CHECK(larger.per_second >= shipped.per_second);
    CHECK(larger.energy > shipped.energy);
    CHECK(larger.area == Approx(shipped.area + 192 * 0.803));  // mm2 a MiB at 12 nm
    const WhatIf dense = what_if({"components.core_memory.cells=edram"});
    CHECK(dense.per_second == shipped.per_second);
    CHECK(dense.area < shipped.area);
    const WhatIf integers = what_if({"components.vector.precision=int8"});
    CHECK(integers.per_second == shipped.per_second);
    CHECK(integers.energy < shipped.energy);
    const WhatIf few = what_if(mesh_of(8));
    CHECK(few.per_second < shipped.per_second);
    CHECK(few.area == Approx((shipped.area - 32 * 0.803) / 4 + 32 * 0.803));  // the frame buffer
    const ProgramRun half = run_memwall({"run", "--machine", "northpole", "--network", "resnet18",
                                         "--set", "machine.components.array.instances=64"});
    CHECK(half.status == 2);
    CHECK(half.err ==
          "--set machine.components.array.instances=64: error: machine 'northpole': the spatial "
          "mapper needs as many instances of 'activation_network' (256 routers), 'core_memory' "
          "(256), "
          "'weight_buffer' (256), 'accumulators' (256), 'vector' (256) as of 'array' (64)\n");
}
