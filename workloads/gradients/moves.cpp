// SPDX-License-Identifier: Apache-2.0
// Words that went elsewhere as they are: their gradients come back the same way.
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

constexpr std::int64_t kCopy = 1;

/// Words of `from`, moved by `offsets` along the axes, as a tensor of `shape`; zero where there are
/// none.
TensorId moved(Backward& step, std::size_t i, const char* op, const Shape& shape, const Shape& from,
               const std::vector<std::int64_t>& offsets) {
    BackwardLayer layer;
    layer.part = step.input_part(i);
    layer.op = op;
    layer.shape = shape;
    layer.space = ops::elementwise_space(shape, PointOperation::vector, kCopy);
    const Projection made = whole(shape, step.batch());
    Projection read = made;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        read.axes[axis + 1].offset = offsets[axis];
        read.axes[axis + 1].extent = from[axis];
    }
    layer.space.operands = {reads(step.result_gradient(), std::move(read)), makes(made)};
    return step.add(std::move(layer));
}

/// How the forward layer moved its words.
std::vector<std::int64_t> offsets_of(const Backward& step) {
    std::vector<std::int64_t> offsets;
    const std::vector<Axis>& axes = step.operand(0).projection.axes;
    for (std::size_t axis = 1; axis < axes.size(); ++axis) {
        offsets.push_back(axes[axis].offset);
    }
    return offsets;
}

}  // namespace

void rename(Backward& step) {
    if (step.wants(0)) {
        step.give_input(
            0, step.renamed(step.input_part(0), step.result_gradient(), step.shape(step.input(0))));
    }
}

void concat(Backward& step) {
    for (std::size_t i = 0; i < step.layer().inputs.size(); ++i) {
        if (!step.wants(i)) {
            continue;
        }
        std::vector<std::int64_t> offsets;
        const std::vector<Axis>& axes = step.operand(i).projection.axes;
        for (std::size_t axis = 1; axis < axes.size(); ++axis) {
            offsets.push_back(-axes[axis].offset);
        }
        // A part of the gradient, read where it lies.
        step.give_input(i, moved(step, i, "slice", step.shape(step.input(i)),
                                 step.shape(step.result()), offsets));
    }
}

void slice(Backward& step) {
    if (step.wants(0)) {
        step.give_input_part(0, step.result_gradient(), offsets_of(step));
    }
}

/// Words that were left out have no gradient: the others stand in front, since where they were
/// decides nothing but addresses.
void select(Backward& step) {
    if (step.wants(0)) {
        const Shape& shape = step.shape(step.input(0));
        step.give_input(0, moved(step, 0, "pad", shape, step.shape(step.result()), {0}));
    }
}

void pad(Backward& step) {
    if (!step.wants(0)) {
        return;
    }
    std::vector<std::int64_t> offsets = offsets_of(step);
    for (std::int64_t& offset : offsets) {
        offset = -offset;
    }
    step.give_input(
        0, moved(step, 0, "crop", step.shape(step.input(0)), step.shape(step.result()), offsets));
}

void transpose(Backward& step) {
    if (!step.wants(0)) {
        return;
    }
    const Shape& shape = step.shape(step.input(0));
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "transpose";
    layer.shape = shape;
    layer.space = ops::elementwise_space(shape, PointOperation::vector, kCopy);
    const Projection made = whole(shape, step.batch());
    // The forward layer read the axis of its input along a dimension of its result.
    const Projection& was_read = step.operand(0).projection;
    const Projection& was_made = step.space().outputs().projection;
    Projection read = made;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        for (std::size_t of = 0; of < shape.size(); ++of) {
            if (was_made.axes[of + 1].terms == was_read.axes[axis + 1].terms) {
                read.axes[of + 1] = made.axes[axis + 1];
            }
        }
    }
    layer.space.operands = {reads(step.result_gradient(), std::move(read)), makes(made)};
    step.give_input(0, step.add(std::move(layer)));
}

}  // namespace memwall::gradients
