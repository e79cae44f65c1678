// SPDX-License-Identifier: Apache-2.0
#include "arch/dram_yaml.hpp"

#include <algorithm>

#include "arch/component_kinds.hpp"
#include "base/yaml_override.hpp"

namespace memwall {
namespace {

/// Keys of a file of configs/dram that say something of the file and nothing of the DRAM.
bool about_the_file(const std::string& key) {
    return key == "memwall" || key == "dram" || key == "description" || key == "source" ||
           key == "provenance";
}

/// Checks and takes what a file says of itself.
void read_head(const YamlValue& file, const std::string& prefix,
               std::vector<Provenance>& provenance, Diagnostics& faults) {
    std::vector<YamlValue::Entry> head;
    for (const YamlValue::Entry& entry : file.entries()) {
        if (about_the_file(entry.key)) {
            head.push_back(entry);
        }
    }
    MapReader reader(file.is_map() ? YamlValue::make_map(std::move(head), file.mark()) : file,
                     "DRAM file", faults);
    if (reader.has("memwall") && reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    reader.required<std::string>("dram");
    reader.optional<std::string>("source", "");
    reader.optional<std::string>("description", "");
    read_provenance(reader, prefix, provenance);
    reader.finish();
}

/// The keys of a component, then those of its type's file. A number that was set from outside of
/// the component's file stands in the place of the type's.
YamlValue merged(const YamlValue& own, const YamlValue& file) {
    std::vector<YamlValue::Entry> entries = own.entries();
    for (YamlValue::Entry& entry : entries) {
        const YamlValue* of_type = file.find(entry.key);
        if (of_type != nullptr && entry.value.mark().file != own.mark().file) {
            entry.value = in_place_of(*of_type, entry.value);
        }
    }
    for (const YamlValue::Entry& entry : file.entries()) {
        if (!about_the_file(entry.key) && own.find(entry.key) == nullptr) {
            entries.push_back(entry);
        }
    }
    return YamlValue::make_map(std::move(entries), own.mark());
}

}  // namespace

void read_provenance(MapReader& file, const std::string& prefix,
                     std::vector<Provenance>& provenance) {
    static const std::vector<std::string> kStatuses = {"published", "derived", "assumed",
                                                       "calibrated"};
    for (const auto& entry : file.optional_entries("provenance")) {
        MapReader reader(entry.value, "provenance of '" + entry.key + "'", file.faults());
        Provenance read;
        read.path = prefix + entry.key;
        read.status = static_cast<Status>(reader.required_choice("status", kStatuses).value_or(2));
        read.source = reader.required<std::string>("source");
        reader.finish();
        const bool known =
            std::any_of(provenance.begin(), provenance.end(),
                        [&](const Provenance& other) { return other.path == read.path; });
        if (!known) {
            provenance.push_back(std::move(read));
        }
    }
}

YamlValue with_dram_type(const YamlValue& component, const std::string& name,
                         const DramLookup& drams, std::vector<Provenance>& provenance,
                         Diagnostics& faults) {
    const YamlValue* type = component.find("type");
    if (type == nullptr || !type->is_scalar()) {
        return component;
    }
    const YamlValue file = drams(type->text(), type->mark());
    read_head(file, "components." + name + ".", provenance, faults);
    return merged(component, file);
}

Component load_dram(const YamlValue& file, Diagnostics& faults) {
    std::vector<Provenance> provenance;
    read_head(file, "", provenance, faults);
    const YamlValue own = YamlValue::make_map(
        {{"capacity", file.mark(), YamlValue::make_scalar("1 TiB", file.mark())}}, file.mark());
    Component component;
    component.kind = ComponentKind::dram;
    component.name = "dram";
    MapReader reader(merged(own, file), "DRAM file", faults);
    const Technology none;  // a DRAM's file has its own energies
    const ClockDomain clock("clock", Hertz(1));
    read_dram(reader, {none, clock}, component);
    reader.finish();
    return component;
}

}  // namespace memwall
