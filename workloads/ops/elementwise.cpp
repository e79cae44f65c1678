// SPDX-License-Identifier: Apache-2.0
// add, sub, mul, div, maximum, minimum, compare and where: element by element, axes of size 1
// repeated.
#include <algorithm>
#include <optional>

#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"

namespace memwall::ops {
namespace {

/// The shapes of all operands; that of a constant, if there is one, behind the inputs.
std::vector<Shape> operand_shapes(const std::optional<Shape>& constant,
                                  const PlanRequest& request) {
    std::vector<Shape> shapes = request.inputs;
    if (constant) {
        // A single value meets every shape.
        shapes.push_back(words(*constant) == 1 ? Shape(shapes[0].size(), 1) : *constant);
    }
    return shapes;
}

// MODEL: a constant operand is held beside the vector unit, as a bias is: it is a parameter (but
// for a single value) and makes no traffic.
std::optional<LayerPlan> plan_elementwise(PointOperation operation,
                                          const std::optional<Shape>& constant,
                                          std::optional<std::int64_t> operations_a_point,
                                          const PlanRequest& request) {
    const std::vector<Shape> shapes = operand_shapes(constant, request);
    if (shapes.size() < 2) {
        return request.fault("needs a second input, or a constant operand of a shape");
    }
    LayerPlan plan;
    plan.output = request.inputs[0];
    for (const Shape& shape : shapes) {
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
    const std::int64_t operations =
        operations_a_point.value_or(static_cast<std::int64_t>(shapes.size()) - 1);
    // With a constant there is more to a point than its inputs.
    plan.space =
        elementwise_space(plan.output, constant ? PointOperation::vector : operation, operations);
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
    plan.other_parameters = constant && words(*constant) > 1 ? words(*constant) : 0;
    return plan;
}

Planner elementwise(PointOperation operation, const std::optional<Shape>& constant,
                    std::optional<std::int64_t> operations = std::nullopt) {
    return [=](const PlanRequest& request) {
        return plan_elementwise(operation, constant, operations, request);
    };
}

Planner elementwise(MapReader& keys, PointOperation operation,
                    std::optional<std::int64_t> operations = std::nullopt) {
    const YamlValue* value = keys.value("constant");
    return elementwise(
        operation, value == nullptr ? std::nullopt : read_shape(*value, keys.what(), keys.faults()),
        operations);
}

}  // namespace

Planner add_planner() {
    return elementwise(PointOperation::add, std::nullopt);
}

Planner read_add(MapReader& keys) {
    return elementwise(keys, PointOperation::add);
}

Planner read_elementwise(MapReader& keys) {
    return elementwise(keys, PointOperation::vector);
}

Planner read_mul(MapReader& keys) {
    return elementwise(keys, PointOperation::multiply);
}

// MODEL: where chooses: one operation a point, whatever is chosen from. `constant` stands for all
// operands that are no tensors, such as a mask.
Planner read_where(MapReader& keys) {
    return elementwise(keys, PointOperation::vector, 1);
}

Planner plan_mul() {
    return elementwise(PointOperation::multiply, std::nullopt);
}

}  // namespace memwall::ops
