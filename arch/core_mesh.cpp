// SPDX-License-Identifier: Apache-2.0
#include "arch/core_mesh.hpp"

#include <algorithm>
#include <utility>

namespace memwall {
namespace {

constexpr const char* kKey = "mesh";
constexpr std::int64_t kMostOfOneSide = 1'024;

}  // namespace

CoreMesh::CoreMesh(MapReader& machine) : machine_(machine) {
    const YamlValue* mesh = machine.value(kKey);
    if (mesh == nullptr) {
        return;
    }
    there_ = true;
    MapReader reader(*mesh, "'mesh'", machine.faults());
    for (const char* key : {"columns", "rows"}) {
        const std::int64_t length = reader.at_most(key, reader.required_positive<std::int64_t>(key),
                                                   kMostOfOneSide, "1,024 cores");
        const YamlValue* value = reader.value(key);
        sides_.push_back({key,
                          YamlValue::make_scalar(std::to_string(length),
                                                 value != nullptr ? value->mark() : mesh->mark()),
                          length});
    }
    reader.finish();
}

YamlValue CoreMesh::applied_to(const YamlValue::Entry& component) {
    std::vector<YamlValue::Entry> keys = component.value.entries();
    const auto instances = std::find_if(keys.begin(), keys.end(),
                                        [](const auto& entry) { return entry.key == "instances"; });
    if (instances != keys.end() && instances->value.text() == kKey) {
        const SourceMark where = instances->value.mark();
        if (!there_) {
            machine_.faults().error(where, "'instances: mesh' in component '" + component.key +
                                               "' needs 'mesh: {columns, rows}' in the machine");
        }
        used_ = true;
        std::int64_t cores = 1;
        for (const Side& side : sides_) {
            cores *= side.length;
        }
        instances->value = YamlValue::make_scalar(std::to_string(cores), where);
    }
    const YamlValue* kind = component.value.find("kind");
    if (there_ && kind != nullptr && kind->text() == kKey) {
        for (const Side& side : sides_) {
            follow(side, component.key, keys);
        }
    }
    return component.value.is_map() ? YamlValue::make_map(std::move(keys), component.value.mark())
                                    : component.value;
}

void CoreMesh::follow(const Side& side, const std::string& name,
                      std::vector<YamlValue::Entry>& keys) {
    const auto own = std::find_if(keys.begin(), keys.end(),
                                  [&](const auto& entry) { return entry.key == side.key; });
    if (own == keys.end()) {
        used_ = true;
        keys.push_back({side.key, side.value.mark(), side.value});
    } else if (own->value.text() != side.value.text()) {
        used_ = true;  // one fault is enough
        machine_.faults().error(own->value.mark(), "'" + std::string(side.key) +
                                                       "' in component '" + name +
                                                       "': expected none, or the " +
                                                       side.value.text() + " of the machine's " +
                                                       "'mesh', found '" + own->value.text() + "'");
    }
}

void CoreMesh::finish() {
    if (there_ && !used_) {
        machine_.error(kKey,
                       "no component follows from 'mesh': expected 'instances: mesh' in the parts "
                       "of a core, or networks of kind mesh without columns and rows");
    }
}

}  // namespace memwall
