// SPDX-License-Identifier: Apache-2.0
#include "study/settable_files.hpp"

#include <filesystem>
#include <set>
#include <utility>

#include "study/overrides.hpp"

namespace memwall {
namespace {

/// The keys of a part but those of the file itself, and those that the machine gives.
YamlValue numbers_of(const YamlValue& part, const YamlValue& own) {
    std::vector<YamlValue::Entry> entries;
    for (const YamlValue::Entry& entry : part.entries()) {
        static const std::set<std::string> kOfTheFile = {"memwall",     "dram",   "technology",
                                                         "description", "source", "provenance"};
        if (!kOfTheFile.contains(entry.key) && own.find(entry.key) == nullptr) {
            entries.push_back(entry);
        }
    }
    return YamlValue::make_map(std::move(entries), part.mark());
}

/// What a machine's file names beside: its kinds of DRAM, and its technology.
void add_parts(const YamlValue& machine, const std::vector<Override>& of_technology,
               const std::filesystem::path& folder, const Configs& configs, InputFiles& inputs,
               std::vector<SettableFile>& files) {
    const auto read = [&](ConfigKind kind, const YamlValue* part) {
        return part != nullptr && part->is_scalar()
                   ? read_machine_part(kind, part->text(), part->mark(),
                                       folder_of_path(part->mark(), folder), configs, inputs)
                   : YamlValue();
    };
    const YamlValue* components = machine.find("components");
    for (const YamlValue::Entry& component :
         components != nullptr ? components->entries() : std::vector<YamlValue::Entry>()) {
        const YamlValue* kind = component.value.find("kind");
        if (kind != nullptr && kind->text() == name(ConfigKind::dram)) {
            files.push_back({"machine.components." + component.key,
                             numbers_of(read(ConfigKind::dram, component.value.find("type")),
                                        component.value)});
        }
    }
    const YamlValue technology = read(ConfigKind::technology, machine.find("technology"));
    files.push_back(
        {"machine.technology", numbers_of(with_overrides(technology, of_technology), YamlValue())});
}

}  // namespace

std::vector<SettableFile> settable_files(const RunRequest& request, const Configs& configs,
                                         InputFiles& inputs) {
    std::vector<SettableFile> files;
    if (!request.machine.empty()) {
        const ConfigFile file = configs.find(ConfigKind::machine, request.machine);
        const std::filesystem::path folder = file.path.parent_path();
        const MachineOverrides overrides = by_file(request.overrides.machine);
        const YamlValue machine = with_overrides(
            with_base_of(read_config(file, "machine", inputs), folder, configs, inputs),
            overrides.own);
        files.push_back({"machine", machine});
        add_parts(machine, overrides.technology, folder, configs, inputs, files);
    }
    if (!request.network.empty()) {
        const ConfigFile file = configs.find(ConfigKind::network, request.network);
        YamlValue root = with_template_of(read_config(file, "network", inputs),
                                          file.path.parent_path(), configs, inputs);
        files.push_back({"network", with_overrides(std::move(root), request.overrides.network)});
    }
    return files;
}

}  // namespace memwall
