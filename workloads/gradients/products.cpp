// SPDX-License-Identifier: Apache-2.0
// Convolutions and matrix products: each multiplication of the forward layer comes up once more for
// each of its two operands.
#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"

namespace memwall::gradients {
namespace {

/// The operand of a role that is not `o`.
std::size_t other_than(std::size_t o) {
    return o == 0 ? 1 : 0;
}

/// The products of `space` (two operands) again, with the result's gradient in place of one.
IterationSpace products(const Backward& step, const IterationSpace& space,
                        const Projection& results, std::size_t o) {
    IterationSpace products = space;
    Operand other = space.operands[other_than(o)];
    products.operands = {reads(step.result_gradient(), results), std::move(other)};
    return products;
}

/// Of operand `o` of a space with two operands, whose axes have one dimension each or are channels
/// in groups: the forward space with the result and that operand in each other's place.
TensorId plain_gradient(Backward& step, const IterationSpace& space, const Projection& results,
                        std::size_t o, const std::string& part) {
    const Operand& wrt = space.operands[o];
    BackwardLayer layer;
    layer.part = part;
    layer.op =
        part.substr(0, part.find("_gradient")) == "weight" ? "weight_gradient" : "input_gradient";
    layer.shape = step.shape(wrt.tensor);
    layer.kind = wrt.role == TensorRole::weights ? TensorKind::batch_sum : TensorKind::activation;
    layer.space = seen_from(products(step, space, results, o), wrt.projection);
    return step.add(std::move(layer));
}

/// Whether every word of an operand is met, each by a plain index.
bool is_plain(const Projection& projection, const Extents& extents) {
    return std::all_of(projection.axes.begin(), projection.axes.end(), [&](const Axis& axis) {
        std::int64_t words = 1;  // that it meets, one by one
        bool unit_steps = true;
        for (const AxisTerm& term : axis.terms) {
            const std::int64_t extent = extents[index(term.dim)];
            unit_steps = unit_steps && (extent == 1 || term.dim == Dim::G || term.coefficient == 1);
            words *= extent;
        }
        return axis.offset == 0 && unit_steps && words == axis.extent;
    });
}

bool slides(const Axis& axis) {
    return std::any_of(axis.terms.begin(), axis.terms.end(), [](const AxisTerm& term) {
        return term.dim == Dim::P || term.dim == Dim::Q || term.dim == Dim::D;
    });
}

/// The input gradient of a convolution: the transposed convolution of the result's gradient.
// MODEL: every multiplication of the forward layer has one in the gradient of its inputs, also
// those by zeros of the padding, whose gradients are dropped.
TensorId windowed_gradient(Backward& step) {
    const IterationSpace& forward = step.space();
    const Operand& input = forward.operands[0];
    const Operand& weights = forward.operands[1];
    IterationSpace space = forward;
    space.pads_results = true;
    Projection made = input.projection;
    Projection read = forward.outputs().projection;
    Projection kernel = weights.projection;
    std::vector<GatheredAxis> axes;
    for (std::size_t a = 1; a < made.axes.size(); ++a) {
        if (!slides(made.axes[a])) {
            continue;
        }
        const GatheredAxis axis = gather(made.axes[a], forward.extents, true);
        made.axes[a] = axis.made;
        for (Axis& of : read.axes) {
            if (slides(of) && of.terms[0].dim == axis.output) {
                of = axis.read;
            }
        }
        for (Axis& of : kernel.axes) {
            if (!of.terms.empty() && of.terms[0].dim == axis.inner) {
                of = axis.kernel;
            }
        }
        set_extents(axis, space);
        axes.push_back(axis);
    }
    space.operands = {reads(step.result_gradient(), std::move(read)), weights};
    space.operands[1].projection = std::move(kernel);
    BackwardLayer layer;
    layer.op = "input_gradient";
    layer.space = seen_from(std::move(space), made);
    return add_gathered(step, std::move(layer), axes);
}

/// The axes of the result that a bias has, by position in its shape.
std::vector<std::size_t> bias_axes(const Backward& step) {
    const Shape& shape = step.shape(step.result());
    const bool linear = step.layer().op == "linear" || step.layer().op == "matmul";
    if (!linear) {
        return {0};
    }
    return shape.size() == 3 ? std::vector<std::size_t>{0, 2}
                             : std::vector<std::size_t>{shape.size() - 1};
}

void bias(Backward& step) {
    if (step.parameter_count() == 0) {
        return;
    }
    Reduction reduction;
    reduction.part = "bias_gradient";
    reduction.shape = step.shape(step.result());
    reduction.kept = bias_axes(step);
    reduction.read = {step.result_gradient()};
    step.give_parameters(reduce(step, reduction));
}

/// A transposed convolution as the convolution whose transpose it is: each input place with each
/// element of the kernel.
struct Spread {
    IterationSpace space;  ///< inputs and weights
    Projection results;
};

Spread spread(const Backward& step) {
    const IterationSpace& forward = step.space();
    Spread found{forward, forward.outputs().projection};
    found.space.operands.pop_back();
    Projection& inputs = found.space.operands[0].projection;
    Projection& kernel = found.space.operands[1].projection;
    for (Axis& made : found.results.axes) {
        if (!slides(made)) {
            continue;
        }
        const AxisTerm outer = made.terms[0];  // stride x position, then the phase
        for (Axis& read : inputs.axes) {
            if (!slides(read) || read.terms[0].dim != outer.dim) {
                continue;
            }
            const AxisTerm inner = read.terms[1];  // - dilation x element
            const std::int64_t dilation = -inner.coefficient;
            made = {{{outer.dim, outer.coefficient}, {inner.dim, dilation}},
                    made.offset - outer.coefficient * read.offset,
                    made.extent};
            read = {{{outer.dim, 1}}, 0, read.extent};
            found.space.extents[index(outer.dim)] = read.extent;
            for (Axis& element : kernel.axes) {
                if (!element.terms.empty() && element.terms[0].dim == inner.dim) {
                    found.space.extents[index(inner.dim)] = element.extent;
                    element = {{{inner.dim, 1}}, 0, element.extent};
                }
            }
        }
    }
    for (const Dim phase : {Dim::U, Dim::V, Dim::W}) {
        found.space.extents[index(phase)] = 1;
    }
    return found;
}

IterationSpace operands_of(const IterationSpace& forward) {
    IterationSpace space = forward;
    space.operands.pop_back();
    return space;
}

/// The products of experts as each expert's own, over its share of the tokens. Picks and experts
/// fall into `groups`; expert h of a group has the h-th part of the positions in each of its picks.
// MODEL: the gradient of an expert's weights is summed over an equal share of the tokens, whatever
// the routing; who has which token decides nothing but addresses. Where the positions cannot be
// shared evenly, the last expert's share is filled up with zeros, which are multiplied too.
Spread shared_out(const Backward& step) {
    const IterationSpace& forward = step.space();
    Spread found{operands_of(forward), forward.outputs().projection};
    Extents& extents = found.space.extents;
    const std::int64_t picks = extents[index(Dim::D)];
    const std::int64_t positions = extents[index(Dim::P)];
    Projection& weights = found.space.operands[1].projection;
    const std::int64_t groups = std::gcd(picks, weights.axes[0].extent);
    const std::int64_t most_parts = weights.axes[0].extent / groups;
    const std::int64_t share = ceil_divide(positions, most_parts);
    extents[index(Dim::D)] = groups;
    extents[index(Dim::R)] = picks / groups;
    extents[index(Dim::H)] = ceil_divide(positions, share);
    extents[index(Dim::P)] = share;
    const auto split = [&](Projection& projection) {
        for (Axis& axis : projection.axes) {
            if (axis.terms.size() == 1 && axis.terms[0].dim == Dim::P) {
                axis.terms = {{Dim::H, share}, {Dim::P, 1}};
            } else if (axis.terms.size() == 1 && axis.terms[0].dim == Dim::D) {
                axis.terms = {{Dim::D, picks / groups}, {Dim::R, 1}};
            }
        }
    };
    split(found.space.operands[0].projection);
    split(found.results);
    weights.gather.reset();
    weights.axes[0].terms = {{Dim::D, most_parts}, {Dim::H, 1}};
    return found;
}

}  // namespace

void product(Backward& step) {
    const IterationSpace& forward = step.space();
    const Projection& results = forward.outputs().projection;
    const IterationSpace space = operands_of(forward);
    if (step.wants(0)) {
        step.give_input(0, is_plain(forward.operands[0].projection, forward.extents)
                               ? plain_gradient(step, space, results, 0, "input_gradient")
                               : windowed_gradient(step));
    }
    step.give_weights(plain_gradient(step, space, results, 1, "weight_gradient"));
    bias(step);
}

void transposed_product(Backward& step) {
    const Spread of = spread(step);
    if (step.wants(0)) {
        step.give_input(0, plain_gradient(step, of.space, of.results, 0, "input_gradient"));
    }
    step.give_weights(plain_gradient(step, of.space, of.results, 1, "weight_gradient"));
    bias(step);
}

void expert_product(Backward& step) {
    const IterationSpace& forward = step.space();
    if (step.wants(0)) {
        step.give_input(0, plain_gradient(step, operands_of(forward), forward.outputs().projection,
                                          0, "input_gradient"));
    }
    const Spread of = shared_out(step);
    step.give_weights(plain_gradient(step, of.space, of.results, 1, "weight_gradient"));
}

void matmul(Backward& step) {
    const IterationSpace& forward = step.space();
    for (std::size_t i = 0; i < 2; ++i) {
        if (!is_plain(forward.operands[i].projection, forward.extents)) {
            throw InputError("a product that reads a part of its second operand");
        }
        if (step.wants(i)) {
            step.give_input(i, plain_gradient(step, operands_of(forward),
                                              forward.outputs().projection, i, step.input_part(i)));
        }
    }
}

}  // namespace memwall::gradients
