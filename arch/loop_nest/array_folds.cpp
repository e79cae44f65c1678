// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/array_folds.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

bool is_group(Dim dim) {
    return dim == Dim::G || dim == Dim::H;
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

std::int64_t LaneTurns::passes(const Projection& projection, const LaneLayout& layout) const {
    std::int64_t product = 1;
    for (std::size_t a = 0; a < of_axis.size(); ++a) {
        bool lies = false;
        for (const Dim dim : all_dims()) {
            const std::size_t d = index(dim);
            lies = lies || (layout.parts[d] > 1 && layout.axis[d] == a && !is_group(dim) &&
                            relevant(projection, dim));
        }
        product *= lies ? 1 : of_axis[a];
    }
    return product;
}

LaneTurns lane_turns(const std::vector<SpatialAxis>& axes, const LaneLayout& layout) {
    LaneTurns turns;
    std::int64_t groups = 1;
    std::int64_t groups_at_once = std::numeric_limits<std::int64_t>::max();
    for (std::size_t a = 0; a < axes.size(); ++a) {
        std::int64_t laid_out = 1;
        for (const Dim dim : all_dims()) {
            const std::size_t d = index(dim);
            if (layout.axis[d] == a) {
                std::int64_t& of = is_group(dim) && axes[a].packs ? groups : laid_out;
                of = checked_multiply(of, layout.parts[d]);
            }
        }
        turns.of_axis.push_back(axes[a].packs ? ceil_divide(laid_out, axes[a].size) : 1);
        turns.in_time = checked_multiply(turns.in_time, turns.of_axis.back());
        if (axes[a].packs) {
            groups_at_once = std::min(groups_at_once, axes[a].size / laid_out);
        }
    }
    groups_at_once = std::max<std::int64_t>(1, groups_at_once);
    turns.in_time = checked_multiply(turns.in_time, ceil_divide(groups, groups_at_once));
    return turns;
}

}  // namespace memwall
