// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/given_nest.hpp"

#include <algorithm>

#include "arch/loop_nest/nest_counts.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

const std::vector<std::string>& operand_names() {
    static const std::vector<std::string> kNames = {"weights", "inputs", "outputs"};
    return kNames;
}

/// The name of a bypass list that an operand goes by.
std::string operand_name(TensorRole role) {
    return role == TensorRole::inputs    ? "inputs"
           : role == TensorRole::outputs ? "outputs"
                                         : "weights";
}

std::vector<std::string> dim_names() {
    std::vector<std::string> names;
    for (const Dim dim : all_dims()) {
        names.emplace_back(name(dim));
    }
    return names;
}

/// A loop as it is written: steps, or a tile where they do not divide.
struct StatedLoop {
    std::optional<Dim> dim;
    std::int64_t steps = 0;
    std::int64_t tile = 0;
    std::string axis;
    SourceMark mark;
};

/// `{K: 4}`, `{K: {tile: 3}}`, `{K: {steps: 4, axis: columns}}`.
StatedLoop read_loop(const YamlValue& item, Diagnostics& faults) {
    StatedLoop loop;
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
                     "unknown dimension '" + entry.key + "'" + suggestion(entry.key, known));
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

struct StatedLevel {
    std::vector<StatedLoop> loops;
    std::vector<StatedLoop> spatial;
    std::vector<std::pair<std::string, SourceMark>> bypass;
    std::optional<std::size_t> halo;     ///< kept: 1
    std::optional<std::size_t> buffers;  ///< single: 1
    SourceMark mark;
};

StatedLevel read_level(const YamlValue::Entry& entry, Diagnostics& faults) {
    StatedLevel level;
    level.mark = entry.key_mark;
    MapReader reader(entry.value, "level '" + entry.key + "'", faults);
    for (const YamlValue& item : reader.optional_items("loops")) {
        level.loops.push_back(read_loop(item, faults));
    }
    for (const YamlValue& item : reader.optional_items("spatial")) {
        level.spatial.push_back(read_loop(item, faults));
    }
    for (const YamlValue& item : reader.optional_items("bypass")) {
        const auto text = scalar_as<std::string>(item, "'bypass' in " + reader.what(), faults);
        const auto& known = operand_names();
        if (text && std::find(known.begin(), known.end(), *text) == known.end()) {
            faults.error(item.mark(), "unknown operand '" + *text + "'" + suggestion(*text, known));
        } else if (text) {
            level.bypass.emplace_back(*text, item.mark());
        }
    }
    level.halo = reader.optional_choice("halo", {"refetched", "kept"});
    level.buffers = reader.optional_choice("buffers", {"double", "single"});
    reader.finish();
    return level;
}

/// The name of the file, and its layers.
const std::vector<YamlValue::Entry>& read_head(MapReader& reader, std::string& name) {
    if (reader.has("memwall") && reader.optional<std::int64_t>("memwall", 1) != 1) {
        reader.error("memwall", "unknown schema version; this program reads version 1");
    }
    name = reader.required<std::string>("mapping");
    reader.optional<std::string>("description", "");
    reader.optional<std::string>("source", "");
    return reader.required_entries("layers");
}

/// Turns one layer's stated levels into a nest, fault by fault.
class NestMaker {
public:
    NestMaker(const Layer& layer, const NestMachine& machine, Diagnostics& faults)
        : layer_(layer), machine_(machine), faults_(faults), left_(layer.space.extents) {
        for (const NestMemory& memory : machine.memories) {
            NestLevel level;
            level.double_buffered = !memory.single_buffered;
            level.keeps_halo = memory.slides;
            for (const Operand& operand : layer.space.operands) {
                level.keeps.push_back(memory.may_keep[static_cast<std::size_t>(operand.role)]);
            }
            nest_.levels.push_back(level);
        }
    }

