// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/given_tiling.hpp"

#include <algorithm>
#include <string>

#include "arch/split_search.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "arch/tiling/pass_plan.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

enum class DimKind { position, channel, reduction, fixed };

DimKind kind_of(Dim dim) {
    const auto among = [&](const std::array<Dim, 4>& dims) {
        return std::find(dims.begin(), dims.end(), dim) != dims.end();
    };
    return among(kPositionDims)    ? DimKind::position
           : among(kChannelDims)   ? DimKind::channel
           : among(kReductionDims) ? DimKind::reduction
                                   : DimKind::fixed;
}

/// Reads what the file says of one layer.
class TilingReader {
public:
    TilingReader(const Network& network, const FusedLayer& fused, const Machine& machine,
                 const Hierarchy& hierarchy, const Cores& cores, Diagnostics& faults)
        : root_(network.layer(fused.root)),
          machine_(machine),
          hierarchy_(hierarchy),
          faults_(faults),
          costs_(hierarchy, cores, root_, operand_bits(network, fused)) {
        given_tile_ = root_.space.extents;
    }

    GivenTiling run(const GivenLayer& given) {
        GivenTiling tiling;
        tiling.where = given.mark;
        const GivenLevel* dram = level(given, hierarchy_.dram);
        const GivenLevel* buffer = level(given, hierarchy_.buffer);
        check_names(given);
        if (dram != nullptr) {
            refuse_beside_loops(*dram);
            const std::size_t before = faults_.faults().size();
            tiling.tile = cut(dram->loops, root_.space.extents);
            tiling.positions_outer = order(dram->loops, dram->name);
            given_tile_ = *tiling.tile;
            if (faults_.faults().size() > before) {
                return tiling;
            }
            check_tile(*dram, buffer);
        }
        if (buffer != nullptr && (buffer->has_loops || buffer->has_spatial)) {
            if (dram == nullptr) {
                faults_.error(buffer->mark, "expected '" + name_of(hierarchy_.dram) +
                                                "' beside it: passes are parts of its tiles");
                return tiling;
            }
            tiling.pass = pass(*buffer);
        }
        return tiling;
    }

private:
    [[nodiscard]] const std::string& name_of(ComponentId id) const {
        return machine_.component(id).name;
    }

    [[nodiscard]] const GivenLevel* level(const GivenLayer& given, ComponentId memory) const {
        const auto found =
            std::find_if(given.levels.begin(), given.levels.end(),
                         [&](const GivenLevel& at) { return at.name == name_of(memory); });
        return found == given.levels.end() ? nullptr : &*found;
    }

    void check_names(const GivenLayer& given) {
        const std::vector<std::string> names = {name_of(hierarchy_.dram),
                                                name_of(hierarchy_.buffer)};
        for (const GivenLevel& at : given.levels) {
            if (std::find(names.begin(), names.end(), at.name) == names.end()) {
                faults_.error(at.mark,
                              "unknown level '" + at.name + "'" + suggestion(at.name, names));
            }
            refuse_keys(at.nest_keys, "loop_nest", faults_);
            refuse_keys(at.wave_keys, "wave", faults_);
        }
    }

    /// Below the DRAM there is one buffer, in which all that stays does.
    void refuse_beside_loops(const GivenLevel& dram) {
        for (const auto& [key, mark] : dram.tiling_keys) {
            faults_.error(mark, "'" + key + "' belongs at '" + name_of(hierarchy_.buffer) + "'");
        }
        if (!dram.spatial.empty()) {
            faults_.error(dram.spatial.front().mark,
                          "nothing lies side by side below '" + dram.name + "'");
        }
    }

    Extents cut(const std::vector<GivenLoop>& loops, Extents extents) {
        std::vector<Dim> seen;
        for (const GivenLoop& loop : loops) {
            if (!loop.dim) {
                continue;
            }
            if (!loop.axis.empty()) {
                faults_.error(loop.mark, "the cores of this machine lie on no axes");
            }
            if (std::find(seen.begin(), seen.end(), *loop.dim) != seen.end()) {
                faults_.error(loop.mark, std::string(name(*loop.dim)) + " has a loop here already");
            }
            seen.push_back(*loop.dim);
            const std::int64_t size = cut_by(loop, extents[index(*loop.dim)], faults_);
            const bool is_cut = size < root_.space.extent(*loop.dim);
            if (is_cut &&
                (root_.space.normalises(*loop.dim) || kind_of(*loop.dim) == DimKind::fixed)) {
                faults_.error(loop.mark, "layer '" + root_.name + "' needs all of " +
                                             name(*loop.dim) + " at once");
            }
        }
        return extents;
    }

