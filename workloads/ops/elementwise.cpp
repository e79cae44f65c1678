// SPDX-License-Identifier: Apache-2.0
// add and mul: element by element, axes of size 1 repeated.
#include <algorithm>

#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"

namespace memwall::ops {
namespace {

std::optional<LayerPlan> plan_elementwise(PointOperation operation, const PlanRequest& request) {
    LayerPlan plan;
    plan.output = request.inputs[0];
    for (const Shape& shape : request.inputs) {
        bool meets = shape.size() == plan.output.size();
        for (std::size_t axis = 0; meets && axis < shape.size(); ++axis) {
            meets = shape[axis] == plan.output[axis] || shape[axis] == 1 || plan.output[axis] == 1;
        }
        if (!meets) {
            return request.fault("shapes do not meet: " + text(plan.output) + " and " +
                                 text(shape));
        }
        for (std::size_t axis = 0; axis < shape.size(); ++axis) {
            plan.output[axis] = std::max(plan.output[axis], shape[axis]);
        }
    }
    const std::int64_t operations = static_cast<std::int64_t>(request.inputs.size()) - 1;
    plan.space = elementwise_space(plan.output, operation, operations);
    for (const Shape& shape : request.inputs) {
        std::vector<Axis> axes = shape_axes(shape);
        for (std::size_t axis = 0; axis < shape.size(); ++axis) {
            if (shape[axis] != plan.output[axis]) {
                axes[axis] = single_axis();
            }
        }
        plan.space.operands.push_back(inputs_operand(std::move(axes)));
    }
    plan.space.operands.push_back(outputs_operand(shape_axes(plan.output)));
    return plan;
}

Planner elementwise(PointOperation operation) {
    return [=](const PlanRequest& request) { return plan_elementwise(operation, request); };
}

}  // namespace

Planner add_planner() {
    return elementwise(PointOperation::add);
}

Planner read_add(MapReader&) {
    return add_planner();
}

Planner read_sub(MapReader&) {
    return elementwise(PointOperation::vector);
}

Planner read_div(MapReader&) {
    return elementwise(PointOperation::vector);
}

Planner read_mul(MapReader&) {
    return plan_mul();
}

Planner plan_mul() {
    return elementwise(PointOperation::multiply);
}

}  // namespace memwall::ops
