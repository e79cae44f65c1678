// SPDX-License-Identifier: Apache-2.0
// slice, transpose, pad and resize: words that go elsewhere, or to several places, as they are.
#include <algorithm>
#include <array>

#include "base/quantity.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"
#include "workloads/ops/sliding.hpp"

namespace memwall::ops {
namespace {

constexpr std::int64_t kCopy = 1;
constexpr std::int64_t kMultiplyAndAdd = 2;

std::optional<std::size_t> known_axis(std::int64_t named, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    const std::size_t axis = axis_position(named, input.size());
    if (axis == input.size()) {
        request.fault("no axis " + std::to_string(named) + " in an input of shape " + text(input));
        return std::nullopt;
    }
    return axis;
}

/// Each result is the word of the input at the same place, moved by `offsets` along the axes.
LayerPlan moved(const Shape& input, const Shape& output, const std::vector<std::int64_t>& offsets) {
    LayerPlan plan;
    plan.output = output;
    plan.space = elementwise_space(output, PointOperation::vector, kCopy);
    std::vector<Axis> read = shape_axes(output);
    for (std::size_t axis = 0; axis < input.size(); ++axis) {
        read[axis].offset = offsets[axis];
        read[axis].extent = input[axis];
    }
    plan.space.operands = {inputs_operand(std::move(read)), outputs_operand(shape_axes(output))};
    return plan;
}

struct SliceKeys {
    std::int64_t axis = 0;
    std::int64_t begin = 0;
    std::optional<std::int64_t> end;
};

std::optional<LayerPlan> plan_slice(const SliceKeys& keys, const PlanRequest& request) {
    const auto axis = known_axis(keys.axis, request);
    if (!axis) {
        return std::nullopt;
    }
    const Shape& input = request.inputs[0];
    const std::int64_t end = keys.end.value_or(input[*axis]);
    if (keys.begin < 0 || keys.begin >= end || end > input[*axis]) {
        return request.fault("[" + std::to_string(keys.begin) + ", " + std::to_string(end) +
                             ") is no part of the " + std::to_string(input[*axis]) +
                             " along axis " + std::to_string(*axis) + " of " + text(input));
    }
    Shape output = input;
    output[*axis] = end - keys.begin;
    std::vector<std::int64_t> offsets(input.size(), 0);
    offsets[*axis] = keys.begin;
    return moved(input, output, offsets);
}

std::optional<LayerPlan> plan_transpose(const std::vector<std::int64_t>& order,
                                        const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    std::vector<std::int64_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    bool each_once = order.size() == input.size();
    for (std::size_t axis = 0; each_once && axis < sorted.size(); ++axis) {
        each_once = sorted[axis] == static_cast<std::int64_t>(axis);
    }
    if (!each_once) {
        return request.fault("'order' has to name each of the " + std::to_string(input.size()) +
                             " axes of " + text(input) + " once, found " + text(order));
    }
    LayerPlan plan;
    for (const std::int64_t from : order) {
        plan.output.push_back(input[static_cast<std::size_t>(from)]);
    }
    plan.space = elementwise_space(plan.output, PointOperation::vector, kCopy);
    const std::vector<Axis> made = shape_axes(plan.output);
    std::vector<Axis> read(made.size());
    for (std::size_t axis = 0; axis < made.size(); ++axis) {
        read[static_cast<std::size_t>(order[axis])] = made[axis];
    }
    plan.space.operands = {inputs_operand(std::move(read)), outputs_operand(made)};
    return plan;
}

std::optional<LayerPlan> plan_pad(const Sizes& padding, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (padding.size() != 2 * input.size()) {
        return request.fault("'padding' has to have a begin for each axis of " + text(input) +
                             " and then an end for each, found " + text(padding));
    }
    Shape output = input;
    std::vector<std::int64_t> offsets;
    for (std::size_t axis = 0; axis < input.size(); ++axis) {
        output[axis] += padding[axis] + padding[input.size() + axis];
        offsets.push_back(-padding[axis]);
    }
    return moved(input, output, offsets);
}

struct ResizeKeys {
    Sizes scale;  ///< whole factors; empty where the size is given
    Sizes size;
    std::int64_t taps = 1;  ///< neighbours that a result is made of, along each axis
};

/// The sizes of the result behind the channels, or a fault.
std::optional<Sizes> resized(const ResizeKeys& keys, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    const Sizes& given = keys.scale.empty() ? keys.size : keys.scale;
    if (input.size() < 2 || (given.size() != 1 && given.size() != input.size() - 1)) {
        request.fault("resize needs one number or one for each axis after the channels of " +
                      text(input));
        return std::nullopt;
    }
    Sizes sizes;
    for (std::size_t axis = 1; axis < input.size(); ++axis) {
        const std::int64_t number = given[given.size() == 1 ? 0 : axis - 1];
        sizes.push_back(keys.scale.empty() ? number : number * input[axis]);
    }
    return sizes;
}

// MODEL: `nearest` copies an input to each result, (bi)linear and (bi)cubic read two and four
// neighbours along each axis, with a multiplication and an addition each. An input becomes
// floor(size / image) results at a time where there are more results, or every floor(image /
// size)th is read where there are fewer. Where the centres of the pixels lie, and a ratio that is
// no whole number, shift which neighbours those are, not how many.
std::optional<LayerPlan> plan_resize(const ResizeKeys& keys, const PlanRequest& request) {
    const auto sizes = resized(keys, request);
    const auto axes = sizes ? axes_under(request, WindowKeys{}) : std::nullopt;
    if (!axes) {
        return std::nullopt;
    }
    LayerPlan plan;
    IterationSpace& space = plan.space;
    const std::int64_t channels = request.inputs[0][0];
    const bool blends = keys.taps > 1;
    space.operation = blends ? PointOperation::add : PointOperation::vector;
    space.vector_operations_per_point = blends ? kMultiplyAndAdd : kCopy;
    space.extents[index(Dim::K)] = channels;
    plan.output = {channels};
    std::vector<Axis> read = {plain_axis(Dim::K, channels)};
    std::vector<Axis> made = read;
    for (std::size_t a = 0; a < axes->size(); ++a) {
        const SlidingAxis& axis = (*axes)[a];
        const std::int64_t size = (*sizes)[a];
        const std::int64_t times = std::max<std::int64_t>(1, size / axis.image);
        std::int64_t stride = std::max<std::int64_t>(1, axis.image / size);
        if (blends && size < axis.image && stride == 1) {
            stride = 2;  // all inputs are read, by neighbours that overlap
        }
        space.extents[index(axis.output)] = ceil_divide(size, times);
        space.extents[index(axis.phase)] = times;
        space.extents[index(axis.inner)] = keys.taps;
        plan.output.push_back(size);
        made.push_back({{{axis.output, times}, {axis.phase, 1}}, 0, size});
        read.push_back(blends ? window_axis(axis.output, stride, axis.inner, 1, (keys.taps - 1) / 2,
                                            axis.image)
                              : Axis{{{axis.output, stride}}, 0, axis.image});
    }
    space.operands = {inputs_operand(std::move(read)), outputs_operand(std::move(made))};
    return plan;
}

std::optional<LayerPlan> plan_expand(const Shape& to, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    bool meets = input.size() == to.size();
    for (std::size_t axis = 0; meets && axis < to.size(); ++axis) {
        meets = input[axis] == to[axis] || input[axis] == 1;
    }
    if (!meets) {
        return request.fault("axes of size 1 can be repeated, and no others: found " + text(input) +
                             " and a shape of " + text(to));
    }
    LayerPlan plan;
    plan.output = to;
    plan.space = elementwise_space(to, PointOperation::vector, 1);
    std::vector<Axis> read = shape_axes(input);
    for (std::size_t axis = 0; axis < to.size(); ++axis) {
        if (input[axis] != to[axis]) {
            read[axis] = single_axis();
        }
    }
    plan.space.operands = {inputs_operand(std::move(read)), outputs_operand(shape_axes(to))};
    return plan;
}

}  // namespace

Planner slice_planner(std::int64_t axis, std::int64_t begin, std::int64_t end) {
    const SliceKeys keys = {axis, begin, end};
    return [keys](const PlanRequest& request) { return plan_slice(keys, request); };
}

Planner read_slice(MapReader& reader) {
    SliceKeys keys;
    keys.axis = reader.optional<std::int64_t>("axis", 0);
    keys.begin = reader.optional<std::int64_t>("begin", 0);
    keys.end = reader.optional<std::int64_t>("end");
    return [keys](const PlanRequest& request) { return plan_slice(keys, request); };
}

Planner read_transpose(MapReader& reader) {
    const std::vector<std::int64_t> order = required_axes(reader, "order");
    return [order](const PlanRequest& request) { return plan_transpose(order, request); };
}

Planner read_pad(MapReader& reader) {
    reader.required_value("padding");
    const Sizes padding = optional_paddings(reader, "padding");
    return [padding](const PlanRequest& request) { return plan_pad(padding, request); };
}

Planner read_resize(MapReader& reader) {
    ResizeKeys keys;
    keys.scale = optional_sizes(reader, "scale", {});
    keys.size = optional_sizes(reader, "size", {});
    if (reader.has("scale") == reader.has("size")) {
        reader.error(reader.has("size") ? "size" : "op",
                     "expected either 'scale' or 'size' in " + reader.what());
    }
    constexpr std::array<std::int64_t, 3> kTaps = {1, 2, 4};
    keys.taps =
        kTaps.at(reader.optional_choice("mode", {"nearest", "bilinear", "bicubic"}).value_or(0));
    return [keys](const PlanRequest& request) { return plan_resize(keys, request); };
}

Planner read_expand(MapReader& reader) {
    const YamlValue& value = reader.required_value("shape");
    const auto to =
        value.is_null() ? std::nullopt : read_shape(value, reader.what(), reader.faults());
    return [to](const PlanRequest& request) -> std::optional<LayerPlan> {
        return to ? plan_expand(*to, request) : std::nullopt;
    };
}

}  // namespace memwall::ops