    /// Whether positions go round outside; none where that makes no difference.
    std::optional<bool> order(const std::vector<GivenLoop>& loops, const std::string& at) {
        std::vector<Dim> stated;
        for (const GivenLoop& loop : loops) {
            if (loop.dim) {
                stated.push_back(*loop.dim);
            }
        }
        const auto sorted = [&](bool positions_outer) {
            std::vector<Dim> dims;
            for (const Dim dim : cut_order(positions_outer)) {
                if (std::find(stated.begin(), stated.end(), dim) != stated.end()) {
                    dims.push_back(dim);
                }
            }
            return dims;
        };
        const bool channels = stated == sorted(false);
        const bool positions = stated == sorted(true);
        if (!channels && !positions && sorted(false).size() == stated.size()) {
            faults_.error(loops.front().mark,
                          "the loops of '" + at +
                              "' cannot go round so: expected channels (G, H, t, K) and positions "
                              "(N, D, P, Q), either of them outside, then what is summed (C, T, R, "
                              "S), in these orders");
        }
        return channels == positions ? std::nullopt : std::optional(positions);
    }

    /// Whether the least that a tile takes has room in the buffer: what comes through the DRAM by
    /// hand, twice.
    void check_tile(const GivenLevel& dram, const GivenLevel* buffer) {
        const std::int64_t capacity = hierarchy_.buffer_config->capacity.count();
        std::int64_t least = 0;
        for (const Operand& operand : root_.space.operands) {
            const std::int64_t bytes =
                most_bytes(operand.projection, operand.precision, given_tile_).count();
            if (operand.role != TensorRole::outputs) {
                least += bytes * (buffer != nullptr && streams(*buffer, operand) ? 2 : 1);
            }
        }
        if (least > capacity) {
            faults_.error(dram.mark, "'" + name_of(hierarchy_.buffer) + "' has " +
                                         format_bytes(Bytes(capacity)) + ", a tile of layer '" +
                                         root_.name + "' needs " + format_bytes(Bytes(least)));
        }
    }

    static bool streams(const GivenLevel& buffer, const Operand& operand) {
        const std::string listed = operand.role == TensorRole::weights ? "weights" : "inputs";
        return std::any_of(buffer.streams.begin(), buffer.streams.end(),
                           [&](const KeyMark& of) { return of.first == listed; });
    }

    GivenPass pass(const GivenLevel& buffer) {
        GivenPass made;
        const std::size_t before = faults_.faults().size();
        made.pass = cut(buffer.loops, given_tile_);
        made.positions_outer = order(buffer.loops, buffer.name);
        check_sums(buffer, made.pass);
        if (buffer.has_spatial) {
            made.core = cut(buffer.spatial, made.pass);
            if (faults_.faults().size() == before) {  // else what follows from them
                check_cores(buffer, made.pass, *made.core);
            }
        }
        return made;
    }

    /// Sums of a tile that has a part of the reduction stay beside the arrays, all of them.
    void check_sums(const GivenLevel& buffer, const Extents& pass) {
        const bool deep = pieces(root_.space.extents, given_tile_, kReductionDims) > 1;
        if (deep &&
            pieces(given_tile_, pass, kChannelDims) * pieces(given_tile_, pass, kPositionDims) >
                1) {
            faults_.error(buffer.mark, "tiles of layer '" + root_.name +
                                           "' have a part of what is summed: expected all of a "
                                           "tile's outputs in every pass");
        }
    }

    void check_cores(const GivenLevel& buffer, const Extents& pass, const Extents& core) {
        const CoreSplit split{pass, core};
        SplitRules rules;
        rules.cores = hierarchy_.cores;
        rules.split_reduction = root_.macs() > 0;
        rules.split_window = rules.split_reduction && root_.pass == LayerPass::backward;
        const std::vector<Dim> may = dims_to_cut(root_.space, rules);
        for (const GivenLoop& loop : buffer.spatial) {
            if (loop.dim && pass[index(*loop.dim)] > core[index(*loop.dim)] &&
                std::find(may.begin(), may.end(), *loop.dim) == may.end()) {
                faults_.error(loop.mark, std::string(name(*loop.dim)) + " of layer '" + root_.name +
                                             "' is not spread over cores");
            }
        }
        if (split.cores() > hierarchy_.cores) {
            faults_.error(buffer.spatial.front().mark,
                          std::to_string(split.cores()) + " parts side by side for the " +
                              std::to_string(hierarchy_.cores) + " of '" +
                              name_of(hierarchy_.array) + "'");
        } else if (!costs_.fits(core)) {
            faults_.error(buffer.mark, "a core's part of layer '" + root_.name +
                                           "' does not fit twice into '" +
                                           name_of(hierarchy_.operands) + "' (" +
                                           format_bytes(hierarchy_.operands_config->capacity) +
                                           ")" + accumulators_text());
        }
    }

