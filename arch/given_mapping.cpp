// SPDX-License-Identifier: Apache-2.0
#include "arch/given_mapping.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.hpp"

namespace memwall {
namespace {

const std::vector<std::string>& operand_names() {
    static const std::vector<std::string> kNames = {"weights", "inputs", "outputs"};
    return kNames;
}

std::vector<std::string> dim_names() {
    std::vector<std::string> names;
    for (const Dim dim : all_dims()) {
        names.emplace_back(name(dim));
    }
    return names;
}

/// `{K: 4}`, `{K: {tile: 3}}`, `{K: {steps: 4, axis: columns}}`.
GivenLoop read_loop(const YamlValue& item, Diagnostics& faults) {
    GivenLoop loop;
    loop.mark = item.mark();
    if (!item.is_map() || item.entries().size() != 1) {
        faults.error(item.mark(), "expected one loop such as {K: 4} or {K: {tile: 3}}");
        return loop;
    }
    const YamlValue::Entry& entry = item.entries().front();
    const std::vector<std::string> known = dim_names();
    const auto found = std::find(known.begin(), known.end(), entry.key);
    if (found == known.end()) {
        faults.error(entry.key_mark,
                     "unknown dimension '" + entry.key + "'" + suggestion(entry.key, known) +
                         fmt::format("; expected one of {}", fmt::join(known, ", ")));
        return loop;
    }
    const std::string what = "loop '" + entry.key + "'";
    if (entry.value.is_map()) {
        MapReader reader(entry.value, what, faults);
        if (reader.has("steps") == reader.has("tile")) {
            reader.error("tile", what + " needs either steps or a tile");
        }
        loop.steps = reader.optional_positive<std::int64_t>("steps", 0);
        loop.tile = reader.optional_positive<std::int64_t>("tile", 0);
        loop.axis = reader.optional<std::string>("axis", "");
        reader.finish();
    } else if (const auto steps = scalar_as<std::int64_t>(entry.value, what, faults)) {
        loop.steps = *steps;
        if (*steps < 1) {
            faults.error(entry.value.mark(), what + ": expected at least one step, found '" +
                                                 std::to_string(*steps) + "'");
        }
    }
    if (loop.steps > 0 || loop.tile > 0) {
        loop.dim = all_dims()[static_cast<std::size_t>(found - known.begin())];
    }
    return loop;
}

std::vector<GivenLoop> read_loops(MapReader& reader, const char* key) {
    std::vector<GivenLoop> loops;
    for (const YamlValue& item : reader.optional_items(key)) {
        loops.push_back(read_loop(item, reader.faults()));
    }
    return loops;
}

std::vector<KeyMark> read_operands(MapReader& reader, const std::string& key) {
    std::vector<KeyMark> operands;
    const auto& known = operand_names();
    for (const YamlValue& item : reader.optional_items(key)) {
        const auto text =
            scalar_as<std::string>(item, "'" + key + "' in " + reader.what(), reader.faults());
        if (text && std::find(known.begin(), known.end(), *text) == known.end()) {
            reader.faults().error(item.mark(),
                                  "unknown operand '" + *text + "'" + suggestion(*text, known));
        } else if (text) {
            operands.emplace_back(*text, item.mark());
        }
    }
    return operands;
}

/// A number of something in a core: none has so many, and products of them stay small.
std::int64_t limited(MapReader& reader, const char* key, std::int64_t count) {
    return reader.at_most<std::int64_t>(key, count, 65'536, "65,536");
}

/// `{rows: 2, columns: 1}`, where the key is there.
void read_rows_and_columns(MapReader& reader, const char* key, std::int64_t& rows,
                           std::int64_t& columns) {
    if (const YamlValue* value = reader.value(key)) {
        MapReader shape(*value, "'" + std::string(key) + "' in " + reader.what(), reader.faults());
        rows = limited(shape, "rows", shape.required_positive<std::int64_t>("rows"));
        columns = limited(shape, "columns", shape.required_positive<std::int64_t>("columns"));
        shape.finish();
    }
}

GivenLevel read_level(const YamlValue::Entry& entry, Diagnostics& faults) {
    GivenLevel level;
    level.name = entry.key;
    level.mark = entry.key_mark;
    MapReader reader(entry.value, "level '" + entry.key + "'", faults);
    level.has_loops = reader.has("loops");
    level.has_spatial = reader.has("spatial");
    level.loops = read_loops(reader, "loops");
    level.spatial = read_loops(reader, "spatial");
    level.bypass = read_operands(reader, "bypass");
    level.keeps = read_operands(reader, "keeps");
    level.streams = read_operands(reader, "streams");
    level.halo = reader.optional_choice("halo", {"refetched", "kept"});
    level.buffers = reader.optional_choice("buffers", {"double", "single"});
    read_rows_and_columns(reader, "block", level.block_rows, level.block_columns);
    read_rows_and_columns(reader, "cluster", level.cluster_rows, level.cluster_columns);
    level.stages = limited(reader, "stages", reader.optional_positive<std::int64_t>("stages", 0));
    level.resident =
        limited(reader, "resident", reader.optional_positive<std::int64_t>("resident", 0));
    for (const auto& [keys, names] :
         {std::pair{&level.nest_keys, std::vector<std::string>{"bypass", "halo", "buffers"}},
          {&level.tiling_keys, {"keeps", "streams"}},
          {&level.wave_keys, {"block", "stages", "resident", "cluster"}}}) {
        for (const std::string& key : names) {
            if (const YamlValue* value = reader.value(key)) {
                keys->emplace_back(key, value->mark());
            }
        }
    }
    reader.finish();
    return level;
}

/// A name that the network's tables have but nothing to map: an alias, or a composite's parts
/// instead. Empty where there is none.
std::string without_work(const std::string& given, const Network& network) {
    std::vector<std::string> parts;
    bool known = false;
    for (const Layer& layer : network.layers()) {
        known = known || layer.name == given;
        if (!layer.no_work && layer.composite && layer.composite->name == given) {
            parts.push_back(layer.name);
        }
    }
    if (!parts.empty()) {
        return "layer '" + given + "' is made of others: expected one of " +
               fmt::format("{}", fmt::join(parts, ", "));
    }
    return known ? "layer '" + given + "' of network '" + network.name() + "' has nothing to map"
                 : "";
}

}  // namespace

GivenMapping read_given_mapping(const YamlValue& root, Diagnostics& faults) {
    GivenMapping mapping;
    MapReader reader(root, "mapping file", faults);
    if (reader.has("memwall") && reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    mapping.name = reader.required<std::string>("mapping");
    reader.optional<std::string>("description", "");
    reader.optional<std::string>("source", "");
    if (const YamlValue* together = reader.value("together")) {
        mapping.together = reader.optional_positive<std::int64_t>("together", 1);
        mapping.together_mark = together->mark();
    }
    for (const YamlValue::Entry& entry : reader.required_entries("layers")) {
        if (!entry.value.is_map()) {
            faults.error(entry.value.mark(), "expected a map from levels to their loops");
            continue;
        }
        GivenLayer layer{entry.key, entry.key_mark, {}};
        for (const YamlValue::Entry& level : entry.value.entries()) {
            layer.levels.push_back(read_level(level, faults));
        }
        mapping.layers.push_back(std::move(layer));
    }
    reader.finish();
    return mapping;
}

std::string check_given_mapping(const YamlValue& root) {
    Diagnostics faults;
    const GivenMapping mapping = read_given_mapping(root, faults);
    faults.throw_if_any();
    return mapping.name;
}

LayerId given_layer(const GivenLayer& given, const Network& network, Diagnostics& faults) {
    std::vector<std::string> names;
    for (const Layer& layer : network.layers()) {
        if (!layer.no_work) {
            names.push_back(layer.name);
        }
    }
    if (std::find(names.begin(), names.end(), given.name) != names.end()) {
        if (given.levels.empty()) {
            faults.error(given.mark, "nothing is said of layer '" + given.name +
                                         "': expected a memory with what is given there; layers "
                                         "that are left out are chosen");
            return {};
        }
        return network.find_layer(given.name);
    }
    if (const std::string fault = without_work(given.name, network); !fault.empty()) {
        faults.error(given.mark, fault);
        return {};
    }
    faults.error(given.mark, "network '" + network.name() + "' has no layer '" + given.name +
                                 "' to map" + suggestion(given.name, names));
    return {};
}

std::int64_t cut_by(const GivenLoop& loop, std::int64_t& left, Diagnostics& faults) {
    const std::int64_t size = loop.tile > 0 ? loop.tile : ceil_divide(left, loop.steps);
    if (loop.steps > 0 && ceil_divide(left, size) != loop.steps) {
        faults.error(loop.mark, std::to_string(loop.steps) + " steps do not cut the " +
                                    std::to_string(left) + " of " + name(*loop.dim) +
                                    " that are left here: steps of " + std::to_string(size) +
                                    " are " + std::to_string(ceil_divide(left, size)));
    }
    if (size > left) {
        faults.error(loop.mark, "a tile of " + std::to_string(size) + " is more than the " +
                                    std::to_string(left) + " of " + name(*loop.dim) +
                                    " that are left here");
    }
    left = std::min(left, size);
    return left;
}

void refuse_keys(const std::vector<KeyMark>& keys, const std::string& mapper, Diagnostics& faults) {
    for (const auto& [key, mark] : keys) {
        faults.error(mark, "'" + key + "' is for machines with the mapper '" + mapper + "'");
    }
}

}  // namespace memwall
