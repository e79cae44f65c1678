// SPDX-License-Identifier: Apache-2.0
#include "workloads/gradients/spaces.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/error.hpp"
#include "base/quantity.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

constexpr Dim kDropped = Dim::t;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a >= 0 ? a / b : -ceil_divide(-a, b);
}

/// New names for the dimensions of a space.
class Renaming {
public:
    Renaming(const IterationSpace& space, const Projection& result) : space_(space) {
        to_.fill(kDropped);
        find_batch();
        for (const Axis& axis : result.axes) {
            for (const AxisTerm& term : axis.terms) {
                in_result_[index(term.dim)] = walks(term.dim);
            }
        }
        name_results();
        name_sums();
    }

    [[nodiscard]] IterationSpace renamed() const {
        IterationSpace space = space_;
        space.extents = unit_extents();
        for (const Dim dim : all_dims()) {
            if (walks(dim)) {
                space.extents[index(to_[index(dim)])] = space_.extent(dim);
            }
        }
        for (Operand& operand : space.operands) {
            operand.projection = renamed(operand.projection);
        }
        if (space.mask) {
            space.mask->row = to_[index(space.mask->row)];
            space.mask->column = to_[index(space.mask->column)];
        }
        return space;
    }

    [[nodiscard]] Projection renamed(Projection projection) const {
        for (Axis& axis : projection.axes) {
            std::erase_if(axis.terms, [&](const AxisTerm& term) { return !walks(term.dim); });
            for (AxisTerm& term : axis.terms) {
                term.dim = to_[index(term.dim)];
            }
        }
        return projection;
    }

private:
    /// What the first axis of activations walks along stays, also where a batch is one item.
    void find_batch() { batch_[index(Dim::N)] = true; }

    [[nodiscard]] bool walks(Dim dim) const { return space_.extent(dim) > 1 || batch_[index(dim)]; }

    void name_results() {
        for (const Dim dim : {Dim::G, Dim::H, Dim::K, Dim::N, Dim::P, Dim::Q, Dim::D}) {
            name(dim, {dim});
        }
        const bool lanes = in_result_[index(Dim::K)];
        name(Dim::C,
             lanes ? std::vector<Dim>{Dim::N, Dim::P, Dim::Q, Dim::D} : std::vector<Dim>{Dim::K});
        name(Dim::R, {Dim::P, Dim::H, Dim::Q, Dim::D, Dim::N});
        name(Dim::S, {Dim::Q, Dim::D, Dim::P, Dim::N});
        name(Dim::T, {Dim::D, Dim::N, Dim::P, Dim::Q});
        for (const Dim dim : {Dim::U, Dim::V, Dim::W}) {
            name(dim, {dim});
        }
    }

    void name(Dim dim, const std::vector<Dim>& names) {
        if (!in_result_[index(dim)]) {
            return;
        }
        for (const Dim candidate : names) {
            if (!taken_[index(candidate)]) {
                take(dim, candidate);
                return;
            }
        }
        fail("a gradient has a dimension for each of its axes");
    }

    void name_sums() {
        std::vector<Dim> sums;
        for (const Dim dim : all_dims()) {
            if (walks(dim) && !in_result_[index(dim)]) {
                sums.push_back(dim);
            }
        }
        std::stable_sort(sums.begin(), sums.end(),
                         [&](Dim a, Dim b) { return space_.extent(a) > space_.extent(b); });
        std::vector<Dim> names = {Dim::C, Dim::R, Dim::S, Dim::T, Dim::U, Dim::V, Dim::W};
        std::erase_if(names, [&](Dim dim) { return taken_[index(dim)]; });
        ensure(sums.size() <= names.size(), "a gradient has names for what it sums over");
        for (std::size_t s = 0; s < sums.size(); ++s) {
            take(sums[s], names[s]);
        }
    }

    void take(Dim dim, Dim name) {
        to_[index(dim)] = name;
        taken_[index(name)] = true;
    }

    const IterationSpace& space_;
    std::array<Dim, kDimCount> to_{};
    std::array<bool, kDimCount> batch_{}, in_result_{}, taken_{};
};

