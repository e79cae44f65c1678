// SPDX-License-Identifier: Apache-2.0
// max_pool, average_pool and global_pool: a window of each channel becomes one value.
#include <algorithm>

#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

// MODEL: one elementwise operation for each value in a window. The division of an average goes into
// the scaling of its result.
constexpr std::int64_t kOperationsPerPoint = 1;

std::optional<LayerPlan> plan_pool(const WindowKeys& window, PointOperation operation,
                                   const PlanRequest& request) {
    const Shape& image = request.inputs[0];
    if (image.size() != 3) {
        return request.fault("pooling needs an input of shape [channels, rows, columns], found " +
                             text(image));
    }
    const Padding& padding = window.padding;
    const auto covers = [](std::int64_t kernel, std::int64_t dilation, std::int64_t before,
                           std::int64_t after) {
        return std::max(before, after) >= window_extent(1, 1, kernel, dilation);
    };
    if (covers(window.kernel.rows, window.dilation.rows, padding.top, padding.bottom) ||
        covers(window.kernel.columns, window.dilation.columns, padding.left, padding.right)) {
        return request.fault(
            "the padding is as large as the window: some results would have "
            "nothing but padding");
    }
    LayerPlan plan;
    IterationSpace& space = plan.space;
    if (!slide_window(request, window, image, space)) {
        return std::nullopt;
    }
    space.operation = operation;
    space.vector_operations_per_point = kOperationsPerPoint;
    space.extents[index(Dim::K)] = image[0];
    plan.output = {image[0], space.extent(Dim::P), space.extent(Dim::Q)};
    space.operands.push_back(inputs_operand(
        {plain_axis(Dim::K, image[0]), row_axis(window, image), column_axis(window, image)}));
    space.operands.push_back(outputs_operand(shape_axes(plan.output)));
    return plan;
}

Planner read_pool(MapReader& keys, PointOperation operation) {
    WindowKeys window;
    window.kernel = required_sizes(keys, "kernel");
    window.stride = optional_sizes(keys, "stride", {1, 1});
    window.dilation = optional_sizes(keys, "dilation", {1, 1});
    window.padding = optional_padding(keys);
    return [=](const PlanRequest& request) { return plan_pool(window, operation, request); };
}

}  // namespace

Planner read_max_pool(MapReader& keys) {
    return read_pool(keys, PointOperation::max);
}

Planner read_average_pool(MapReader& keys) {
    return read_pool(keys, PointOperation::add);
}

Planner read_global_pool(MapReader& keys) {
    const auto kind = keys.optional_choice("kind", {"average", "max"});
    const PointOperation operation =
        kind.value_or(0) == 0 ? PointOperation::add : PointOperation::max;
    return [=](const PlanRequest& request) {
        WindowKeys whole;
        if (request.inputs[0].size() == 3) {
            whole.kernel = {request.inputs[0][1], request.inputs[0][2]};
        }
        return plan_pool(whole, operation, request);
    };
}

}  // namespace memwall::ops
