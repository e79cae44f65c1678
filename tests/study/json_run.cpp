// SPDX-License-Identifier: Apache-2.0
#include "tests/study/json_run.hpp"

#include <catch2/catch.hpp>
#include <utility>

#include "tests/study/program.hpp"

namespace memwall::test {

Json json_of(std::vector<std::string> arguments, const std::filesystem::path& folder) {
    arguments.insert(arguments.end(), {"--json", "-"});
    const ProgramRun run = run_memwall(arguments, folder);
    INFO(run.err);
    REQUIRE(run.status == 0);
    return Json::parse(run.out);
}

Json run_of(std::vector<std::string> arguments, const std::filesystem::path& folder) {
    return json_of(std::move(arguments), folder)["runs"][0];
}

}  // namespace memwall::test