    LoopNest run(const YamlValue::Entry& entry) {
        const std::size_t before = faults_.faults().size();
        std::vector<std::string> names;
        for (const NestMemory& memory : machine_.memories) {
            names.push_back(memory.name);
        }
        std::map<std::size_t, StatedLevel> stated;
        for (const YamlValue::Entry& level : entry.value.entries()) {
            const auto found = std::find(names.begin(), names.end(), level.key);
            if (found == names.end()) {
                faults_.error(level.key_mark,
                              "unknown level '" + level.key + "'" + suggestion(level.key, names));
                continue;
            }
            stated[static_cast<std::size_t>(found - names.begin())] = read_level(level, faults_);
        }
        for (const auto& [l, level] : stated) {
            add(l, level);
        }
        if (faults_.faults().size() == before) {
            check_covered(entry);
        }
        if (faults_.faults().size() == before) {
            check_fits(stated, entry);
        }
        return std::move(nest_);
    }

private:
    void add(std::size_t l, const StatedLevel& stated) {
        NestLevel& level = nest_.levels[l];
        level.keeps_halo = stated.halo ? *stated.halo == 1 : level.keeps_halo;
        level.double_buffered = stated.buffers ? *stated.buffers == 0 : level.double_buffered;
        for (const auto& [operand, mark] : stated.bypass) {
            if (l == 0) {
                faults_.error(mark, "nothing skips '" + machine_.memories[0].name +
                                        "': every operand begins or ends there");
                continue;
            }
            for (std::size_t o = 0; o < layer_.space.operands.size(); ++o) {
                if (operand_name(layer_.space.operands[o].role) == operand) {
                    level.keeps[o] = false;
                }
            }
        }
        for (const StatedLoop& loop : stated.loops) {
            if (loop.dim) {
                level.loops.push_back({*loop.dim, tile(loop), false, 0});
            }
            if (!loop.axis.empty()) {
                faults_.error(loop.mark, "a loop in time lies on no axis: axis is for 'spatial'");
            }
        }
        std::vector<std::int64_t> used(machine_.memories[l].axes.size(), 1);
        for (const StatedLoop& loop : stated.spatial) {
            if (loop.dim) {
                add_spatial(l, loop, used);
            }
        }
    }

    /// The tile of a loop; what is left of its dimension shrinks to it.
    std::int64_t tile(const StatedLoop& loop) {
        std::int64_t& left = left_[index(*loop.dim)];
        std::int64_t size = loop.tile > 0 ? loop.tile : ceil_divide(left, loop.steps);
        if (loop.steps > 0 && ceil_divide(left, size) != loop.steps) {
            faults_.error(loop.mark, std::to_string(loop.steps) + " steps do not cut the " +
                                         std::to_string(left) + " of " + name(*loop.dim) +
                                         " that are left here: steps of " + std::to_string(size) +
                                         " are " + std::to_string(ceil_divide(left, size)));
        }
        if (size > left) {
            faults_.error(loop.mark, "a tile of " + std::to_string(size) + " is more than the " +
                                         std::to_string(left) + " of " + name(*loop.dim) +
                                         " that are left here");
        }
        left = std::min(left, size);
        return left;
    }

    void add_spatial(std::size_t l, const StatedLoop& loop, std::vector<std::int64_t>& used) {
        const NestMemory& memory = machine_.memories[l];
        const std::int64_t whole = left_[index(*loop.dim)];
        const std::int64_t size = tile(loop);
        const std::int64_t parts = ceil_divide(whole, size);
        std::vector<std::string> names;
        for (std::size_t a = 0; a < memory.axes.size(); ++a) {
            const SpatialAxis& axis = memory.axes[a];
            names.push_back(axis.name);
            const bool meant = loop.axis.empty() || loop.axis == axis.name;
            const bool room = axis.packs || used[a] * parts <= axis.size;
            if (meant && axis.dims[index(*loop.dim)] && room) {
                used[a] *= parts;
                nest_.levels[l].loops.push_back({*loop.dim, size, true, a});
                return;
            }
        }
        if (!loop.axis.empty() && std::find(names.begin(), names.end(), loop.axis) == names.end()) {
            faults_.error(loop.mark, "'" + memory.name + "' has no axis '" + loop.axis + "'" +
                                         suggestion(loop.axis, names));
            return;
        }
        std::string room;
        for (std::size_t a = 0; a < memory.axes.size(); ++a) {
            const SpatialAxis& axis = memory.axes[a];
            room += (room.empty() ? "" : ", ") + axis.name + " (" +
                    (axis.dims[index(*loop.dim)] ? std::to_string(axis.size / used[a]) + " left"
                                                 : std::string("not for ") + name(*loop.dim)) +
                    ")";
        }
        faults_.error(loop.mark, "no room below '" + memory.name + "' for " +
                                     std::to_string(parts) + " parts of " + name(*loop.dim) +
                                     " side by side: " + (room.empty() ? "nothing there" : room));
    }

    void check_covered(const YamlValue::Entry& entry) {
        for (const Dim dim : all_dims()) {
            if (left_[index(dim)] > 1) {
                faults_.error(entry.key_mark, "the loops of layer '" + layer_.name + "' leave " +
                                                  std::to_string(left_[index(dim)]) + " of its " +
                                                  std::to_string(layer_.space.extent(dim)) + " " +
                                                  name(dim) + " undone");
            }
        }
    }