Operand operand(TensorRole role, TensorId tensor, Projection projection) {
    Operand made;
    made.role = role;
    made.tensor = tensor;
    made.projection = std::move(projection);
    return made;
}

// MODEL: where a window's stride and dilation have a common factor, inputs between the places that
// it meets have no gradient: the others' are made side by side, then copied to their places between
// zeros, one operation a word.
TensorId spread(Backward& step, TensorId places, const std::vector<GatheredAxis>& axes) {
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "spread";
    layer.shape = step.shape(step.input(0));
    IterationSpace& space = layer.space;
    space.operation = PointOperation::add;
    space.vector_operations_per_point = 1;
    space.extents[index(Dim::N)] = step.batch();
    space.extents[index(Dim::K)] = layer.shape[0];
    const Axis channels = ops::plain_axis(Dim::K, layer.shape[0]);
    Projection made{{ops::plain_axis(Dim::N, step.batch()), channels}};
    Projection read = made;
    for (const GatheredAxis& axis : axes) {
        const std::int64_t size = axis.place.extent;
        const std::int64_t ahead = axis.begin == 0 ? 0 : axis.apart - axis.begin;
        const std::int64_t met = axis.made.extent;
        space.extents[index(axis.output)] = ceil_divide(size + ahead, axis.apart);
        space.extents[index(axis.phase)] = axis.apart;
        made.axes.push_back({{{axis.output, axis.apart}, {axis.phase, 1}}, -ahead, size});
        // Phases but the first lie outside.
        read.axes.push_back(
            {{{axis.output, 1}, {axis.phase, met + 1}}, axis.begin == 0 ? 0 : -1, met});
    }
    space.operands = {reads(places, std::move(read)), makes(std::move(made))};
    return step.add(std::move(layer));
}

}  // namespace

Operand reads(TensorId tensor, Projection projection) {
    return operand(TensorRole::inputs, tensor, std::move(projection));
}

Operand makes(Projection projection) {
    return operand(TensorRole::outputs, TensorId(), std::move(projection));
}

Projection whole(const Shape& shape, std::int64_t batch) {
    Projection projection;
    projection.axes = ops::shape_axes(shape);
    projection.axes.insert(projection.axes.begin(), ops::plain_axis(Dim::N, batch));
    return projection;
}

Projection flat(const Shape& shape) {
    static constexpr std::array<Dim, 5> kAxes = {Dim::K, Dim::P, Dim::Q, Dim::D, Dim::N};
    ensure(shape.size() <= kAxes.size(), "parameters have at most five axes");
    Projection projection;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        projection.axes.push_back(ops::plain_axis(kAxes[axis], shape[axis]));
    }
    return projection;
}

IterationSpace flat_space(const Shape& shape, PointOperation operation, std::int64_t operations) {
    IterationSpace space;
    for (const Axis& axis : flat(shape).axes) {
        space.extents[index(axis.terms[0].dim)] = axis.extent;
    }
    space.operation = operation;
    space.vector_operations_per_point = operations;
    return space;
}

IterationSpace seen_from(IterationSpace space, const Projection& result) {
    space.operands.push_back(makes(result));
    return Renaming(space, result).renamed();
}

