// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/given_blocks.hpp"

#include <algorithm>
#include <string>

#include "arch/given_mapping.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kLeastStages = 2;  // one fills while the other is used

/// What a core has no room for, told at the level.
void check_room(const Layer& layer, const GivenLevel& level, const GivenBlock& block,
                const Machine& machine, const Hierarchy& gpu, Diagnostics& faults) {
    const std::int64_t stages = std::max(block.stages, kLeastStages);
    const std::int64_t count = std::max<std::int64_t>(block.resident, 1);
    const BlockRoom room =
        block_room(block.rows, block.columns, bits(layer.precision.accumulator), stages);
    const auto check = [&](ComponentId memory, Bytes needed) {
        if (!memory.valid()) {
            return;
        }
        const Bytes capacity = std::get<MemoryConfig>(machine.component(memory).config).capacity;
        if (needed > capacity) {
            faults.error(level.mark, "'" + machine.component(memory).name + "' has " +
                                         format_bytes(capacity) + " a core, the blocks of layer '" +
                                         layer.name + "' need " + format_bytes(needed));
        }
    };
    check(gpu.operands, room.shared_memory * count);
    check(gpu.accumulators, room.registers * count);
}

GivenBlock read_block(const Layer& layer, const GivenLevel& level, const Machine& machine,
                      const Hierarchy& gpu, Diagnostics& faults) {
    const std::string& shared = machine.component(gpu.operands).name;
    if (level.name != shared) {
        faults.error(level.mark,
                     "unknown level '" + level.name + "'" + suggestion(level.name, {shared}));
    }
    refuse_keys(level.nest_keys, "loop_nest", faults);
    refuse_keys(level.tiling_keys, "tiling", faults);
    if (level.has_loops || level.has_spatial) {
        faults.error(level.mark,
                     "a kernel has no loops to give: expected 'block', 'stages' or "
                     "'resident'");
    }
    if (level.stages == 1) {
        faults.error(level.mark, "expected at least two stages: one fills while another is used");
    }
    if (level.block_rows == 0 && (level.stages > 0 || level.resident > 0)) {
        faults.error(level.mark, "expected 'block' beside what is said of its stages and number");
    }
    GivenBlock block{level.block_rows, level.block_columns, level.stages, level.resident};
    if (block.rows > 0) {
        check_room(layer, level, block, machine, gpu, faults);
    }
    return block;
}

}  // namespace

std::map<LayerId, GivenBlock> read_given_blocks(const YamlValue& root, const Network& network,
                                                const Machine& machine, const Hierarchy& gpu) {
    Diagnostics faults;
    const GivenMapping mapping = read_given_mapping(root, faults);
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
            blocks[id] = read_block(layer, level, machine, gpu, faults);
        }
    }
    faults.throw_if_any();
    return blocks;
}

}  // namespace memwall
