// SPDX-License-Identifier: Apache-2.0
// Tiles of few channels or positions, but not of the whole reduction: their sums stay beside the
// arrays while the reduction goes by, so that a small buffer need not hold all inputs of an output.
#include <algorithm>
#include <utility>

#include "arch/tiling/layer_tiles.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// Of the room for activations, what results on their way out may take.
constexpr std::int64_t kDrainShare = 8;

void halve(std::int64_t& extent) {
    extent = ceil_divide(extent, 2);
}

/// The least that is no less, for a >= 1.
std::int64_t power_of_two_from(std::int64_t a) {
    return std::max<std::int64_t>(2 * power_of_two_up_to(a - 1), 1);
}

/// The longest dimension that sums go over.
Dim longest_sum(const Extents& extents) {
    Dim longest = Dim::C;
    for (const Dim dim : kReductionDims) {
        longest = extents[index(dim)] > extents[index(longest)] ? dim : longest;
    }
    return longest;
}

/// Halves it; false where it cannot be.
bool halve_sums(Extents& extents) {
    const Dim longest = longest_sum(extents);
    const bool can = extents[index(longest)] > 1;
    halve(extents[index(longest)]);
    return can;
}

}  // namespace

bool halve_positions(Extents& extents) {
    for (const Dim dim : kPositionDims) {
        if (extents[index(dim)] > 1) {
            halve(extents[index(dim)]);
            return true;
        }
    }
    return false;
}

/// The layer as one tile, whatever fits: nothing comes through the DRAM twice.
LayerTiling LayerTiler::streamed_once(const FusedLayer& fused, const Layer& root,
                                      const Streams& streams) const {
    LayerTiling whole;
    whole.tile = root.space.extents;
    cost(fused, root, streams, whole);
    return whole;
}

/// Of a tile's results what leaves at once: few enough to leave the buffer to what arrives.
Extents LayerTiler::drained_part(const FusedLayer& fused, const Layer& root, const Streams& streams,
                                 Extents part) const {
    bool divides = true;
    while (divides && leaving_bytes(fused, root, streams, part) > streams.stage / kDrainShare) {
        divides = halve_positions(part);
    }
    return part;
}

// MODEL: where a layer's operands come through the DRAM more often than once, its tiles may be
// of a part of the reduction. Sums of all outputs of such a tile stay in the accumulators until the
// reduction has gone by, and leave in parts, so that the buffer holds few of them at a time.

/// A tile of these channels: as many positions as the arrays can keep sums of, as much of the
/// reduction as the buffer can hold. nullopt where not even little of it fits.
std::optional<LayerTiling> LayerTiler::deep_tile(const FusedLayer& fused, const Layer& root,
                                                 const Streams& streams, const LayerTiling& once,
                                                 Extents tile) const {
    const Projection& outputs = root.space.outputs().projection;
    Extents drained;
    const Operand* weights = root.space.find(TensorRole::weights);
    const auto fits = [&] {
        return (!streams.weights || weights == nullptr ||
                most_bytes(weights->projection, weights->precision, tile).count() <=
                    streams.weight_slot) &&
               arriving_bytes(fused, root, streams, tile) +
                       leaving_bytes(fused, root, streams, drained) <=
                   streams.stage;
    };
    while (most_bytes(outputs, root.precision.accumulator, tile).count() > passes_.sum_bytes()) {
        if (!halve_positions(tile)) {
            return std::nullopt;
        }
    }
    for (;;) {
        tile = whole_sums(root.space, tile);
        drained = drained_part(fused, root, streams, tile);
        bool fitting = fits();
        while (!fitting && halve_sums(tile)) {
            fitting = fits();
        }
        if (fitting) {
            if (tiles_.fills_lanes) {
                const Dim longest = longest_sum(tile);
                std::int64_t& sums = tile[index(longest)];
                const std::int64_t halved = std::exchange(
                    sums, std::min(power_of_two_from(sums), root.space.extent(longest)));
                sums = fits() ? sums : halved;
            }
            break;
        }
        if (!halve_positions(tile)) {
            return std::nullopt;
        }
    }
    if (tile == whole_sums(root.space, tile)) {
        return std::nullopt;  // a tile of the whole reduction: found otherwise
    }
    LayerTiling plan = once;
    plan.tile = tile;
    plan.drained = drained;
    cost_deep(fused, root, streams, plan);
    return plan;
}

/// Leaves a tile half of its channels, or the next power of two; false where it has but one.
bool LayerTiler::cut_channels(Extents& tile) const {
    for (const Dim dim : kChannelDims) {
        std::int64_t& channels = tile[index(dim)];
        if (channels > 1) {
            channels =
                tiles_.fills_lanes ? power_of_two_up_to(channels - 1) : ceil_divide(channels, 2);
            return true;
        }
    }
    return false;
}

/// The best of them first: those that move least.
std::vector<LayerTiling> LayerTiler::deep_tiles(const FusedLayer& fused, const Layer& root,
                                                const Streams& streams,
                                                const LayerTiling& once) const {
    std::vector<LayerTiling> found;
    const IterationSpace& space = root.space;
    const std::vector<Dim> reduction = space.reduction_dims();
    const bool sums = space.macs() > 0 || network_.trains();
    if (!sums || updates_operands(space) || reduction.empty()) {
        return found;
    }
    Extents tile = space.extents;
    do {
        if (auto plan = deep_tile(fused, root, streams, once, tile)) {
            found.push_back(*plan);
        }
    } while (cut_channels(tile));
    std::stable_sort(found.begin(), found.end(), [](const LayerTiling& a, const LayerTiling& b) {
        return a.dram_cycles < b.dram_cycles;
    });
    return found;
}

/// Adds to the traffic of a layer that is streamed once what comes again where the reduction goes
/// by for each tile of outputs: nothing else stays between tiles.
void LayerTiler::cost_deep(const FusedLayer& fused, const Layer& root, const Streams& streams,
                           LayerTiling& plan) const {
    const Extents outputs = whole_sums(root.space, plan.tile);
    double tiles = 1;
    for (const Dim dim : all_dims()) {
        tiles *= static_cast<double>(ceil_divide(root.space.extent(dim), outputs[index(dim)]));
    }
    for (const Operand& operand : root.space.operands) {
        if (operand.role == TensorRole::outputs ||
            (operand.role == TensorRole::weights ? !streams.weights
                                                 : !is_streamed(fused, streams, operand))) {
            continue;
        }
        const double read =
            tiles *
            static_cast<double>(most_bytes(operand.projection, operand.precision, outputs).count());
        if (operand.role == TensorRole::weights) {
            plan.weight_bytes = read;
        } else {
            const auto first = static_cast<double>(
                stored_bytes(touched_words(operand.projection, root.space.box()), operand.precision)
                    .count());
            plan.dram_bytes += std::max(0.0, read - first);
        }
    }
    cost_dram(fused, root, streams, plan);
}

}  // namespace memwall