// Divided by the common factor g of stride and dilation, place m = (i + before) / g of the inputs
// that are met is s p + d r for s and d without one. So r mod s tells m mod s: with r = s t + phase
// and p = j - d t it is m = s j + d phase.
GatheredAxis gather(const Axis& input, const Extents& extents, bool whole) {
    GatheredAxis gathered;
    std::int64_t stride = 1;
    std::int64_t dilation = 1;
    for (const AxisTerm& term : input.terms) {
        const bool position = term.dim == Dim::P || term.dim == Dim::Q || term.dim == Dim::D;
        (position ? stride : dilation) = term.coefficient;
        (position ? gathered.output : gathered.inner) = term.dim;
    }
    gathered.inner = gathered.output == Dim::P   ? Dim::R
                     : gathered.output == Dim::Q ? Dim::S
                                                 : Dim::T;
    gathered.phase = gathered.output == Dim::P   ? Dim::U
                     : gathered.output == Dim::Q ? Dim::V
                                                 : Dim::W;
    const std::int64_t positions = extents[index(gathered.output)];
    const std::int64_t kernel = extents[index(gathered.inner)];
    dilation = kernel == 1 ? 1 : dilation;
    stride = positions == 1 && dilation > 1 ? 1 : stride;
    const std::int64_t apart = std::gcd(stride, dilation);
    gathered.apart = apart;
    gathered.begin = (input.offset % apart + apart) % apart;
    const std::int64_t before = (gathered.begin - input.offset) / apart;
    // An input that is met nowhere has a place behind it, whose gradient is dropped.
    const std::int64_t places =
        std::max<std::int64_t>(1, floor_divide(input.extent - gathered.begin - 1, apart) + 1);
    stride /= apart;
    dilation /= apart;
    gathered.phases = stride;
    gathered.taps = ceil_divide(kernel, stride);
    // The first step that makes a place, and the one behind the last.
    const std::int64_t inside = floor_divide(before - dilation * (stride - 1) + stride - 1, stride);
    const std::int64_t first = whole ? std::min<std::int64_t>(0, inside) : inside;
    std::int64_t end = floor_divide(places - 1 + before, stride) + 1;
    if (whole) {
        end = std::max(end, positions + dilation * (gathered.taps - 1));
    }
    gathered.steps = end - first;
    const std::int64_t offset = first * stride - before;
    gathered.made = {{{gathered.output, stride}, {gathered.phase, dilation}}, offset, places};
    gathered.place = {{{gathered.output, apart * stride}, {gathered.phase, apart * dilation}},
                      apart * offset + gathered.begin,
                      input.extent};
    gathered.read = {{{gathered.output, 1}, {gathered.inner, -dilation}}, first, positions};
    gathered.kernel = {{{gathered.inner, stride}, {gathered.phase, 1}}, 0, kernel};
    return gathered;
}

void set_extents(const GatheredAxis& axis, IterationSpace& space) {
    space.extents[index(axis.output)] = axis.steps;
    space.extents[index(axis.inner)] = axis.taps;
    space.extents[index(axis.phase)] = axis.phases;
}

TensorId add_gathered(Backward& step, BackwardLayer layer, const std::vector<GatheredAxis>& axes) {
    layer.part = "input_gradient";
    layer.shape = step.shape(step.input(0));
    const bool gaps = std::any_of(axes.begin(), axes.end(),
                                  [](const GatheredAxis& axis) { return axis.apart > 1; });
    if (!gaps) {
        return step.add(std::move(layer));
    }
    layer.part = "met_gradient";
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        layer.shape[axis + 1] = axes[axis].made.extent;
    }
    return spread(step, step.add(std::move(layer)), axes);
}

BackwardLayer reduction_layer(const Reduction& reduction, std::int64_t batch) {
    BackwardLayer layer;
    layer.part = reduction.part;
    layer.op = "sum";
    layer.kind = TensorKind::batch_sum;
    IterationSpace space =
        ops::elementwise_space(reduction.shape, PointOperation::add, reduction.operations);
    space.extents[index(Dim::N)] = batch;
    for (const TensorId tensor : reduction.read) {
        space.operands.push_back(reads(tensor, whole(reduction.shape, batch)));
    }
    Projection result;
    if (reduction.copies > 1) {
        space.extents[index(Dim::U)] = reduction.copies;
        result.axes.push_back(ops::plain_axis(Dim::U, reduction.copies));
        layer.shape.push_back(reduction.copies);
    }
    const std::vector<Axis> axes = ops::shape_axes(reduction.shape);
    for (const std::size_t axis : reduction.kept) {
        result.axes.push_back(axes[axis]);
        layer.shape.push_back(reduction.shape[axis]);
    }
    layer.space = seen_from(std::move(space), result);
    return layer;
}

TensorId reduce(Backward& step, const Reduction& reduction) {
    return step.add(reduction_layer(reduction, step.batch()));
}

}  // namespace memwall::gradients
