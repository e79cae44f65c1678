// SPDX-License-Identifier: Apache-2.0
// Where networks, machines, technologies and experiments are found: by name in the config folders,
// or by path.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace memwall {

/// A template is a network without the values of its parameters.
enum class ConfigKind {
    network,
    machine,
    technology,
    experiment,
    network_template,
    validation,
    dram,
    mapping
};

/// "network"
const char* name(ConfigKind kind);
/// The subfolder of a config folder, "networks".
const char* folder_name(ConfigKind kind);
const std::vector<ConfigKind>& all_config_kinds();

/// A file that a name stands for.
struct ConfigFile {
    std::filesystem::path path;
    std::string shown_as;  ///< in messages
    std::string recorded;  ///< in results: relative to its config folder, else the bare name
};

/// The folders where names are looked up, in order: --configs, MEMWALL_CONFIGS, ./configs, the
/// share folder of the installation, the source tree of the build.
class Configs {
public:
    explicit Configs(std::vector<std::filesystem::path> folders);

    /// The folders of this process. Throws InputError where `option` is no folder.
    static Configs of_process(const std::optional<std::string>& option);

    /// The file for a name, or the path itself: what holds a '/' or ends in .yaml or .yml is a
    /// path. A name that is nowhere is an InputError at `where`, with the nearest name and the
    /// folders that were searched.
    [[nodiscard]] ConfigFile find(ConfigKind kind, const std::string& name,
                                  const SourceMark& where = {}) const;
    /// As find, of whatever kind; a name of several kinds is ambiguous only to people: the first in
    /// the order of all_config_kinds() wins.
    [[nodiscard]] ConfigFile find_any(const std::string& name) const;
    /// All names of a kind, sorted, each once.
    [[nodiscard]] std::vector<std::string> names(ConfigKind kind) const;
    [[nodiscard]] const std::vector<std::filesystem::path>& folders() const { return folders_; }

private:
    [[nodiscard]] std::optional<ConfigFile> lookup(ConfigKind kind, const std::string& name) const;
    [[nodiscard]] std::string places(const char* subfolder) const;

    std::vector<std::filesystem::path> folders_;
};

/// Whether a text stands for a path and not for a name.
bool is_path(const std::string& text);

}  // namespace memwall
