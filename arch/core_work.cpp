// SPDX-License-Identifier: Apache-2.0
#include "arch/core_work.hpp"

#include <algorithm>
#include <array>

#include "arch/core_cycles.hpp"
#include "arch/expert_parts.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// Parts of a dimension of one size.
struct EqualParts {
    std::int64_t size = 1;
    std::int64_t count = 0;
};

/// The distinct sizes of a dimension's parts; the second has no parts where all are alike.
std::array<EqualParts, 2> part_sizes(const CoreSplit& split, Dim dim) {
    const std::int64_t parts = split.parts(dim);
    const std::int64_t last = split.part(dim, parts - 1).size();
    const std::int64_t tile = split.tile[index(dim)];
    if (last == tile || parts == 1) {
        return {{{last, parts}, {}}};
    }
    return {{{tile, parts - 1}, {last, 1}}};
}

/// Calls `visit(extents, cores)` for each class of equal parts along `dims`, from dimension `d` on.
/// `extents` is that of the dimensions before, which `cores` parts have.
template <class Dims, class Visit>
void for_each_class(const CoreSplit& split, const Dims& dims, Extents& extents, const Visit& visit,
                    std::size_t d = 0, std::int64_t cores = 1) {
    if (d == dims.size()) {
        visit(extents, cores);
        return;
    }
    for (const EqualParts& parts : part_sizes(split, dims[d])) {
        if (parts.count > 0) {
            extents[index(dims[d])] = parts.size;
            for_each_class(split, dims, extents, visit, d + 1, cores * parts.count);
        }
    }
}

std::int64_t turns_over_parts(const Cores& cores, const ArrayShape& shape, const CoreSplit& split) {
    constexpr std::array kSummed = {Dim::C, Dim::R, Dim::S, Dim::T};
    std::int64_t turns = 0;
    Extents extents = split.tile;
    for_each_class(split, kSummed, extents, [&](const Extents& part, std::int64_t count) {
        turns += count * reduction_turns(*cores.array_config, shape, part);
    });
    return turns;
}

std::int64_t output_turns(const ArrayShape& shape, const CoreSplit& split) {
    std::int64_t turns = 0;
    for (const EqualParts& parts : part_sizes(split, Dim::K)) {
        turns += parts.count * ceil_divide(parts.size, shape.outputs);
    }
    return turns;
}

/// Words of the matrices of all experts that cores meet, each core its own part.
std::int64_t words_of_experts(const IterationSpace& space, const Projection& weights,
                              const CoreSplit& split) {
    std::int64_t met = 0;
    for (const Range& experts : experts_by_part(space, weights, split)) {
        met += experts.size();
    }
    return met * words(image(weights, space.box())) / weights.axes.front().extent;
}

/// Counts the reads of one operand and returns their bytes.
std::int64_t count_operand(ProgramBuilder& builder, StepBody& body, const Cores& cores,
                           const Layer& layer, const Operand& operand, LayerId id,
                           const CoreSplit& split, const Box& box, const ArrayShape* shape) {
    std::int64_t words = 0;
    if (shape == nullptr) {
        words = operand_reads(operand.projection, box);
    } else if (cores.by_expert && operand.role == TensorRole::weights && expert_weights(layer)) {
        words = words_of_experts(layer.space, operand.projection, split);
    } else if (relevant(operand.projection, Dim::K)) {
        words = delivered_words(operand.projection, split, box);  // once into the lanes
    } else {
        Box one = box;
        one[Dim::K] = {box[Dim::K].begin, box[Dim::K].begin + 1};
        words = operand_reads(operand.projection, one) * output_turns(*shape, split);
    }
    const Bytes bytes = stored_bytes(words, operand.precision);
    const ComponentId memory = operand.role == TensorRole::weights ? cores.weights : cores.operands;
    builder.count(body, id, memory, Action::read, operand.role, operand.precision, bytes.count());
    return memory == cores.operands ? bytes.count() : 0;
}

/// "fp32" where both operands have it, else "w4a8o32".
std::string name_of(const LayerPrecision& precision) {
    return precision.weights == precision.activations ? name(precision.weights) : text(precision);
}

}  // namespace

void check_layers(const Network& network, const Machine& machine, const Cores& cores) {
    Diagnostics faults;
    for (const Layer& layer : network.layers()) {
        if (layer.macs() > 0 && array_shape(*cores.array_config, layer.precision) == nullptr) {
            std::string known;
            for (const ArrayShape& shape : cores.array_config->shapes) {
                known += (known.empty() ? "" : ", ") + std::string(name(shape.precision));
            }
            faults.error(layer.where, "machine '" + machine.name() + "' cannot compute layer '" +
                                          layer.name + "' (" + layer.op + ") at " +
                                          name_of(layer.precision) + ": component '" +
                                          machine.component(cores.array).name + "' has lanes for " +
                                          known + "; give one of these with --precision");
        }
    }
    faults.throw_if_any();
}

