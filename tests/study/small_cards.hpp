// SPDX-License-Identifier: Apache-2.0
// A small decoder over the cards of a machine, through the command line.
#pragma once

#include <string>
#include <vector>

#include "tests/study/json_run.hpp"
#include "tests/study/program.hpp"

namespace memwall::test {

ProgramRun run_on_cards(const std::vector<std::string>& more,
                        const std::string& machine = "northpole_16");
Json result_on_cards(const std::vector<std::string>& more,
                     const std::string& machine = "northpole_16");
/// Six users' next token behind 40, and `more`.
std::vector<std::string> decode_with(const std::vector<std::string>& more = {});

}  // namespace memwall::test
