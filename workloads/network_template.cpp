// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_template.hpp"

#include <vector>

namespace memwall {
namespace {

constexpr int kMostTemplates = 8;  ///< one extending the next

using Entries = std::vector<YamlValue::Entry>;

/// The parameters of the template in its order, with the values that `own` gives.
YamlValue merged_parameters(const YamlValue& own, const YamlValue& of_template,
                            const std::string& template_name, Diagnostics& faults) {
    Entries entries = of_template.entries();
    std::vector<std::string> known;
    for (YamlValue::Entry& entry : entries) {
        known.push_back(entry.key);
        if (const YamlValue* value = own.find(entry.key)) {
            entry.value = *value;
        }
    }
    for (const YamlValue::Entry& entry : own.entries()) {
        if (of_template.find(entry.key) == nullptr) {
            faults.error(entry.key_mark, "template '" + template_name + "' has no parameter '" +
                                             entry.key + "'" + suggestion(entry.key, known));
        }
    }
    return YamlValue::make_map(std::move(entries), own.mark());
}

YamlValue merged(const YamlValue& root, const YamlValue& base, const std::string& template_name,
                 Diagnostics& faults) {
    Entries entries;
    for (const YamlValue::Entry& entry : root.entries()) {
        const YamlValue* inherited = base.find(entry.key);
        if (entry.key == "extends") {
            continue;
        }
        if (entry.key == "layers" || entry.key == "inputs") {
            faults.error(entry.key_mark, "'" + entry.key + "' are those of the template '" +
                                             template_name + "': a file that extends it gives '" +
                                             "parameters' only");
        } else if (entry.key == "parameters" && entry.value.is_map()) {
            const YamlValue none = YamlValue::make_map({}, base.mark());
            entries.push_back(
                {entry.key, entry.key_mark,
                 merged_parameters(entry.value, inherited == nullptr ? none : *inherited,
                                   template_name, faults)});
        } else {
            entries.push_back(entry);
        }
    }
    for (const YamlValue::Entry& entry : base.entries()) {
        if (entry.key == "extends" ||
            (entry.key != "template" && root.find(entry.key) == nullptr)) {
            entries.push_back(entry);
        }
    }
    return YamlValue::make_map(std::move(entries), root.mark());
}

}  // namespace

YamlValue with_template(const YamlValue& root, const TemplateReader& read, Diagnostics& faults) {
    YamlValue tree = root;
    for (int count = 0; const YamlValue* extends = tree.find("extends"); ++count) {
        if (!extends->is_scalar() || extends->text().empty()) {
            faults.error(extends->mark(),
                         "'extends' in network file: expected the name of a "
                         "template such as decoder");
            return tree;
        }
        if (count == kMostTemplates) {
            faults.error(extends->mark(), "more than eight templates extend each other");
            return tree;
        }
        const std::string name = extends->text();
        const YamlValue base = read(name, extends->mark());
        if (base.find("template") == nullptr) {
            faults.error(extends->mark(),
                         "'" + name + "' is no template: expected a file with a key 'template'");
            return tree;
        }
        tree = merged(tree, base, name, faults);
    }
    return tree;
}

}  // namespace memwall