std::int64_t core_cycles(const Cores& cores, const Layer& layer, const Extents& part) {
    return CoreCycles(cores, layer)(part);
}

// MODEL: operand reads. Inputs are read once for every turn of output lanes, weights once into the
// lanes, partial sums once a reduction turn but the first.
StepBody compute_body(ProgramBuilder& builder, const Cores& cores, const Layer& layer, LayerId id,
                      const CoreSplit& split, const Box& box, bool starts,
                      std::optional<std::int64_t> points) {
    StepBody body;
    const std::int64_t counted = points ? *points : layer.space.counted_points(box);
    const CoreCycles cycles(cores, layer);
    const ArrayShape* shape = cycles.shape();
    const bool macs = shape != nullptr;
    body.unit = macs ? cores.array_unit : cores.vector_unit;
    if (macs) {
        builder.count(body, id, cores.array, Action::mac, TensorRole::outputs, shape->precision,
                      counted);
    } else {
        builder.count(body, id, cores.vector, Action::vector, TensorRole::outputs,
                      layer.space.outputs().precision,
                      counted * layer.space.vector_operations_per_point);
    }
    std::int64_t read = 0;
    for (const Operand& operand : layer.space.operands) {
        if (operand.role != TensorRole::outputs) {
            read += count_operand(builder, body, cores, layer, operand, id, split, box, shape);
        }
    }
    const std::int64_t results = words(image(layer.space.outputs().projection, box));
    const std::int64_t turns = macs ? turns_over_parts(cores, *shape, split) : 1;
    const std::int64_t shares = split.reduction_parts(layer.space);
    const Precision sums = layer.precision.accumulator;
    builder.count(body, id, cores.accumulators, Action::write, TensorRole::partial_sums, sums,
                  stored_bytes(results * turns, sums).count());
    builder.count(body, id, cores.accumulators, Action::read, TensorRole::partial_sums, sums,
                  stored_bytes(results * (turns - (starts ? shares : 0)), sums).count());

    Compute compute;
    compute.occupies = Cycles(cycles(split.tile));
    compute.latency = macs ? cores.array_config->pipeline : cores.vector_config->pipeline;
    if (cores.read_width.count() > 0) {
        const std::int64_t width = cores.read_width.count() * split.cores();
        compute.occupies = std::max(compute.occupies, Cycles(ceil_divide(read, width)));
    }
    std::int64_t lanes = 0;
    Extents extents = unit_extents();
    for_each_class(split, all_dims(), extents,
                   [&](const Extents& part, std::int64_t count) { lanes += cycles(part) * count; });
    compute.lanes_occupied = Cycles(lanes);
    body.what = compute;
    return body;
}

StepBody epilogue_body(ProgramBuilder& builder, const Cores& cores, const Layer& layer, LayerId id,
                       std::int64_t words, std::int64_t core_words) {
    StepBody body;
    body.unit = cores.vector_unit;
    const std::int64_t each = std::max<std::int64_t>(1, layer.space.vector_operations_per_point);
    builder.count(body, id, cores.vector, Action::vector, TensorRole::outputs,
                  layer.space.outputs().precision, words * layer.space.vector_operations_per_point);
    std::size_t others = 0;
    for (const Operand& operand : layer.space.operands) {
        // The running result is in the accumulators; every further input comes from beside them.
        if (operand.role == TensorRole::inputs && others++ > 0) {
            builder.count(body, id, cores.operands, Action::read, TensorRole::inputs,
                          operand.precision, stored_bytes(words, operand.precision).count());
        }
    }
    const Precision sums = layer.precision.accumulator;
    for (const Action action : {Action::read, Action::write}) {
        if (cores.accumulators.valid()) {
            builder.count(body, id, cores.accumulators, action, TensorRole::partial_sums, sums,
                          stored_bytes(words, sums).count());
        }
    }
    Compute compute;
    compute.occupies = Cycles(vector_cycles(cores.vector_config->lanes, core_words * each));
    compute.latency = cores.vector_config->pipeline;
    compute.lanes_occupied = Cycles(vector_cycles(cores.vector_config->lanes, words * each));
    body.what = compute;
    return body;
}

Box box_of_results(const Layer& layer, const Region& region) {
    Box box = layer.space.box();
    const Projection& outputs = layer.space.outputs().projection;
    ensure(outputs.axes.size() == region.size(), "a result has the rank of its projection");
    for (std::size_t axis = 0; axis < region.size(); ++axis) {
        for (const AxisTerm& term : outputs.axes[axis].terms) {
            ensure(term.coefficient == 1 && outputs.axes[axis].terms.size() == 1 &&
                       outputs.axes[axis].offset == 0,
                   "a pointwise layer's results are its points");
            box[term.dim] = region[axis];
        }
    }
    return box;
}

std::int64_t result_words(const Layer& layer, const Extents& part) {
    return words(image(layer.space.outputs().projection, whole_box(part)));
}

}  // namespace memwall
