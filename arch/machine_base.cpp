// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_base.hpp"

namespace memwall {
namespace {

constexpr int kMostBases = 8;  ///< one extending the next
constexpr const char* kExtends = "extends";

YamlValue merged(const YamlValue& own, const YamlValue& base) {
    if (!own.is_map() || !base.is_map()) {
        return own;
    }
    std::vector<YamlValue::Entry> entries;
    for (const YamlValue::Entry& inherited : base.entries()) {
        const YamlValue* value = own.find(inherited.key);
        entries.push_back(inherited);
        for (const YamlValue::Entry& mine : own.entries()) {
            if (mine.key == inherited.key) {
                entries.back().key_mark = mine.key_mark;
                entries.back().value = merged(*value, inherited.value);
            }
        }
    }
    for (const YamlValue::Entry& mine : own.entries()) {
        if (base.find(mine.key) == nullptr) {
            entries.push_back(mine);
        }
    }
    return YamlValue::make_map(std::move(entries), own.mark());
}

YamlValue without_extends(const YamlValue& root) {
    std::vector<YamlValue::Entry> entries;
    for (const YamlValue::Entry& entry : root.entries()) {
        if (entry.key != kExtends) {
            entries.push_back(entry);
        }
    }
    return YamlValue::make_map(std::move(entries), root.mark());
}

}  // namespace

YamlValue with_base(const YamlValue& root, const MachineReader& read, Diagnostics& faults) {
    YamlValue tree = root;
    for (int count = 0; const YamlValue* extends = tree.find(kExtends); ++count) {
        if (!extends->is_scalar() || extends->text().empty()) {
            faults.error(extends->mark(),
                         "'extends' in machine file: expected the name of a machine");
            return tree;
        }
        if (count == kMostBases) {
            faults.error(extends->mark(), "more than eight machines extend each other");
            return tree;
        }
        const YamlValue base = read(extends->text(), extends->mark());
        const YamlValue own = without_extends(tree);
        tree = merged(own, base);
    }
    return tree;
}

}  // namespace memwall
