// SPDX-License-Identifier: Apache-2.0
#include "study/configs.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace memwall {

namespace fs = std::filesystem;

const char* name(ConfigKind kind) {
    switch (kind) {
        case ConfigKind::network:
            return "network";
        case ConfigKind::machine:
            return "machine";
        case ConfigKind::technology:
            return "technology";
        case ConfigKind::experiment:
            return "experiment";
        case ConfigKind::network_template:
            return "template";
        case ConfigKind::validation:
            return "validation";
        case ConfigKind::dram:
            return "dram";
        case ConfigKind::mapping:
            return "mapping";
    }
    fail("unknown kind of configuration");
}

const char* folder_name(ConfigKind kind) {
    switch (kind) {
        case ConfigKind::network:
            return "networks";
        case ConfigKind::machine:
            return "machines";
        case ConfigKind::technology:
            return "technology";
        case ConfigKind::experiment:
            return "experiments";
        case ConfigKind::network_template:
            return "networks/templates";
        case ConfigKind::validation:
            return "validation";
        case ConfigKind::dram:
            return "dram";
        case ConfigKind::mapping:
            return "mappings";
    }
    fail("unknown kind of configuration");
}

const std::vector<ConfigKind>& all_config_kinds() {
    static const std::vector<ConfigKind> kKinds = {
        ConfigKind::network,          ConfigKind::machine,
        ConfigKind::technology,       ConfigKind::experiment,
        ConfigKind::network_template, ConfigKind::validation,
        ConfigKind::mapping,          ConfigKind::dram};
    return kKinds;
}

namespace {

bool ends_with(const std::string& text, const std::string& end) {
    return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// share/memwall/configs beside the bin folder that this program lies in.
fs::path installed_configs() {
    std::error_code failure;
    const fs::path program = fs::read_symlink("/proc/self/exe", failure);
    return failure ? fs::path() : program.parent_path().parent_path() / "share/memwall/configs";
}

}  // namespace

bool is_path(const std::string& text) {
    return text.find('/') != std::string::npos || ends_with(text, ".yaml") ||
           ends_with(text, ".yml");
}

Configs::Configs(std::vector<fs::path> folders) : folders_(std::move(folders)) {}

Configs Configs::of_process(const std::optional<std::string>& option) {
    std::vector<fs::path> folders;
    if (option) {
        if (!fs::is_directory(*option)) {
            throw InputError("--configs: no folder '" + *option + "'");
        }
        folders.emplace_back(*option);
    }
    const char* variable = std::getenv("MEMWALL_CONFIGS");
    if (variable != nullptr && *variable != '\0') {
        if (!fs::is_directory(variable)) {
            throw InputError("MEMWALL_CONFIGS: '" + std::string(variable) + "' is no folder");
        }
        folders.emplace_back(variable);
    }
    folders.emplace_back("configs");
    folders.push_back(installed_configs());
    folders.emplace_back(MEMWALL_SOURCE_CONFIGS);
    // Only what is there, and each folder once under the first of its names.
    std::vector<fs::path> known;
    std::set<fs::path> seen;
    for (const fs::path& folder : folders) {
        std::error_code failure;
        const fs::path real = fs::canonical(folder, failure);
        if (!failure && fs::is_directory(real) && seen.insert(real).second) {
            known.push_back(folder);
        }
    }
    return Configs(std::move(known));
}

std::optional<ConfigFile> Configs::lookup(ConfigKind kind, const std::string& name) const {
    const fs::path relative = fs::path(folder_name(kind)) / (name + ".yaml");
    for (const fs::path& folder : folders_) {
        std::error_code failure;
        if (fs::is_regular_file(folder / relative, failure)) {
            return ConfigFile{folder / relative, (folder / relative).string(), relative.string()};
        }
    }
    return std::nullopt;
}

std::string Configs::places(const char* subfolder) const {
    if (folders_.empty()) {
        return " (no configs folder was found; give one with --configs)";
    }
    std::string list;
    for (const fs::path& folder : folders_) {
        list += (list.empty() ? "" : ", ") + (folder / subfolder).string();
    }
    return " (looked in " + list + ")";
}

ConfigFile Configs::find(ConfigKind kind, const std::string& name, const SourceMark& where) const {
    if (is_path(name)) {
        return {name, name, fs::path(name).filename().string()};
    }
    if (const auto file = lookup(kind, name)) {
        return *file;
    }
    Diagnostics faults;
    faults.error(where, "unknown " + std::string(memwall::name(kind)) + " '" + name + "'" +
                            suggestion(name, names(kind)) + places(folder_name(kind)));
    faults.throw_if_any();
    fail("a fault was reported and not thrown");
}

ConfigFile Configs::find_any(const std::string& name) const {
    if (is_path(name)) {
        return {name, name, fs::path(name).filename().string()};
    }
    std::vector<std::string> known;
    for (const ConfigKind kind : all_config_kinds()) {
        if (const auto file = lookup(kind, name)) {
            return *file;
        }
        const std::vector<std::string> more = names(kind);
        known.insert(known.end(), more.begin(), more.end());
    }
    const std::string near = nearest_name(name, known);
    throw InputError("no configuration is called '" + name + "'" +
                     (near.empty() ? "" : "; did you mean '" + near + "'?") + places(""));
}

std::vector<std::string> Configs::names(ConfigKind kind) const {
    std::set<std::string> found;
    for (const fs::path& folder : folders_) {
        std::error_code failure;
        for (const auto& entry : fs::directory_iterator(folder / folder_name(kind), failure)) {
            if (entry.path().extension() == ".yaml") {
                found.insert(entry.path().stem().string());
            }
        }
    }
    return {found.begin(), found.end()};
}

}  // namespace memwall
