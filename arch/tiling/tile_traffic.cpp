// SPDX-License-Identifier: Apache-2.0
// What the tiles of a layer take of the DRAM as they lie there.
#include <algorithm>

#include "arch/dram_access.hpp"
#include "arch/tiling/layer_tiles.hpp"
#include "arch/tiling/pass_costs.hpp"
#include "arch/tiling/pass_sequence.hpp"

namespace memwall {
namespace {

Box first_tile(const IterationSpace& space, const Extents& tile) {
    Box box = space.box();
    for (const Dim dim : all_dims()) {
        box[dim].end = std::min(box[dim].end, tile[index(dim)]);
    }
    return box;
}

}  // namespace

/// The rows that a tile draws of the layer's table; none where no data choose its weights.
std::optional<DramAccess> LayerTiler::drawn_access(const Layer& root, const Extents& tile) const {
    const Operand* table = root.space.find(TensorRole::weights);
    if (table == nullptr || !table->projection.gather) {
        return std::nullopt;
    }
    const Region region = visited_region(table->projection, first_tile(root.space, tile));
    const Bytes bytes = stored_bytes(words(region), table->precision);
    return tensor_access(network_,
                         {table->tensor, region, bytes, table->precision, region[0].size()}, 0);
}

/// What the traffic of a plan takes of the DRAM as its tiles lie there.
// MODEL: the tiling mapper counts a strided access as long as the channels, bank groups and rows
// that it reaches take for it, and a write among reads with the turns of the bus.
void LayerTiler::cost_dram(const FusedLayer& fused, const Layer& root, const Streams& streams,
                           LayerTiling& plan) const {
    const auto drawn = streams.weights ? drawn_access(root, plan.tile) : std::nullopt;
    double apart = 1;  // how much longer rows take than their bursts at the peak
    if (drawn) {
        const auto own = static_cast<double>(drawn->piece.count() * drawn->pieces);
        const auto served = static_cast<double>(least_served(*drawn, dram_.config->burst).count());
        apart = std::max(1.0, stretch(*drawn, *dram_.config) * own / served);
    }
    const double weight_cycles = plan.weight_bytes * apart / dram_.bytes_per_cycle;
    if (plan.dram_bytes == 0) {
        plan.dram_cycles = weight_cycles;
        return;
    }
    const Box tile = first_tile(root.space, plan.tile);
    const double count = static_cast<double>(pieces(root.space.extents, plan.tile));
    double bytes = 0;      // of a tile
    double stretched = 0;  // as many as would take as long at the peak
    double writes = 0;
    const auto add = [&](TensorId tensor, const Region& region, Precision precision, double times) {
        const Bytes part = stored_bytes(words(region), precision);
        if (part.count() == 0) {
            return;
        }
        const double size = times * static_cast<double>(part.count());
        bytes += size;
        stretched += size * stretch(tensor_access(network_, {tensor, region, part, precision}, 0),
                                    *dram_.config);
    };
    for (const Operand& operand : root.space.operands) {
        const bool read = operand.role == TensorRole::inputs || operand.role == TensorRole::state;
        if (!read || !is_streamed(fused, streams, operand) || operand.projection.gather) {
            continue;
        }
        add(operand.tensor, image(operand.projection, tile), operand.precision,
            operand.updated ? 2 : 1);
        writes += operand.updated ? 1 : 0;
    }
    if (streams.outputs) {
        add(network_.layer(fused.last()).outputs.front(),
            image(root.space.outputs().projection, tile), network_.tensor(fused.output).precision,
            1);
    }
    const double factor = bytes > 0 ? stretched / bytes : 1;
    const double turns = writes > 0 ? (writes + (streams.outputs ? 1 : 0)) * count : 0;
    plan.dram_cycles =
        plan.dram_bytes * factor / dram_.bytes_per_cycle + weight_cycles + turns * dram_.turn;
}

/// What of the DRAM's time is seen beside its rates.
void LayerTiler::finish(const FusedLayer& fused, const Layer& root, const Streams& streams,
                        LayerTiling& plan) const {
    plan.exposed_cycles = exposed(fused, root, streams, plan);
    const std::int64_t first = arriving_bytes(fused, root, streams, plan.tile) / 2;
    plan.start_cycles = static_cast<double>(first) / dram_.bytes_per_cycle;
}

}  // namespace memwall
