// SPDX-License-Identifier: Apache-2.0
#include "workloads/planned_shapes.hpp"

namespace memwall {

void PlannedShapes::set_result(TensorId tensor, const Shape& shape, const Op& op,
                               const std::vector<TensorId>& inputs) {
    shapes_[tensor.position()] = shape;
    const bool keeps_order =
        channels_first(inputs) && (op.form == OpForm::join || op.form == OpForm::part ||
                                   shapes_[inputs.front().position()] == shape);
    channels_first_[tensor.position()] = op.channels_first || keeps_order;
}

std::optional<std::vector<Shape>> PlannedShapes::of(const std::vector<TensorId>& tensors) const {
    std::vector<Shape> shapes;
    for (const TensorId tensor : tensors) {
        if (!tensor.valid() || !shapes_[tensor.position()]) {
            return std::nullopt;
        }
        shapes.push_back(*shapes_[tensor.position()]);
    }
    return shapes;
}

bool PlannedShapes::channels_first(const std::vector<TensorId>& tensors) const {
    return !tensors.empty() && tensors.front().valid() &&
           channels_first_[tensors.front().position()];
}

}  // namespace memwall
