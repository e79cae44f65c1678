// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_yaml.hpp"

#include <map>

#include "workloads/expression.hpp"
#include "workloads/network_builder.hpp"
#include "workloads/ops/keys.hpp"
#include "workloads/transform_list.hpp"

namespace memwall {
namespace {

/// Reads `parameters`: each may use those above it. A name that cannot stand in an expression, a
/// value that is missing and one that is no scalar are faults. `given`: values that come from
/// elsewhere, by name.
Variables read_parameters(MapReader& reader, const std::map<std::string, std::string>& given) {
    Variables variables;
    for (const YamlValue::Entry& entry : reader.optional_entries("parameters")) {
        const std::string what = "parameter '" + entry.key + "'";
        if (const auto known = given.find(entry.key); known != given.end()) {
            variables.push({entry.key, known->second});
        } else if (!is_variable_name(entry.key) || entry.key == "previous") {
            reader.faults().error(entry.key_mark,
                                  what + ": expected a name of letters, digits and '_'" +
                                      (entry.key == "previous" ? " other than this one" : ""));
        } else if (entry.value.is_null()) {
            reader.faults().error(entry.key_mark, what + " has no value");
            variables.push({entry.key, "1"});
        } else {
            const YamlValue value = variables.fill(entry.value, reader.faults());
            const auto text = value.is_null()
                                  ? std::nullopt
                                  : scalar_as<std::string>(value, what, reader.faults());
            variables.push({entry.key, text.value_or("1")});
        }
    }
    return variables;
}

/// Only of a file that is right otherwise: a wrong expression may have meant it.
void check_parameters_are_used(MapReader& reader, const Variables& variables) {
    for (const YamlValue::Entry& entry : reader.optional_entries("parameters")) {
        if (variables.used().count(entry.key) == 0) {
            std::vector<std::string> others(variables.used().begin(), variables.used().end());
            const std::string near = nearest_name(entry.key, others);
            reader.faults().error(entry.key_mark,
                                  "parameter '" + entry.key + "' is used nowhere" +
                                      (near.empty() ? "" : "; did you mean '" + near + "'?"));
        }
    }
}

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
    input.density = read_density(reader);
    reader.finish();
    return input;
}

/// An input with its expressions filled; without a shape where one of them is wrong.
InputEntry read_filled_input(const YamlValue::Entry& entry, Variables& variables,
                             Diagnostics& faults) {
    Diagnostics found;
    const YamlValue value = variables.fill(entry.value, found);
    if (found.empty()) {
        return read_input({entry.key, entry.key_mark, value}, faults);
    }
    for (const Diagnostic& fault : found.faults()) {
        faults.error(fault.where, fault.message);
    }
    InputEntry input;
    input.name = {entry.key, entry.key_mark};
    return input;
}

/// The file with the expressions of its own keys filled: all but those of the layers, where more
/// names are known, of the inputs, and the parameters.
YamlValue with_filled_keys(const YamlValue& tree, Variables& variables, Diagnostics& faults) {
    if (!tree.is_map()) {
        return tree;
    }
    std::vector<YamlValue::Entry> entries = tree.entries();
    for (YamlValue::Entry& entry : entries) {
        if (entry.key != "layers" && entry.key != "inputs" && entry.key != "parameters" &&
            entry.key != "source" && entry.key != "description") {
            entry.value = variables.fill(entry.value, faults);
        }
    }
    return YamlValue::make_map(std::move(entries), tree.mark());
}

}  // namespace

Network load_network(const YamlValue& tree, Diagnostics& faults) {
    Diagnostics found;
    MapReader unfilled(tree, "network file", found);
    Variables variables = read_parameters(unfilled, parameters_of_transforms(tree));
    const YamlValue root = with_filled_keys(tree, variables, found);
    MapReader reader(root, "network file", found);
    reader.optional_entries("parameters");
    if (reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    NetworkEntry entry;
    entry.name = reader.required<std::string>("network");
    entry.source = reader.optional<std::string>("source", "");
    reader.optional<std::string>("description", "");
    entry.precision = read_policy(reader, "precision");
    for (const YamlValue::Entry& input : reader.required_entries("inputs")) {
        entry.inputs.push_back(read_filled_input(input, variables, found));
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
    const std::vector<Transform> transforms = read_transforms(reader);
    entry.hint = hint_of(transforms);
    const auto has = [&](const char* parameter) { return variables.find(parameter) != nullptr; };
    change_inputs(transforms, entry.inputs,
                  {has(kPositions), has(kImageRows) && has(kImageColumns)}, found);
    const std::vector<YamlValue>& layers = reader.required_items("layers");
    if (root.find("layers") != nullptr && root.find("layers")->is_sequence() && layers.empty()) {
        reader.error("layers", "'layers' in network file: expected at least one layer");
    }
    reader.finish();
    entry.layers = read_layers(
        layers, entry.inputs.size() == 1 ? entry.inputs[0].name.name : std::string(), variables,
        [&, last = last_with_weights(layers)](const YamlValue& layer) {
            return rewritten(transforms, layer, last);
        },
        found);
    NetworkParts parts = build_network(entry, found);
    if (found.empty()) {
        check_parameters_are_used(unfilled, variables);
    }
    Network network = found.empty() ? Network(std::move(parts)) : Network();
    if (found.empty()) {
        network = transformed(transforms, std::move(network), found);
    }
    for (const Diagnostic& fault : found.faults()) {
        faults.error(fault.where, fault.message);
    }
    return found.empty() ? network : Network();
}

YamlValue read_template_beside(const std::filesystem::path& file, const std::string& name,
                               const SourceMark& where) {
    const bool is_name =
        name.find('/') == std::string::npos && name.find(".yaml") == std::string::npos;
    const std::filesystem::path folder = file.parent_path();
    const std::filesystem::path path =
        is_name ? folder / "templates" / (name + ".yaml") : folder / name;
    std::error_code failure;
    Diagnostics faults;
    if (!std::filesystem::is_regular_file(path, failure)) {
        faults.error(where, "no template '" + name + "' (looked for " + path.string() + ")");
        faults.throw_if_any();
    }
    YamlValue root = read_yaml_file(path, path.string(), faults);
    faults.throw_if_any();
    return root;
}

Network load_network_file(const std::filesystem::path& path, const std::string& shown_as,
                          Diagnostics& faults) {
    Diagnostics found;
    YamlValue root = read_yaml_file(path, shown_as, found);
    const auto beside = [&](const std::string& name, const SourceMark& where) {
        return read_template_beside(path, name, where);
    };
    root = with_template(root, beside, found);
    Network network = found.empty() ? load_network(root, found) : Network();
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
