// SPDX-License-Identifier: Apache-2.0
// Options that are valid one by one never combine into a crash: a run ends well, or says in one
// line a fault what does not go together.
#include <catch2/catch.hpp>

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
