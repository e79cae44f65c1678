// SPDX-License-Identifier: Apache-2.0
// conv: convolution over one, two or three axes with groups, stride, padding and dilation.
// conv_transpose: its transpose, which spreads each input over a window of outputs.
#include "workloads/ops/families.hpp"
#include "workloads/ops/sliding.hpp"

namespace memwall::ops {
namespace {

struct ConvKeys {
    std::int64_t out_channels = 1;
    std::int64_t groups = 1;
    bool bias = true;
    WindowKeys window;
    Sizes output_padding = {0};
};

ConvKeys read_keys(MapReader& reader) {
    ConvKeys keys;
    keys.out_channels = reader.required_positive<std::int64_t>("out_channels");
    keys.window = read_window(reader);
    keys.groups = reader.optional_positive<std::int64_t>("groups", 1);
    keys.bias = reader.optional<bool>("bias", true);
    return keys;
}

bool groups_divide(const ConvKeys& keys, const PlanRequest& request) {
    const std::int64_t channels = request.inputs[0][0];
    if (channels % keys.groups == 0 && keys.out_channels % keys.groups == 0) {
        return true;
    }
    request.fault(std::to_string(keys.groups) + " groups do not divide " +
                  std::to_string(channels) + " input and " + std::to_string(keys.out_channels) +
                  " output channels");
    return false;
}

/// Sets G, K and C, and what follows from the channels alone.
LayerPlan plan_channels(const ConvKeys& keys, std::int64_t channels) {
    LayerPlan plan;
    plan.space.extents[index(Dim::G)] = keys.groups;
    plan.space.extents[index(Dim::K)] = keys.out_channels / keys.groups;
    plan.space.extents[index(Dim::C)] = channels / keys.groups;
    plan.weights = {keys.out_channels, channels / keys.groups};
    plan.other_parameters = keys.bias ? keys.out_channels : 0;
    return plan;
}

Axis channel_axis(const IterationSpace& space, Dim dim) {
    const std::int64_t of_one = space.extent(dim);
    return {{{Dim::G, of_one}, {dim, 1}}, 0, of_one * space.extent(Dim::G)};
}

std::optional<LayerPlan> plan_conv(const ConvKeys& keys, const PlanRequest& request) {
    const auto axes = slide(request, keys.window);
    if (!axes || !groups_divide(keys, request)) {
        return std::nullopt;
    }
    LayerPlan plan = plan_channels(keys, request.inputs[0][0]);
    IterationSpace& space = plan.space;
    set_extents(*axes, space);
    plan.output = shape_of(keys.out_channels, *axes);
    std::vector<Axis> kernel = {channel_axis(space, Dim::K),
                                plain_axis(Dim::C, space.extent(Dim::C))};
    for (const SlidingAxis& axis : *axes) {
        plan.weights.push_back(axis.kernel);
        kernel.push_back(plain_axis(axis.inner, axis.kernel));
    }
    space.operands = {inputs_operand(input_axes(channel_axis(space, Dim::C), *axes)),
                      weights_operand(std::move(kernel)),
                      outputs_operand(output_axes(channel_axis(space, Dim::K), *axes))};
    return plan;
}

/// One axis of a transposed convolution. Output o and input i meet at kernel element r where
/// o + before = stride i + dilation r.
struct TransposedAxis {
    std::int64_t output = 1;  ///< its extent
    Axis made, read, kernel;
    std::int64_t steps = 1;  ///< of the output dimension, each of `stride` outputs
    std::int64_t taps = 1;   ///< of the inner dimension
};

// MODEL: a transposed convolution goes over its outputs, `stride` phases at each step: phase u of
// step p is output stride p + u - before, which reads inputs p - r at kernel elements stride r + u
// (Dumoulin and Visin 2016, section 4). No zeros are put between the inputs; what falls outside the
// kernel or the result is no multiplication, but takes its turn in the array.
TransposedAxis transpose(const SlidingAxis& axis, std::int64_t extra) {
    TransposedAxis result;
    const std::int64_t stride = axis.stride;
    result.output = (axis.image - 1) * stride + axis.window() - axis.before - axis.after + extra;
    const std::int64_t skipped = axis.before / stride;  // whole steps before the first output
    result.steps = (result.output - 1 + axis.before) / stride - skipped + 1;
    result.taps = ceil_divide(axis.kernel, stride);
    result.made = {
        {{axis.output, stride}, {axis.phase, 1}}, skipped * stride - axis.before, result.output};
    const std::int64_t dilation = axis.kernel == 1 ? 1 : axis.dilation;
    result.read = {{{axis.output, 1}, {axis.inner, -dilation}}, skipped, axis.image};
    result.kernel = {{{axis.inner, stride}, {axis.phase, 1}}, 0, axis.kernel};
    return result;
}

std::optional<LayerPlan> plan_transposed(const ConvKeys& keys, const PlanRequest& request) {
    if (keys.window.padding.same != Padding::Same::no) {
        return request.fault("conv_transpose needs its padding in numbers");
    }
    const auto axes = axes_under(request, keys.window);
    if (!axes || !groups_divide(keys, request)) {
        return std::nullopt;
    }
    const Sizes& extra = keys.output_padding;
    if (extra.size() != 1 && extra.size() != axes->size()) {
        return request.fault("'output_padding' has " + std::to_string(extra.size()) +
                             " numbers for " + std::to_string(axes->size()) + " axes");
    }
    LayerPlan plan = plan_channels(keys, request.inputs[0][0]);
    IterationSpace& space = plan.space;
    plan.output = {keys.out_channels};
    std::vector<Axis> made = {channel_axis(space, Dim::K)};
    std::vector<Axis> read = {channel_axis(space, Dim::C)};
    std::vector<Axis> kernel = {channel_axis(space, Dim::K),
                                plain_axis(Dim::C, space.extent(Dim::C))};
    for (std::size_t a = 0; a < axes->size(); ++a) {
        const SlidingAxis& axis = (*axes)[a];
        const std::int64_t behind = extra[extra.size() == 1 ? 0 : a];
        if (axis.dilation > 1 && axis.stride > 1 && axis.kernel > 1) {
            return request.fault("conv_transpose has either a stride or a dilation, found stride " +
                                 std::to_string(axis.stride) + " and dilation " +
                                 std::to_string(axis.dilation));
        }
        if (behind >= std::max(axis.stride, axis.dilation)) {
            return request.fault("'output_padding' has to be less than the stride or the dilation");
        }
        const TransposedAxis of = transpose(axis, behind);
        if (of.output < 1) {
            return request.fault("the padding leaves nothing of the result");
        }
        plan.output.push_back(of.output);
        plan.weights.push_back(axis.kernel);
        space.extents[index(axis.output)] = of.steps;
        space.extents[index(axis.inner)] = of.taps;
        space.extents[index(axis.phase)] = axis.stride;
        made.push_back(of.made);
        read.push_back(of.read);
        kernel.push_back(of.kernel);
    }
    space.operands = {inputs_operand(std::move(read)), weights_operand(std::move(kernel)),
                      outputs_operand(std::move(made))};
    return plan;
}

}  // namespace

Planner read_conv(MapReader& reader) {
    const ConvKeys keys = read_keys(reader);
    return [keys](const PlanRequest& request) { return plan_conv(keys, request); };
}

Planner read_conv_transpose(MapReader& reader) {
    ConvKeys keys = read_keys(reader);
    keys.output_padding = optional_paddings(reader, "output_padding");
    return [keys](const PlanRequest& request) { return plan_transposed(keys, request); };
}

}  // namespace memwall::ops
