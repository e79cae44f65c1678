// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/given_blocks.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "arch/given_mapping.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kLeastStages = 2;  // one fills while the other is used

/// Where a key of a kernel stands in the file; the level where it does not.
const SourceMark& mark_of(const GivenLevel& level, const std::string& key) {
    const auto found = std::find_if(level.wave_keys.begin(), level.wave_keys.end(),
                                    [&](const KeyMark& at) { return at.first == key; });
    return found == level.wave_keys.end() ? level.mark : found->second;
}

/// The memory of a core that has the least room for so many blocks, and what they need of it; none
/// where they fit.
std::optional<std::pair<ComponentId, Bytes>> missing_room(const BlockRoom& block,
                                                          std::int64_t count,
                                                          const Machine& machine,
                                                          const Hierarchy& gpu) {
    std::optional<std::pair<ComponentId, Bytes>> missing;
    double most = 1;
    for (const auto& [memory, bytes] : {std::pair{gpu.operands, block.shared_memory},
                                        std::pair{gpu.accumulators, block.registers}}) {
        if (!memory.valid()) {
            continue;
        }
        const Bytes needed = bytes * count;
        const Bytes capacity = std::get<MemoryConfig>(machine.component(memory).config).capacity;
        const double share =
            static_cast<double>(needed.count()) / static_cast<double>(capacity.count());
        if (share > most) {
            most = share;
            missing = {memory, needed};
        }
    }
    return missing;
}

/// What a core has no room for, told at the key that asks for too much.
void check_room(const Layer& layer, const GivenLevel& level, const GivenBlock& block,
                const Machine& machine, const Hierarchy& gpu, Diagnostics& faults) {
    struct Ask {
        const char* key;
        std::int64_t stages;
        std::int64_t resident;
        std::string what;
    };
    const std::int64_t stages = std::max(block.stages, kLeastStages);
    const std::string shape = std::to_string(block.rows) + " x " + std::to_string(block.columns);
    for (const Ask& ask :
         {Ask{"block", kLeastStages, 1, "a block of " + shape},
          Ask{"stages", stages, 1, std::to_string(stages) + " stages of a block of " + shape},
          Ask{"resident", stages, std::max<std::int64_t>(block.resident, 1),
              std::to_string(block.resident) + " blocks of " + shape}}) {
        const BlockRoom room =
            block_room(block.rows, block.columns, bits(layer.precision.accumulator), ask.stages);
        if (const auto missing = missing_room(room, ask.resident, machine, gpu)) {
            const Component& memory = machine.component(missing->first);
            faults.error(mark_of(level, ask.key),
                         "'" + memory.name + "' has " +
                             format_bytes(std::get<MemoryConfig>(memory.config).capacity) +
                             " a core, " + ask.what + " results of layer '" + layer.name +
                             "' need" +
                             (ask.resident == 1 && ask.stages == kLeastStages ? "s " : " ") +
                             format_bytes(missing->second));
            return;
        }
    }
}

/// The clusters that are given, where the machine has such; none where nothing is said.
std::optional<BlockCluster> read_cluster(const Layer& layer, const GivenLevel& level,
                                         const Hierarchy& gpu, bool trains, Diagnostics& faults) {
    if (level.cluster_rows == 0) {
        return std::nullopt;
    }
    const BlockCluster cluster{level.cluster_rows, level.cluster_columns};
    const std::int64_t most = gpu.operands_config->cluster;
    const SourceMark& mark = mark_of(level, "cluster");
    if (most % cluster.size() != 0) {
        const std::string expected =
            most == 1 ? "blocks share no reads on this machine: expected no 'cluster'"
                      : "'" + level.name + "' has clusters of " + std::to_string(most) +
                            " blocks: expected so many, or a part of them";
        faults.error(mark, expected + ", found " + std::to_string(cluster.rows) + " x " +
                               std::to_string(cluster.columns));
    } else if (layer.composite && layer.composite->op == "attention" && !layer.stands_alone &&
               !trains && cluster.size() > 1) {
        faults.error(mark,
                     "blocks of an attention share no reads: expected no 'cluster' for layer '" +
                         layer.name + "' unless 'fuse: false' makes it a kernel of its own");
    }
    return cluster;
}

GivenBlock read_block(const Layer& layer, const GivenLevel& level, const Machine& machine,
                      const Hierarchy& gpu, bool trains, Diagnostics& faults) {
    const std::string& shared = machine.component(gpu.operands).name;
    if (level.name != shared) {
        faults.error(level.mark,
                     "unknown level '" + level.name + "'" + suggestion(level.name, {shared}));
        return {};
    }
    refuse_keys(level.nest_keys, "loop_nest", faults);
    refuse_keys(level.tiling_keys, "tiling", faults);
    const GivenBlock block{level.block_rows, level.block_columns, level.stages, level.resident,
                           read_cluster(layer, level, gpu, trains, faults)};
    if (level.has_loops || level.has_spatial) {
        faults.error(level.mark,
                     "a kernel has no loops to give: expected 'block', 'stages', "
                     "'resident' or 'cluster'");
    } else if (block.rows == 0 && level.nest_keys.empty() && level.tiling_keys.empty()) {
        const bool beside = !level.wave_keys.empty();
        faults.error(beside ? level.wave_keys.front().second : level.mark,
                     beside ? "expected 'block' beside what is said of its stages, number and "
                              "clusters"
                            : "expected 'block' with the rows and columns of its results");
    }
    if (level.stages == 1) {
        faults.error(mark_of(level, "stages"),
                     "expected at least two stages: one fills while another is used");
    } else if (block.rows > 0) {
        check_room(layer, level, block, machine, gpu, faults);
    }
    return block;
}

}  // namespace

std::map<LayerId, GivenBlock> read_given_blocks(const YamlValue& root, const Network& network,
                                                const Machine& machine, const Hierarchy& gpu) {
    Diagnostics faults;
    const GivenMapping mapping = read_given_mapping(root, faults);
    faults.throw_if_any();  // else more would follow from them
    if (mapping.together) {
        refuse_keys({{"together", mapping.together_mark}}, "tiling", faults);
    }
    std::map<LayerId, GivenBlock> blocks;
    for (const GivenLayer& given : mapping.layers) {
        const LayerId id = given_layer(given, network, faults);
        if (!id.valid()) {
            continue;
        }
        const Layer& layer = network.layer(id);
        if (layer.macs() == 0) {
            faults.error(given.mark,
                         "layer '" + given.name + "' is no product: it has no blocks to give");
            continue;
        }
        for (const GivenLevel& level : given.levels) {
            blocks[id] = read_block(layer, level, machine, gpu, network.trains(), faults);
        }
    }
    faults.throw_if_any();
    return blocks;
}

}  // namespace memwall
