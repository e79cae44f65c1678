// SPDX-License-Identifier: Apache-2.0
// What a results folder says of its sweep: the manifest, DIR/sweep.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "study/command_line.hpp"
#include "study/sweep/sweep_file.hpp"

namespace memwall {

/// The sweep that a folder holds, as its file said it when it was run last.
struct Manifest {
    std::string plan;               ///< checksum of the sweep, its inputs and the program's model
    std::string file_name;          ///< of the sweep file, without folders
    std::string text;               ///< of the sweep file
    std::vector<std::string> base;  ///< PATH=VALUE from the command line
    std::optional<Engine> then;     ///< of the second pass
    std::int64_t top = 0;           ///< points of the second pass
    bool checked = false;           ///< every point was made once, and none had a fault
    bool collected = false;         ///< the tables have all that the shards have
};

/// The shards of a folder.
std::filesystem::path shards_of(const std::filesystem::path& folder);

/// nullopt where there is none. Throws InputError for one that cannot be read.
std::optional<Manifest> read_manifest(const std::filesystem::path& folder);
/// Throws StoreError where there is no room.
void write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

/// The sweep of a text, with what the command line sets. Throws InputError with all faults.
Sweep sweep_from(const std::string& text, const std::string& shown_as,
                 const std::vector<std::string>& base);

}  // namespace memwall