    [[nodiscard]] std::string accumulators_text() const {
        return hierarchy_.accumulators.valid()
                   ? " and '" + name_of(hierarchy_.accumulators) + "' (" +
                         format_bytes(hierarchy_.accumulators_config->capacity) + ")"
                   : "";
    }

    const Layer& root_;
    const Machine& machine_;
    const Hierarchy& hierarchy_;
    Diagnostics& faults_;
    PassCosts costs_;
    Extents given_tile_ = unit_extents();
};

/// Tensors of the operands that a list names.
std::vector<TensorId> tensors_of(const FusedLayer& fused, const std::string& operand) {
    if (operand == "inputs") {
        return fused.inputs;
    }
    const TensorId one = operand == "outputs" ? fused.output : fused.weights;
    return one.valid() ? std::vector<TensorId>{one} : std::vector<TensorId>{};
}

void add_stays(const Network& network, const FusedLayer& fused, const Hierarchy& hierarchy,
               const GivenLevel& level, GivenTilings& tilings, Diagnostics& faults) {
    for (const auto& [list, stays] : {std::pair{&level.keeps, true}, {&level.streams, false}}) {
        for (const auto& [operand, mark] : *list) {
            const std::vector<TensorId> tensors = tensors_of(fused, operand);
            if (tensors.empty()) {
                faults.error(mark,
                             "layer '" + network.layer(fused.root).name + "' has no " + operand);
            }
            for (const TensorId tensor : tensors) {
                const Tensor& of = network.tensor(tensor);
                const bool edge =
                    of.kind == TensorKind::input || (of.consumers.empty() && !of.is_weight());
                const bool never =
                    of.persists() || network.trains() || (edge && !hierarchy.host.valid());
                if (stays && never) {
                    faults.error(mark, "'" + of.name + "' lies in the DRAM in any mapping");
                }
                const auto [at, fresh] = tilings.stays.try_emplace(tensor, stays);
                if (!fresh && at->second != stays) {
                    faults.error(mark, "'" + of.name +
                                           "' is both to stay and to go through the "
                                           "DRAM");
                }
            }
        }
    }
}

}  // namespace

GivenTilings read_given_tilings(const GivenMapping& mapping, const Network& network,
                                const Machine& machine, const Hierarchy& hierarchy,
                                const Cores& cores) {
    Diagnostics faults;
    const std::vector<FusedLayer> all = fuse_layers(network);
    GivenTilings tilings;
    tilings.layers.resize(all.size());
    for (const GivenLayer& given : mapping.layers) {
        const LayerId id = given_layer(given, network, faults);
        if (!id.valid()) {
            continue;
        }
        const auto fused = std::find_if(all.begin(), all.end(),
                                        [&](const FusedLayer& of) { return of.root == id; });
        if (fused == all.end()) {
            const auto host = std::find_if(all.begin(), all.end(), [&](const FusedLayer& of) {
                return std::find(of.epilogues.begin(), of.epilogues.end(), id) !=
                       of.epilogues.end();
            });
            faults.error(given.mark, "layer '" + given.name + "' runs on the way out of '" +
                                         network.layer(host->root).name + "': map that one");
            continue;
        }
        if (updates_operands(network.layer(id).space)) {
            faults.error(given.mark, "layer '" + given.name +
                                         "' brings operands up to date: it is not mapped by hand");
            continue;
        }
        const auto f = static_cast<std::size_t>(fused - all.begin());
        tilings.layers[f] =
            TilingReader(network, *fused, machine, hierarchy, cores, faults).run(given);
        for (const GivenLevel& level : given.levels) {
            add_stays(network, *fused, hierarchy, level, tilings, faults);
        }
    }
    faults.throw_if_any();
    return tilings;
}

Bytes bytes_staying(const GivenTilings& given, const Network& network) {
    Bytes sum;
    for (const auto& [tensor, stays] : given.stays) {
        sum += stays ? network.tensor_bytes(tensor) : Bytes(0);
    }
    return sum;
}

}  // namespace memwall