    void check_fits(const std::map<std::size_t, StatedLevel>& stated,
                    const YamlValue::Entry& entry) {
        const NestCounts counts = count_nest(layer_.space, nest_, machine_);
        for (std::size_t l = 0; l < nest_.levels.size(); ++l) {
            const auto level = stated.find(l);
            const SourceMark& mark = level == stated.end() ? entry.key_mark : level->second.mark;
            const NestMemory& memory = machine_.memories[l];
            if (memory.capacity > 0 && counts.bytes[l] > memory.capacity) {
                faults_.error(
                    mark, "'" + memory.name + "' has " + format_bytes(Bytes(memory.capacity)) +
                              " an instance, the tiles of layer '" + layer_.name + "' need " +
                              format_bytes(Bytes(counts.bytes[l])) + ": " + held_text(counts, l));
            }
        }
        check_whole(entry);
        check_resident(entry);
    }

    /// What is normalised over must lie whole in the last memory.
    void check_whole(const YamlValue::Entry& entry) {
        const Extents tile = tile_at(nest_, layer_.space.extents, nest_.levels.size() - 1);
        for (const Dim dim : layer_.space.whole_dims) {
            if (tile[index(dim)] < layer_.space.extent(dim)) {
                faults_.error(entry.key_mark, "layer '" + layer_.name + "' needs all of " +
                                                  name(dim) + " in '" +
                                                  machine_.memories.back().name + "' at once");
            }
        }
    }

    /// What stays from layer to layer lies whole where it does.
    void check_resident(const YamlValue::Entry& entry) {
        for (std::size_t l = 0; l < nest_.levels.size(); ++l) {
            if (machine_.memories[l].resident &&
                tile_at(nest_, layer_.space.extents, l) != layer_.space.extents) {
                faults_.error(entry.key_mark, "layer '" + layer_.name + "' is cut above '" +
                                                  machine_.memories[l].name +
                                                  "', where its inputs and results stay whole");
            }
        }
    }

    [[nodiscard]] std::string held_text(const NestCounts& counts, std::size_t l) const {
        std::string text;
        for (std::size_t o = 0; o < layer_.space.operands.size(); ++o) {
            const HeldTile& held = counts.held[l][o];
            if (held.words > 0) {
                const bool two = held.changes && nest_.levels[l].double_buffered;
                text += (text.empty() ? "" : ", ") +
                        std::string(name(layer_.space.operands[o].role)) + " " +
                        (two ? "2 x " : "") + std::to_string(held.words) + " words of " +
                        std::to_string(word_bits(layer_.space, o, held.partial)) + " bits";
            }
        }
        return text;
    }

    const Layer& layer_;
    const NestMachine& machine_;
    Diagnostics& faults_;
    Extents left_;
    LoopNest nest_;
};

}  // namespace

std::map<LayerId, LoopNest> read_given_nests(const YamlValue& root, const Network& network,
                                             const NestHierarchy& hierarchy) {
    Diagnostics faults;
    MapReader reader(root, "mapping file", faults);
    std::string mapping;
    std::vector<std::string> names;
    for (const Layer& layer : network.layers()) {
        if (!layer.no_work) {
            names.push_back(layer.name);
        }
    }
    std::map<LayerId, LoopNest> nests;
    for (const YamlValue::Entry& entry : read_head(reader, mapping)) {
        const LayerId id = network.find_layer(entry.key);
        if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
            faults.error(entry.key_mark, "network '" + network.name() + "' has no layer '" +
                                             entry.key + "' to map" + suggestion(entry.key, names));
            continue;
        }
        if (!entry.value.is_map()) {
            faults.error(entry.value.mark(), "expected a map from levels to their loops");
            continue;
        }
        const NestMachine machine = hierarchy.machine_for(network.layer(id));
        nests[id] = NestMaker(network.layer(id), machine, faults).run(entry);
    }
    reader.finish();
    faults.throw_if_any();
    return nests;
}

std::string check_given_nests(const YamlValue& root) {
    Diagnostics faults;
    MapReader reader(root, "mapping file", faults);
    std::string mapping;
    for (const YamlValue::Entry& layer : read_head(reader, mapping)) {
        if (!layer.value.is_map()) {
            faults.error(layer.value.mark(), "expected a map from levels to their loops");
        }
        for (const YamlValue::Entry& level : layer.value.entries()) {
            read_level(level, faults);
        }
    }
    reader.finish();
    faults.throw_if_any();
    return mapping;
}

}  // namespace memwall
