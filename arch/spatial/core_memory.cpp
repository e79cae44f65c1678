// SPDX-License-Identifier: Apache-2.0
#include "arch/spatial/core_memory.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include "arch/mapper.hpp"
#include "arch/spatial/weight_homes.hpp"
#include "base/error.hpp"
#include "base/parse.hpp"

namespace memwall {
namespace {

bool lives_at(const CoreBlock& block, std::size_t layer, std::size_t layers) {
    return (layer >= block.life.first && layer <= block.life.last) ||
           layer + layers <= block.life.last;
}

std::vector<Lifetime> lives_of(const std::vector<CoreBlock>& blocks,
                               const std::vector<std::size_t>& order) {
    std::vector<Lifetime> lives;
    for (const std::size_t b : order) {
        lives.push_back(blocks[b].life);
    }
    return lives;
}

/// Addresses of one core's blocks.
class CorePlacer {
public:
    CorePlacer(std::vector<CoreBlock>& blocks, std::size_t layers, Bytes alignment)
        : blocks_(blocks), layers_(layers), alignment_(alignment) {}

    void place() {
        const std::int64_t staying = place_staying();
        place_passing();
        for (CoreBlock& block : blocks_) {
            block.address += block.stays() ? 0 : staying;
        }
    }

private:
    /// Those that stay, one behind the other. Where the next one would lie.
    std::int64_t place_staying() {
        Allocator allocator(Bytes(0), alignment_);
        for (CoreBlock& block : blocks_) {
            if (block.stays()) {
                block.address = allocator.allocate("", block.life.bytes);
            }
        }
        return allocator.allocate("", Bytes(0));
    }

    /// Those that come and go, from address zero, in the order of several that needs least.
    void place_passing() {
        std::vector<std::size_t> order;
        for (std::size_t b = 0; b < blocks_.size(); ++b) {
            if (!blocks_[b].stays()) {
                order.push_back(b);
            }
        }
        const std::int64_t least = least_room(order);
        const auto size = [&](std::size_t b) { return blocks_[b].life.bytes; };
        const auto length = [&](std::size_t b) {
            return blocks_[b].life.last - blocks_[b].life.first;
        };
        std::int64_t best = -1;
        const auto attempt = [&](const auto& before) {
            if (best >= 0 && best <= least) {
                return;
            }
            std::stable_sort(order.begin(), order.end(), before);
            const SharedSpace space = share_space(lives_of(blocks_, order), layers_, alignment_);
            if (best < 0 || space.size.count() < best) {
                best = space.size.count();
                for (std::size_t i = 0; i < order.size(); ++i) {
                    blocks_[order[i]].address = space.offsets[i];
                }
            }
        };
        attempt([&](std::size_t a, std::size_t b) { return size(a) > size(b); });
        attempt([&](std::size_t a, std::size_t b) {
            return std::pair(length(a), size(a)) > std::pair(length(b), size(b));
        });
        attempt([&](std::size_t a, std::size_t b) {
            return blocks_[a].life.first < blocks_[b].life.first;
        });
    }

    /// Blocks that live at once need as much, in whole rows, however they are placed.
    [[nodiscard]] std::int64_t least_room(const std::vector<std::size_t>& passing) const {
        std::vector<Lifetime> rows = lives_of(blocks_, passing);
        for (Lifetime& life : rows) {
            life.bytes =
                Bytes(ceil_divide(life.bytes.count(), alignment_.count())) * alignment_.count();
        }
        std::int64_t least = 0;
        for (const Bytes live : live_bytes(rows, layers_)) {
            least = std::max(least, live.count());
        }
        return least;
    }

