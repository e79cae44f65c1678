// SPDX-License-Identifier: Apache-2.0
// Where a verb's results go: tables to standard output, JSON and CSV to files or standard output.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace memwall {

class Output {
public:
    /// Checks, before any work, that the files can be written, are not the same, and that at most
    /// one goes to standard output ("-"). Throws InputError.
    Output(const std::optional<std::string>& json, const std::optional<std::string>& csv);

    /// Throws InputError where a result would take the place of one of these files.
    void spare(const std::vector<std::filesystem::path>& inputs) const;

    /// Writes the files whole; prints `table` unless a file took standard output. Texts that nobody
    /// asked for are never made.
    void write(const std::function<std::string()>& json, const std::function<std::string()>& csv,
               const std::function<std::string()>& table) const;

private:
    std::optional<std::string> json_;
    std::optional<std::string> csv_;
};

}  // namespace memwall
