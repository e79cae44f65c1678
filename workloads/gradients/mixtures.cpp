// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts: the choice of a token's experts, and the sum of what they say.
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

// MODEL: elementwise operations of a mixture's gradient: an expert's result is weighted (one), the
// weight is a sum of products (two), and a router's value looks for itself among the picks (one a
// pick).
constexpr std::int64_t kWeight = 1;
constexpr std::int64_t kProductAndAdd = 2;
constexpr std::int64_t kLook = 1;

/// The forward layer's points again, from operand `o`.
TensorId over_points(Backward& step, std::size_t o, std::vector<Operand> read,
                     std::int64_t operations) {
    BackwardLayer layer;
    layer.part = step.input_part(o);
    layer.op = step.layer().op + "_gradient";
    layer.shape = step.shape(step.input(o));
    IterationSpace space = step.space();
    space.vector_operations_per_point = operations;
    space.operands = std::move(read);
    layer.space = seen_from(std::move(space), step.operand(o).projection);
    return step.add(std::move(layer));
}

}  // namespace

void combine(Backward& step) {
    const Projection& results = step.space().outputs().projection;
    for (std::size_t o = 0; o < 2; ++o) {
        if (step.wants(o)) {
            const std::size_t other = 1 - o;
            step.give_input(o,
                            over_points(step, o,
                                        {reads(step.result_gradient(), results),
                                         reads(step.input(other), step.operand(other).projection)},
                                        o == 0 ? kWeight : kProductAndAdd));
        }
    }
}

void top_k(Backward& step) {
    if (step.wants(0)) {
        step.give_input(
            0,
            over_points(step, 0, {reads(step.result_gradient(), step.space().outputs().projection)},
                        kLook));
    }
}

}  // namespace memwall::gradients
