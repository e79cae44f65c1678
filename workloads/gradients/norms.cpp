// SPDX-License-Identifier: Apache-2.0
// Softmax and normalisations, that of a batch by its own statistics among them.
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall::gradients {
namespace {

// MODEL: elementwise operations of the gradient of an element; what happens once a row is left out.
constexpr std::int64_t kSoftmax = 4;     // dy y, add; subtract, multiply
constexpr std::int64_t kLayerNorm = 11;  // x' = (x - m) r; g dy, its sum, its product with x' and
                                         // that sum; dy - a - x' b, times r
constexpr std::int64_t kRmsNorm = 8;     // the same without means
constexpr std::int64_t kBatchNorm = 7;   // x' = (x - m) r; dy - a - x' b, times g r
constexpr std::int64_t kParameters = 2;  // of each sum: dy, or dy x'

/// The gradient of the input over the forward layer's points.
TensorId over_rows(Backward& step, TensorId saved, const char* op, std::int64_t operations) {
    const Projection& all = step.space().outputs().projection;
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = op;
    layer.shape = step.shape(step.input(0));
    layer.space = step.space();
    layer.space.vector_operations_per_point = operations;
    layer.space.operands = {reads(step.result_gradient(), all), reads(saved, all), makes(all)};
    return step.add(std::move(layer));
}

/// The axis along which there are parameters: the channels of group_norm and instance_norm, else
/// the one that is normalised over.
std::size_t parameter_axis(const Backward& step) {
    const IterationSpace& space = step.space();
    if (step.layer().op == "group_norm" || step.layer().op == "instance_norm") {
        return 0;
    }
    const std::vector<Dim> dims = ops::shape_dims(step.shape(step.result()).size());
    std::size_t axis = 0;
    while (axis + 1 < dims.size() && !space.normalises(dims[axis])) {
        ++axis;
    }
    return axis;
}

void parameters(Backward& step, std::size_t axis, std::int64_t copies, std::vector<TensorId> read) {
    Reduction reduction;
    reduction.part = "parameter_gradient";
    reduction.shape = step.shape(step.result());
    reduction.kept = {axis};
    reduction.read = std::move(read);
    reduction.operations = kParameters;
    reduction.copies = copies;
    step.give_parameters(reduce(step, reduction));
}

}  // namespace

void softmax(Backward& step) {
    if (step.wants(0)) {
        step.give_input(0, over_rows(step, step.result(), "softmax_gradient", kSoftmax));
    }
}

void normalisation(Backward& step) {
    const bool rms = step.layer().op == "rms_norm";
    if (step.wants(0)) {
        step.give_input(
            0, over_rows(step, step.input(0), "norm_gradient", rms ? kRmsNorm : kLayerNorm));
    }
    parameters(step, parameter_axis(step), rms ? 1 : 2, {step.result_gradient(), step.input(0)});
}

/// Inputs: what is normalised, and both rows of the statistics [2, channels] of the batch.
void batch_norm(Backward& step) {
    const Shape& shape = step.shape(step.input(0));
    std::size_t channel = 0;
    const Projection& all = step.space().outputs().projection;
    while (all.axes[channel + 1].terms != step.operand(1).projection.axes[1].terms) {
        ++channel;
    }
    parameters(step, channel, 2, {step.result_gradient(), step.input(0)});
    if (!step.wants(0)) {
        return;
    }
    BackwardLayer layer;
    layer.part = "input_gradient";
    layer.op = "norm_gradient";
    layer.shape = shape;
    layer.space = step.space();
    layer.space.vector_operations_per_point = kBatchNorm;
    layer.space.operands = {reads(step.result_gradient(), all), reads(step.input(0), all)};
    for (const TensorId pair : {step.input(1), step.parameters()}) {
        for (const std::size_t row : {std::size_t{1}, std::size_t{2}}) {
            layer.space.operands.push_back(reads(pair, step.operand(row).projection));
        }
    }
    layer.space.operands.push_back(makes(all));
    step.give_input(0, step.add(std::move(layer)));
}

}  // namespace memwall::gradients
