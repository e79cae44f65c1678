// SPDX-License-Identifier: Apache-2.0
// Runs the built program for the JSON that it prints.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace memwall::test {

using Json = nlohmann::json;

/// What build/memwall prints with `arguments` and `--json -`; the test fails where it fails.
Json json_of(std::vector<std::string> arguments, const std::filesystem::path& folder = "/");
/// The first run of it.
Json run_of(std::vector<std::string> arguments, const std::filesystem::path& folder = "/");

}  // namespace memwall::test