    std::vector<CoreBlock>& blocks_;
    std::size_t layers_;
    Bytes alignment_;
};

std::int64_t aligned(std::int64_t bytes, Bytes alignment) {
    return ceil_divide(bytes, alignment.count()) * alignment.count();
}

/// All that addresses depend on.
std::vector<std::int64_t> sizes_of(const std::vector<CoreBlock>& blocks) {
    std::vector<std::int64_t> sizes;
    for (const CoreBlock& block : blocks) {
        sizes.insert(sizes.end(),
                     {block.stays() ? 1 : 0, static_cast<std::int64_t>(block.life.first),
                      static_cast<std::int64_t>(block.life.last), block.life.bytes.count()});
    }
    return sizes;
}

void copy_addresses(const std::vector<CoreBlock>& from, std::vector<CoreBlock>& to) {
    for (std::size_t b = 0; b < to.size(); ++b) {
        to[b].address = from[b].address;
    }
}

struct Placement {
    CoreMemories memories;
    std::vector<std::int64_t> room_for_weights;  ///< by lane, of those that may lie elsewhere
    bool full = false;                           ///< some core has too much
};

Placement place(const Network& network, const Chip& chip, const MapperOptions& options,
                const SpatialNetwork& layers) {
    Placement placement;
    CoreMemories& memories = placement.memories;
    memories.capacity = chip.core_memory_config->capacity;
    memories.alignment = std::max(Bytes(1), chip.core_memory_config->read_width);
    std::map<std::vector<std::int64_t>, std::size_t> placed;  // cores by what is placed alike
    for (std::vector<CoreBlock>& blocks : find_core_blocks(network, chip, layers)) {
        throw_if_cancelled(options);
        const auto [known, fresh] =
            placed.try_emplace(sizes_of(blocks), placement.memories.cores.size());
        if (fresh) {
            CorePlacer(blocks, layers.layers.size(), memories.alignment).place();
        } else {
            copy_addresses(memories.cores[known->second].blocks, blocks);
        }
        Bytes top;
        std::int64_t weights = 0;
        for (const CoreBlock& block : blocks) {
            const Bytes end = Bytes(block.address) + block.life.bytes;
            top = std::max(top, end);
            const bool moves = block.kind == BlockKind::weights &&
                               !layers.layers[block.layer].weight_groups.empty();
            weights += moves ? aligned(block.life.bytes.count(), memories.alignment) : 0;
        }
        placement.room_for_weights.push_back(memories.capacity.count() -
                                             aligned(top.count(), memories.alignment) + weights);
        placement.full = placement.full || top > memories.capacity;
        memories.cores.push_back({std::move(blocks), top});
    }
    return placement;
}

/// Of a core that is too full, the layer while which it is fullest.
std::size_t fullest_layer(const CoreMemory& core, std::size_t layers) {
    const auto highest = std::max_element(
        core.blocks.begin(), core.blocks.end(), [](const CoreBlock& a, const CoreBlock& b) {
            return a.address + a.life.bytes.count() < b.address + b.life.bytes.count();
        });
    std::size_t fullest = highest->life.first % layers;
    for (std::size_t f = highest->life.first; f <= highest->life.last; ++f) {
        if (core.use_at(f % layers, layers).total() > core.use_at(fullest, layers).total()) {
            fullest = f % layers;
        }
    }
    return fullest;
}

/// The whole chip's bytes of some kinds, while the layer runs that has most.
Bytes most_in_chip(const CoreMemories& memories, std::size_t layers,
                   const std::vector<BlockKind>& kinds) {
    std::vector<Lifetime> lives;
    for (const CoreMemory& core : memories.cores) {
        for (const CoreBlock& block : core.blocks) {
            if (std::find(kinds.begin(), kinds.end(), block.kind) != kinds.end()) {
                lives.push_back(block.life);
            }
        }
    }
    const std::vector<Bytes> live = live_bytes(lives, layers);
    return *std::max_element(live.begin(), live.end());
}

/// "weights 512 KiB, activations 290 KiB, instructions 4 KiB".
std::string use_text(const CoreUse& use, Bytes top) {
    std::string text;
    const auto add = [&](const char* what, Bytes bytes) {
        if (bytes > Bytes(0)) {
            text += (text.empty() ? "" : ", ") + std::string(what) + " " + format_bytes(bytes);
        }
    };
    add("weights", use.of(BlockKind::weights));
    add("caches", use.of(BlockKind::state));
    add("activations", use.of(BlockKind::results) + use.of(BlockKind::arrivals));
    add("partial sums", use.of(BlockKind::partial_sums));
    add("instructions", use.of(BlockKind::instructions));
    add("gaps", top - use.total());
    return text;
}

[[noreturn]] void refuse(const Network& network, const Machine& machine, const Chip& chip,
                         const SpatialNetwork& layers, const CoreMemories& memories) {
    const auto fullest =
        std::max_element(memories.cores.begin(), memories.cores.end(),
                         [](const CoreMemory& a, const CoreMemory& b) { return a.top < b.top; });
    const std::size_t count = layers.layers.size();
    const std::size_t f = fullest_layer(*fullest, count);
    const auto lane = static_cast<std::int64_t>(fullest - memories.cores.begin());
    const Bytes weights = most_in_chip(memories, count, {BlockKind::weights});
    const Bytes state = most_in_chip(memories, count, {BlockKind::state});
    const Bytes activations = most_in_chip(
        memories, count, {BlockKind::results, BlockKind::arrivals, BlockKind::partial_sums});
    const Bytes instructions = most_in_chip(memories, count, {BlockKind::instructions});
    const Bytes passing = activations + instructions;
    const Bytes capacity = memories.capacity * chip.cores;
    std::string chips;
    const bool alone = !machine.parts().cards;  // of several cards others have parts of it
    if (alone && passing < capacity && weights + state + passing > capacity) {
        chips =
            "; " +
            std::to_string(ceil_divide((weights + state).count(), (capacity - passing).count())) +
            " chips would hold it";
    }
    throw DoesNotFit({Diagnostic{
        machine.component(chip.core_memory).capacity_where,
        "network '" + network.name() + "' does not fit machine '" + machine.name() + "': layer '" +
            network.layer(layers.layers[f].fused->root).name + "' needs " +
            format_bytes(fullest->top) + " in core (" + std::to_string(lane % chip.mesh->columns) +
            ", " + std::to_string(lane / chip.mesh->columns) + "), " +
            format_bytes(fullest->top - memories.capacity) + " more than its " +
            format_bytes(memories.capacity) + ": " +
            use_text(fullest->use_at(f, count), fullest->top) + "; in all its weights take " +
            format_bytes(weights) +
            (state > Bytes(0) ? ", its caches " + format_bytes(state) : "") +
            (instructions > Bytes(0) ? ", its instructions " + format_bytes(instructions) : "") +
            " and its activations " + format_bytes(activations) + " of " + format_bytes(capacity) +
            chips}});
}

}  // namespace

Bytes CoreUse::total() const {
    return std::accumulate(by_kind.begin(), by_kind.end(), Bytes(0));
}

CoreUse CoreMemory::use_at(std::size_t layer, std::size_t layers) const {
    CoreUse use;
    for (const CoreBlock& block : blocks) {
        if (lives_at(block, layer, layers)) {
            use.by_kind[static_cast<std::size_t>(block.kind)] += block.life.bytes;
        }
    }
    return use;
}

CoreMemories allocate_core_memories(const Network& network, const Machine& machine,
                                    const Chip& chip, const MapperOptions& options,
                                    SpatialNetwork& layers) {
    Placement placement = place(network, chip, options, layers);
    if (placement.full && spread_weights(machine, chip, placement.room_for_weights,
                                         placement.memories.alignment.count(), layers)) {
        placement = place(network, chip, options, layers);
        placement.memories.weights_moved = true;
    }
    if (placement.full) {
        refuse(network, machine, chip, layers, placement.memories);
    }
    return std::move(placement.memories);
}

}  // namespace memwall
