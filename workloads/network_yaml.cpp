// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_yaml.hpp"

#include "workloads/network_builder.hpp"
#include "workloads/ops/keys.hpp"

namespace memwall {
namespace {

/// "image: [3, 224, 224]" or "image: {shape: [3, 224, 224], precision: int8}".
InputEntry read_input(const YamlValue::Entry& entry, Diagnostics& faults) {
    InputEntry input;
    input.name = {entry.key, entry.key_mark};
    const std::string what = "input '" + entry.key + "'";
    if (!entry.value.is_map()) {
        input.shape = ops::read_shape(entry.value, what, faults);
        return input;
    }
    MapReader reader(entry.value, what, faults);
    if (const YamlValue& shape = reader.required_value("shape"); !shape.is_null()) {
        input.shape = ops::read_shape(shape, what, faults);
    }
    input.precision = read_precision(reader, "precision");
    reader.finish();
    return input;
}

}  // namespace

Network load_network(const YamlValue& root, Diagnostics& faults) {
    Diagnostics found;
    MapReader reader(root, "network file", found);
    if (reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    NetworkEntry entry;
    entry.name = reader.required<std::string>("network");
    entry.source = reader.optional<std::string>("source", "");
    reader.optional<std::string>("description", "");
    entry.precision = read_policy(reader, "precision");
    for (const YamlValue::Entry& input : reader.required_entries("inputs")) {
        entry.inputs.push_back(read_input(input, found));
    }
    if (root.find("inputs") != nullptr && root.find("inputs")->is_map() && entry.inputs.empty()) {
        reader.error("inputs", "'inputs' in network file: expected at least one input");
    }
    for (const YamlValue& name : reader.optional_items("keep_precision")) {
        if (const auto text =
                scalar_as<std::string>(name, "'keep_precision' in network file", found)) {
            entry.keep_precision.push_back({*text, name.mark()});
        }
    }
    const std::vector<YamlValue>& layers = reader.required_items("layers");
    if (root.find("layers") != nullptr && root.find("layers")->is_sequence() && layers.empty()) {
        reader.error("layers", "'layers' in network file: expected at least one layer");
    }
    reader.finish();
    entry.layers = read_layers(
        layers, entry.inputs.size() == 1 ? entry.inputs[0].name.name : std::string(), found);
    NetworkParts parts = build_network(entry, found);
    for (const Diagnostic& fault : found.faults()) {
        faults.error(fault.where, fault.message);
    }
    return found.empty() ? Network(std::move(parts)) : Network();
}

Network load_network_file(const std::filesystem::path& path, const std::string& shown_as,
                          Diagnostics& faults) {
    Diagnostics found;
    const YamlValue root = read_yaml_file(path, shown_as, found);
    Network network = load_network(root, found);
    for (const Diagnostic& fault : found.faults()) {
        faults.error(fault.where, fault.message);
    }
    return found.empty() ? network : Network();
}

Network load_network_file(const std::filesystem::path& path) {
    Diagnostics faults;
    Network network = load_network_file(path, path.string(), faults);
    faults.throw_if_any();
    return network;
}

}  // namespace memwall
