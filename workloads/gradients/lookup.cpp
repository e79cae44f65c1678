// SPDX-License-Identifier: Apache-2.0
// Tables: embeddings by number, and rows for positions.
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {

// MODEL: the gradient of a table is sparse: the gradients of the results, each of which belongs to
// the row that was drawn. Only these rows are brought up to date.
void embedding(Backward& step) {
    step.give_drawn_rows();
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
