// SPDX-License-Identifier: Apache-2.0
// Tables: embeddings by number, and rows for positions.
#include "base/quantity.hpp"
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {

namespace {

/// The gradient of the whole table, from those of the results: row P x chunks + U sums its share of
/// R results, each for its share of S draws.
// MODEL: a table that is drawn from more often than it has rows has a gradient like other weights,
// and all of it is brought up to date. Its rows have equal shares of the draws, rounded up; which
// row has which draw decides nothing but addresses.
BackwardLayer table_gradient(const Layer& layer, TensorId results, std::int64_t bags) {
    const IterationSpace& forward = layer.space;
    const Operand& table = *forward.find(TensorRole::weights);
    const std::int64_t rows = table.projection.axes[0].extent;
    const std::int64_t chunks = ceil_divide(rows, bags);
    const std::int64_t groups = ceil_divide(rows, chunks);
    const std::int64_t share = ceil_divide(bags, groups);
    const std::int64_t draws = checked_multiply(bags, forward.extent(Dim::R));
    const Axis features = ops::plain_axis(Dim::K, forward.extent(Dim::K));
    BackwardLayer sum;
    sum.part = "weight_gradient";
    sum.op = "sum";
    sum.kind = TensorKind::batch_sum;
    sum.shape = {rows, features.extent};
    IterationSpace space;
    space.operation = PointOperation::add;
    space.vector_operations_per_point = 1;
    space.extents[index(Dim::K)] = features.extent;
    space.extents[index(Dim::P)] = groups;
    space.extents[index(Dim::U)] = chunks;
    space.extents[index(Dim::R)] = share;
    space.extents[index(Dim::S)] = ceil_divide(draws, checked_multiply(rows, share));
    space.operands = {reads(results, {{Axis{{{Dim::P, share}, {Dim::R, 1}}, 0, bags}, features}})};
    sum.space =
        seen_from(std::move(space), {{Axis{{{Dim::P, chunks}, {Dim::U, 1}}, 0, rows}, features}});
    return sum;
}

}  // namespace

// MODEL: the gradient of a table is sparse where it has no fewer rows than are drawn: the gradients
// of the results, each of which belongs to the row that was drawn. Only these rows, at most one a
// draw, are brought up to date.
void embedding(Backward& step) {
    const Operand& table = *step.space().find(TensorRole::weights);
    if (step.draws_of_weights() <= table.projection.axes[0].extent) {
        step.give_drawn_rows();
        return;
    }
    const std::int64_t features = step.space().extent(Dim::K);
    const std::int64_t bags = words(step.shape(step.result())) / features * step.batch();
    const TensorId results =
        step.of_the_batch("draw_gradients", step.result_gradient(), {bags, features});
    step.give_weights(step.add(table_gradient(step.layer(), results, bags)));
}

/// Every item adds to the same rows; the input has the gradient of the result but for class tokens,
/// which lie in front.
void position_embedding(Backward& step) {
    const Shape& result = step.shape(step.result());
    const Shape& input = step.shape(step.input(0));
    Reduction reduction;
    reduction.part = "weight_gradient";
    reduction.shape = result;
    reduction.kept = {0, 1};
    reduction.read = {step.result_gradient()};
    step.give_weights(reduce(step, reduction));
    if (step.layer().other_parameters > 0) {  // the class tokens: the first rows of the same
        BackwardLayer tokens = reduction_layer(reduction, step.batch());
        tokens.part = "parameter_gradient";
        tokens.shape = {step.layer().other_parameters / result[1], result[1]};
        for (Operand& operand : tokens.space.operands) {
            const bool made = operand.role == TensorRole::outputs;
            Axis& rows = operand.projection.axes[made ? 0 : 1];
            tokens.space.extents[index(rows.terms[0].dim)] = tokens.shape[0];
            rows.extent = made ? tokens.shape[0] : result[0];
        }
        step.give_parameters(step.add(std::move(tokens)));
    }
    if (!step.wants(0)) {
        return;
    }
    if (input == result) {
        step.give_input(0, step.result_gradient());
        return;
    }
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "slice";
    layer.shape = input;
    layer.space = ops::elementwise_space(input, PointOperation::vector, 1);
    const Projection made = whole(input, step.batch());
    Projection read = made;
    read.axes[1].offset = result[0] - input[0];
    read.axes[1].extent = result[0];
    layer.space.operands = {reads(step.result_gradient(), std::move(read)), makes(made)};
    step.give_input(0, step.add(std::move(layer)));
}

}  // namespace memwall::gradients
