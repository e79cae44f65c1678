// SPDX-License-Identifier: Apache-2.0
// Runs the built program as a user would, and keeps all that it says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace memwall::test {

struct ProgramRun {
    int status = -1;  ///< its exit status; -1 where it did not exit by itself
    std::string out;
    std::string err;
};

/// Runs build/memwall with `arguments` in `folder`, standard input closed, with the configurations
/// of the source tree.
ProgramRun run_memwall(const std::vector<std::string>& arguments,
                       const std::filesystem::path& folder = "/");
/// Starts the same, sends it `signal` after `milliseconds`, and waits for its end.
ProgramRun interrupt_memwall(const std::vector<std::string>& arguments,
                             const std::filesystem::path& folder, int signal, int milliseconds);
/// The same of another program.
ProgramRun run_program(const std::string& program, const std::vector<std::string>& arguments,
                       const std::filesystem::path& folder);

std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);

/// Writes NAME.yaml: a template with its parameters ("layers: 2, hidden: 64").
void write_network(const std::filesystem::path& folder, const std::string& name,
                   const std::string& extends, const std::string& parameters);
/// Writes small.yaml: a decoder of three blocks that runs over cards in no time.
void write_small_decoder(const std::filesystem::path& folder);

}  // namespace memwall::test
