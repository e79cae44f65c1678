// SPDX-License-Identifier: Apache-2.0
#include "arch/machine_base.hpp"

#include <algorithm>

namespace memwall {
namespace {

constexpr int kMostBases = 8;  ///< one extending the next
constexpr const char* kExtends = "extends";
constexpr const char* kProvenance = "provenance";

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

/// Whether a file says something at a path such as "components.l2.capacity".
bool says(const YamlValue& root, const std::string& path) {
    const YamlValue* at = &root;
    for (std::size_t begin = 0; begin <= path.size() && at != nullptr;) {
        const std::size_t end = std::min(path.find('.', begin), path.size());
        at = at->is_map() ? at->find(path.substr(begin, end - begin)) : nullptr;
        begin = end + 1;
    }
    return at != nullptr;
}

/// The base without its word on where numbers come from that the other file sets anew.
YamlValue without_replaced_sources(const YamlValue& base, const YamlValue& own) {
    std::vector<YamlValue::Entry> entries = base.entries();
    for (YamlValue::Entry& entry : entries) {
        if (entry.key == kProvenance && entry.value.is_map()) {
            std::vector<YamlValue::Entry> kept;
            for (const YamlValue::Entry& source : entry.value.entries()) {
                if (!says(own, source.key)) {
                    kept.push_back(source);
                }
            }
            entry.value = YamlValue::make_map(std::move(kept), entry.value.mark());
        }
    }
    return YamlValue::make_map(std::move(entries), base.mark());
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
        tree = merged(own, base.is_map() ? without_replaced_sources(base, own) : base);
    }
    return tree;
}

}  // namespace memwall
