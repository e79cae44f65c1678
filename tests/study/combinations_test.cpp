// SPDX-License-Identifier: Apache-2.0
// Options that are valid one by one never combine into a crash: a run ends well, or says in one
// line a fault what does not go together.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sim/scenario.hpp"
#include "study/configs.hpp"
#include "tests/study/program.hpp"

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
    CHECK(half.err.find("needs as many instances of 'core_memory' as of 'array'") !=
          std::string::npos);
}
