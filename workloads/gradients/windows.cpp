// SPDX-License-Identifier: Apache-2.0
// Poolings, means, up-sampling and local response normalisation.
#include <algorithm>

#include "base/error.hpp"
#include "base/quantity.hpp"
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

constexpr std::int64_t kAdd = 1;
constexpr std::int64_t kCompareAndAdd = 2;
constexpr std::int64_t kScale = 1;
constexpr std::int64_t kWeighAndAdd = 2;

/// The windows that meet each place of the input: each adds its gradient, or adds it where its
/// result is that of the place.
// MODEL: a maximum gives its gradient to the inputs that are equal to it: the backward pass reads
// both, and no mask is saved beside them. Each place looks at the ceil(kernel / stride) windows
// along each axis that may hold it.
void pool(Backward& step, bool maximum) {
    if (!step.wants(0)) {
        return;
    }
    const IterationSpace& forward = step.space();
    Projection made = forward.operands[0].projection;
    Projection read = forward.outputs().projection;
    Projection place = made;
    IterationSpace space = forward;
    std::vector<GatheredAxis> axes;
    for (std::size_t a = 2; a < made.axes.size(); ++a) {
        const GatheredAxis axis = gather(made.axes[a], forward.extents, false);
        made.axes[a] = axis.made;
        read.axes[a] = axis.read;
        place.axes[a] = axis.place;
        set_extents(axis, space);
        axes.push_back(axis);
    }
    space.operation = PointOperation::add;
    space.vector_operations_per_point = maximum ? kCompareAndAdd : kAdd;
    space.operands = {reads(step.result_gradient(), read)};
    if (maximum) {
        space.operands.push_back(reads(step.result(), read));
        space.operands.push_back(reads(step.input(0), place));
    }
    BackwardLayer layer;
    layer.op = "pool_gradient";
    layer.space = seen_from(std::move(space), made);
    step.give_input(0, add_gathered(step, std::move(layer), axes));
}

/// A result that stands for all places along some axes gives each of them the same. A maximum: to
/// those that are equal to it.
void broadcast(Backward& step, bool maximum) {
    if (!step.wants(0)) {
        return;
    }
    const Shape& shape = step.shape(step.input(0));
    const Shape& result = step.shape(step.result());
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "broadcast";
    layer.shape = shape;
    layer.space =
        ops::elementwise_space(shape, PointOperation::vector, maximum ? kCompareAndAdd : kScale);
    const Projection all = whole(shape, step.batch());
    Projection read = all;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        if (result[axis] != shape[axis]) {
            read.axes[axis + 1] = ops::single_axis();
        }
    }
    layer.space.operands = {reads(step.result_gradient(), read)};
    if (maximum) {
        layer.space.operands.push_back(reads(step.result(), read));
        layer.space.operands.push_back(reads(step.input(0), all));
    }
    layer.space.operands.push_back(makes(all));
    step.give_input(0, step.add(std::move(layer)));
}

}  // namespace

void max_pool(Backward& step) {
    pool(step, true);
}

void average_pool(Backward& step) {
    pool(step, false);
}

void global_pool(Backward& step) {
    broadcast(step, step.space().operation == PointOperation::max);
}

void mean(Backward& step) {
    broadcast(step, false);
}

void extreme_over(Backward& step) {
    broadcast(step, true);
}

/// Each input adds up the results that were made from it: a window of `factor` of them, of as many
/// times that as neighbours took part.
void resize(Backward& step) {
    if (!step.wants(0)) {
        return;
    }
    const IterationSpace& forward = step.space();
    const bool blends = forward.operation == PointOperation::add;
    const Shape& shape = step.shape(step.input(0));
    const Shape& result = step.shape(step.result());
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "resize_gradient";
    layer.shape = shape;
    layer.space = ops::elementwise_space(shape, PointOperation::add, blends ? kWeighAndAdd : kAdd);
    const Projection made = whole(shape, step.batch());
    Projection read = whole(result, step.batch());
    for (std::size_t axis = 1; axis < shape.size(); ++axis) {
        const Dim output = made.axes[axis + 1].terms[0].dim;
        const Dim inner = output == Dim::P ? Dim::R : output == Dim::Q ? Dim::S : Dim::T;
        const std::int64_t factor = ceil_divide(result[axis], shape[axis]);
        const std::int64_t taps = forward.extent(inner);
        const std::int64_t before = taps / 2 * factor;
        layer.space.extents[index(inner)] = taps * factor;
        read.axes[axis + 1] = ops::window_axis(output, factor, inner, 1, before, result[axis]);
    }
    layer.space.operands = {reads(step.result_gradient(), std::move(read)), makes(made)};
    step.give_input(0, step.add(std::move(layer)));
}

/// Reads the input, and the result and its gradient of all neighbours in the window.
void response_norm(Backward& step) {
    if (!step.wants(0)) {
        return;
    }
    const IterationSpace& forward = step.space();
    const Projection& window = forward.operands[0].projection;
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "response_norm_gradient";
    layer.shape = step.shape(step.input(0));
    layer.space = forward;
    layer.space.operands = {reads(step.result_gradient(), window), reads(step.result(), window),
                            reads(step.input(0), forward.outputs().projection),
                            makes(forward.outputs().projection)};
    step.give_input(0, step.add(std::move(layer)));
}

}  // namespace memwall::gradients
