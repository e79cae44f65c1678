// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/given_nest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "arch/given_mapping.hpp"
#include "arch/loop_nest/nest_counts.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// The name of a bypass list that an operand goes by.
std::string operand_name(TensorRole role) {
    return role == TensorRole::inputs    ? "inputs"
           : role == TensorRole::outputs ? "outputs"
                                         : "weights";
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

    LoopNest run(const GivenLayer& given) {
        const std::size_t before = faults_.faults().size();
        std::vector<std::string> names;
        for (const NestMemory& memory : machine_.memories) {
            names.push_back(memory.name);
        }
        std::map<std::size_t, const GivenLevel*> stated;
        for (const GivenLevel& level : given.levels) {
            const auto found = std::find(names.begin(), names.end(), level.name);
            if (found == names.end()) {
                faults_.error(level.mark,
                              "unknown level '" + level.name + "'" + suggestion(level.name, names));
                continue;
            }
            stated[static_cast<std::size_t>(found - names.begin())] = &level;
        }
        for (const auto& [l, level] : stated) {
            add(l, *level);
        }
        if (faults_.faults().size() == before) {
            check_covered(given);
            check_kept(given);
        }
        if (faults_.faults().size() == before) {
            check_fits(stated, given);
        }
        return std::move(nest_);
    }

private:
    void add(std::size_t l, const GivenLevel& stated) {
        refuse_keys(stated.tiling_keys, "tiling", faults_);
        refuse_keys(stated.wave_keys, "wave", faults_);
        NestLevel& level = nest_.levels[l];
        choose_hardware(stated, machine_.memories[l], level);
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
        for (const GivenLoop& loop : stated.loops) {
            if (loop.dim) {
                level.loops.push_back(
                    {*loop.dim, cut_by(loop, left_[index(*loop.dim)], faults_), false, 0});
            }
            if (!loop.axis.empty()) {
                faults_.error(loop.mark, "a loop in time lies on no axis: axis is for 'spatial'");
            }
        }
        std::vector<std::int64_t> used(machine_.memories[l].axes.size(), 1);
        for (const GivenLoop& loop : stated.spatial) {
            if (loop.dim) {
                add_spatial(l, loop, used);
            }
        }
    }

    void add_spatial(std::size_t l, const GivenLoop& loop, std::vector<std::int64_t>& used) {
        const NestMemory& memory = machine_.memories[l];
        const std::int64_t whole = left_[index(*loop.dim)];
        const std::int64_t size = cut_by(loop, left_[index(*loop.dim)], faults_);
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

    /// As in a search, each operand lies in one of the memories of the chip that may keep it.
    /// A mapping may leave unused what a memory can do.
    void choose_hardware(const GivenLevel& stated, const NestMemory& memory, NestLevel& level) {
        const auto refuse = [&](const char* key, const std::string& why) {
            for (const KeyMark& given : stated.nest_keys) {
                if (given.first == key) {
                    faults_.error(given.second, "'" + memory.name + "' " + why);
                }
            }
        };
        level.keeps_halo = stated.halo ? *stated.halo == 1 : level.keeps_halo;
        if (level.keeps_halo && !memory.slides) {
            refuse("halo", "keeps no halo: expected 'refetched', or 'halo: kept' in the machine");
        }
        level.double_buffered = stated.buffers ? *stated.buffers == 0 : level.double_buffered;
        if (level.double_buffered && memory.single_buffered) {
            refuse("buffers", "has one buffer: expected 'single', or two in the machine");
        }
    }

    void check_kept(const GivenLayer& given) {
        for (std::size_t o = 0; o < layer_.space.operands.size(); ++o) {
            const TensorRole role = layer_.space.operands[o].role;
            const auto keeps = [&](std::size_t l) { return nest_.levels[l].keeps[o]; };
            if (!machine_.kept_on_chip(role, keeps)) {
                faults_.error(given.mark, "the " + operand_name(role) + " of layer '" +
                                              layer_.name +
                                              "' skip every memory of the chip; expected one that "
                                              "keeps them for the lanes");
            }
        }
    }

    void check_covered(const GivenLayer& given) {
        std::vector<std::string> undone;
        for (const Dim dim : all_dims()) {
            if (left_[index(dim)] > 1) {
                undone.push_back(std::to_string(left_[index(dim)]) + " of its " +
                                 std::to_string(layer_.space.extent(dim)) + " " + name(dim));
            }
        }
        if (undone.empty()) {
            return;
        }
        const bool has_loops = std::any_of(
            given.levels.begin(), given.levels.end(),
            [](const GivenLevel& level) { return !level.loops.empty() || !level.spatial.empty(); });
        faults_.error(given.mark,
                      "the loops of layer '" + layer_.name + "' leave " +
                          fmt::format("{}", fmt::join(undone, ", ")) + " undone" +
                          (has_loops ? "; expected loops of its levels that finish each"
                                     : "; none of its levels has 'loops' or 'spatial': expected "
                                       "loops that finish each, or the layer left out to have "
                                       "it searched"));
    }

    void check_fits(const std::map<std::size_t, const GivenLevel*>& stated,
                    const GivenLayer& given) {
        const NestCounts counts = count_nest(layer_.space, nest_, machine_);
        for (std::size_t l = 0; l < nest_.levels.size(); ++l) {
            const auto level = stated.find(l);
            const SourceMark& mark = level == stated.end() ? given.mark : level->second->mark;
            const NestMemory& memory = machine_.memories[l];
            if (memory.capacity > 0 && counts.bytes[l] > memory.capacity) {
                faults_.error(
                    mark, "'" + memory.name + "' has " + format_bytes(Bytes(memory.capacity)) +
                              " an instance, the tiles of layer '" + layer_.name + "' need " +
                              format_bytes(Bytes(counts.bytes[l])) + ": " + held_text(counts, l));
            }
        }
        check_whole(given);
        check_resident(given);
    }

    /// What is normalised over must lie whole in the last memory.
    void check_whole(const GivenLayer& given) {
        const Extents tile = tile_at(nest_, layer_.space.extents, nest_.levels.size() - 1);
        for (const Dim dim : layer_.space.whole_dims) {
            if (tile[index(dim)] < layer_.space.extent(dim)) {
                faults_.error(given.mark, "layer '" + layer_.name + "' needs all of " + name(dim) +
                                              " in '" + machine_.memories.back().name +
                                              "' at once");
            }
        }
    }

    /// What stays from layer to layer lies whole where it does.
    void check_resident(const GivenLayer& given) {
        for (std::size_t l = 0; l < nest_.levels.size(); ++l) {
            if (machine_.memories[l].resident &&
                tile_at(nest_, layer_.space.extents, l) != layer_.space.extents) {
                faults_.error(given.mark, "layer '" + layer_.name + "' is cut above '" +
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
    const GivenMapping mapping = read_given_mapping(root, faults);
    if (mapping.together) {
        refuse_keys({{"together", mapping.together_mark}}, "tiling", faults);
    }
    std::map<LayerId, LoopNest> nests;
    for (const GivenLayer& given : mapping.layers) {
        const LayerId id = given_layer(given, network, faults);
        if (id.valid()) {
            const NestMachine machine = hierarchy.machine_for(network.layer(id));
            nests[id] = NestMaker(network.layer(id), machine, faults).run(given);
        }
    }
    faults.throw_if_any();
    return nests;
}

}  // namespace memwall
