// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/sweep_folder.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/file.hpp"
#include "study/overrides.hpp"
#include "study/sweep/paths.hpp"
#include "study/sweep/store.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSchema = "memwall.sweep/1";
constexpr Bytes kLargestManifest{64 * 1024 * 1024};

fs::path manifest_of(const fs::path& folder) {
    return folder / "sweep.json";
}

}  // namespace

fs::path shards_of(const fs::path& folder) {
    return folder / "shards";
}

std::optional<Manifest> read_manifest(const fs::path& folder) {
    const fs::path path = manifest_of(folder);
    std::error_code failure;
    if (!fs::exists(path, failure)) {
        return std::nullopt;
    }
    const std::string text =
        read_file_whole(path, path.string(), "the manifest of a sweep", kLargestManifest);
    try {
        const nlohmann::json json = nlohmann::json::parse(text);
        if (json.at("schema") != kSchema) {
            throw InputError("'" + path.string() + "' is of another version: expected " + kSchema);
        }
        Manifest manifest;
        manifest.plan = json.at("plan");
        manifest.file_name = json.at("file");
        manifest.text = json.at("text");
        manifest.base = json.at("base").get<std::vector<std::string>>();
        if (!json.at("then").is_null()) {
            manifest.then = parse_engine(json.at("then"));
        }
        manifest.top = json.at("top");
        manifest.checked = json.at("checked");
        manifest.collected = json.at("collected");
        return manifest;
    } catch (const nlohmann::json::exception&) {
        throw InputError("'" + path.string() +
                         "' is damaged: expected what a sweep wrote; without this file the same "
                         "sweep makes it anew");
    }
}

void write_manifest(const fs::path& folder, const Manifest& manifest) {
    const nlohmann::ordered_json json = {
        {"schema", kSchema},
        {"plan", manifest.plan},
        {"file", manifest.file_name},
        {"text", manifest.text},
        {"base", manifest.base},
        {"then", manifest.then ? nlohmann::ordered_json(name(*manifest.then))
                               : nlohmann::ordered_json(nullptr)},
        {"top", manifest.top},
        {"checked", manifest.checked},
        {"collected", manifest.collected}};
    try {
        write_file_whole(manifest_of(folder), json.dump(2) + "\n");
    } catch (const InputError& error) {
        throw StoreError(error.faults().front().message);
    }
}

/// A key of a scenario by its short name: `scenario.batch` and `batch` are one.
static std::string without_scenario(const std::string& path) {
    constexpr std::string_view kPrefix = "scenario.";
    return path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : path;
}

namespace {

/// Every point has a machine and a network.
void check_names(const Sweep& sweep, Diagnostics& faults) {
    if (!faults.empty()) {
        return;  // what names them may be among the faults
    }
    const Settings first = sweep.settings(0);
    for (const char* name : {"machine", "network"}) {
        if (std::none_of(first.begin(), first.end(),
                         [&](const Setting& setting) { return setting.path == name; })) {
            faults.error(sweep.tree.mark(), "the sweep names no " + std::string(name) +
                                                ": expected '" + name +
                                                "' in 'base' or among its paths");
        }
    }
}

}  // namespace

Sweep sweep_from(const std::string& text, const std::string& shown_as,
                 const std::vector<std::string>& base) {
    Diagnostics faults;
    const YamlValue root = read_yaml_text(text, shown_as, faults);
    faults.throw_if_any();
    Sweep sweep = load_sweep(root, faults);
    std::set<std::string> swept;
    for (const std::string& path : sweep.space.paths()) {
        swept.insert(without_scenario(path));
    }
    for (const std::string& set : base) {
        const Override override = parse_override(set);
        check_path(override.path, {}, faults);
        if (swept.contains(without_scenario(override.path))) {
            faults.error({}, "'" + set + "' would have no effect: the sweep " + shown_as +
                                 " gives '" + override.path + "' its values at each point");
        }
        Diagnostics of_value;
        sweep.base.push_back({override.path, read_yaml_text(override.value, "", of_value), {}});
        of_value.throw_if_any();
    }
    check_names(sweep, faults);
    faults.throw_if_any();
    return sweep;
}

}  // namespace memwall
