// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/array_folds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

bool is_group(Dim dim) {
    return dim == Dim::G || dim == Dim::H;
}

/// `count` of what happens once a block, over turns of all blocks.
std::int64_t in_turns(std::int64_t count, std::int64_t turns, std::int64_t blocks) {
    return count % blocks == 0
               ? checked_multiply(count / blocks, turns)
               : std::llround(static_cast<double>(count) * static_cast<double>(turns) /
                              static_cast<double>(blocks));
}

}  // namespace

std::int64_t ArrayTiming::cycles(std::int64_t steps, std::int64_t folds) const {
    if (!loads_ahead) {
        return checked_add(steps, checked_multiply(folds, load + skew));
    }
    const std::int64_t last = ceil_divide(steps, folds);
    return std::max(steps, checked_add(checked_multiply(folds - 1, load), last)) + load + skew;
}

double ArrayTiming::cycles(double steps, double folds) const {
    const auto loading = static_cast<double>(load);
    const double ends = loading + static_cast<double>(skew);
    return loads_ahead ? std::max(steps, (folds - 1) * loading + steps / folds) + ends
                       : steps + folds * ends;
}

ArrayTiming array_timing(Dataflow dataflow, bool loads_ahead, const ArrayShape& shape) {
    ArrayTiming timing;
    if (dataflow == Dataflow::dot_product || dataflow == Dataflow::row_stationary) {
        return timing;
    }
    timing.skew = shape.inputs + shape.outputs - 2;
    timing.load = dataflow == Dataflow::output_stationary ? 0 : shape.inputs;
    timing.loads_ahead = loads_ahead;
    return timing;
}

std::vector<SpatialAxis> array_axes(const MacArrayConfig& array, const ArrayShape& shape,
                                    const IterationSpace& space) {
    const bool systolic =
        array.dataflow != Dataflow::dot_product && array.dataflow != Dataflow::row_stationary;
    const bool packs = array.packs_window && array.dataflow != Dataflow::row_stationary;
    SpatialAxis rows{systolic ? "rows" : "inputs", shape.inputs, {}, packs};
    SpatialAxis columns{systolic ? "columns" : "outputs", shape.outputs, {}, packs};
    const auto positions = [&](SpatialAxis& axis) {
        for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q}) {
            axis.dims[index(dim)] = true;
        }
    };
    if (array.dataflow == Dataflow::output_stationary) {
        positions(rows);
    } else {
        for (const Dim dim : space.reduction_dims()) {
            rows.dims[index(dim)] = true;
        }
    }
    if (array.dataflow == Dataflow::input_stationary) {
        positions(columns);
    } else {
        columns.dims[index(Dim::K)] = true;
    }
    if (columns.packs) {
        columns.dims[index(Dim::G)] = true;
        columns.dims[index(Dim::H)] = true;
    }
    return {rows, columns};
}

std::optional<std::size_t> kept_operand(Dataflow dataflow, const IterationSpace& space) {
    const std::size_t outputs = space.operands.size() - 1;
    if (dataflow == Dataflow::row_stationary) {
        return std::nullopt;  // elements read all three from their memories at every step
    }
    if (dataflow == Dataflow::output_stationary) {
        return outputs;
    }
    for (std::size_t o = 0; o < outputs; ++o) {
        const Operand& operand = space.operands[o];
        // Of a product of two results, the second one stands for the weights.
        const bool weights =
            operand.role == TensorRole::weights ||
            (dataflow != Dataflow::dot_product && relevant(operand.projection, Dim::K) &&
             !space.find(TensorRole::weights));
        if (weights == (dataflow != Dataflow::input_stationary)) {
            return o;
        }
    }
    return std::nullopt;
}

void JoinedBlocks::join(const EqualBlocks* sizes, std::size_t how_many) {
    before_.swap(blocks_);
    blocks_.clear();
    for (const EqualBlocks& outer : before_) {
        for (std::size_t i = 0; i < how_many; ++i) {
            blocks_.push_back({checked_multiply(outer.size, sizes[i].size),
                               checked_multiply(outer.count, sizes[i].count)});
        }
    }
}

std::int64_t JoinedBlocks::turns(std::int64_t lanes) const {
    std::int64_t sum = 0;
    for (const EqualBlocks& blocks : blocks_) {
        sum += checked_multiply(blocks.count, ceil_divide(blocks.size, lanes));
    }
    return sum;
}

std::int64_t JoinedBlocks::count() const {
    return turns(std::numeric_limits<std::int64_t>::max());
}

std::int64_t JoinedBlocks::largest() const {
    return std::max_element(
               blocks_.begin(), blocks_.end(),
               [](const EqualBlocks& a, const EqualBlocks& b) { return a.size < b.size; })
        ->size;
}

std::int64_t LaneTurns::times(std::int64_t count) const {
    return in_turns(count, in_time, blocks);
}

std::int64_t LaneTurns::passing(std::int64_t words, const Projection& projection,
                                const LaneLayout& layout) const {
    OfAxis others;
    for (std::size_t a = 0; a < of_axis.size(); ++a) {
        bool lies = false;
        for (const Dim dim : all_dims()) {
            const std::size_t d = index(dim);
            lies = lies || (!layout.blocks[d].empty() && layout.axis[d] == a && !is_group(dim) &&
                            relevant(projection, dim));
        }
        others.turns = lies ? others.turns : checked_multiply(others.turns, of_axis[a].turns);
        others.blocks = lies ? others.blocks : checked_multiply(others.blocks, of_axis[a].blocks);
    }
    return in_turns(words, others.turns, others.blocks);
}

LaneTurns lane_turns(const std::vector<SpatialAxis>& axes, const LaneLayout& layout) {
    LaneTurns turns;
    JoinedBlocks groups;
    std::int64_t groups_at_once = std::numeric_limits<std::int64_t>::max();
    for (std::size_t a = 0; a < axes.size(); ++a) {
        JoinedBlocks laid_out;
        for (const Dim dim : all_dims()) {
            const std::size_t d = index(dim);
            if (layout.axis[d] == a && !layout.blocks[d].empty()) {
                JoinedBlocks& of = is_group(dim) && axes[a].packs ? groups : laid_out;
                of.join(layout.blocks[d].data(), layout.blocks[d].size());
            }
        }
        const std::int64_t blocks = laid_out.count();
        turns.of_axis.push_back({axes[a].packs ? laid_out.turns(axes[a].size) : blocks, blocks});
        turns.in_time = checked_multiply(turns.in_time, turns.of_axis.back().turns);
        turns.blocks = checked_multiply(turns.blocks, blocks);
        if (axes[a].packs) {
            groups_at_once = std::min(groups_at_once, axes[a].size / laid_out.largest());
        }
    }
    turns.in_time =
        checked_multiply(turns.in_time, groups.turns(std::max<std::int64_t>(1, groups_at_once)));
    turns.blocks = checked_multiply(turns.blocks, groups.count());
    return turns;
}

}  // namespace memwall
