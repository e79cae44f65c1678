// SPDX-License-Identifier: Apache-2.0
// conv: two-dimensional convolution with groups, stride, padding and dilation.
#include "workloads/ops/build.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

struct ConvKeys {
    std::int64_t out_channels = 1;
    std::int64_t groups = 1;
    bool bias = true;
    WindowKeys window;
};

std::optional<LayerPlan> plan_conv(const ConvKeys& keys, const PlanRequest& request) {
    const Shape& image = request.inputs[0];
    if (image.size() != 3) {
        return request.fault("conv needs an input of shape [channels, rows, columns], found " +
                             text(image));
    }
    if (image[0] % keys.groups != 0 || keys.out_channels % keys.groups != 0) {
        return request.fault(std::to_string(keys.groups) + " groups do not divide " +
                             std::to_string(image[0]) + " input and " +
                             std::to_string(keys.out_channels) + " output channels");
    }
    LayerPlan plan;
    IterationSpace& space = plan.space;
    if (!slide_window(request, keys.window, image, space)) {
        return std::nullopt;
    }
    const std::int64_t outputs = keys.out_channels / keys.groups;
    const std::int64_t inputs = image[0] / keys.groups;
    space.extents[index(Dim::G)] = keys.groups;
    space.extents[index(Dim::K)] = outputs;
    space.extents[index(Dim::C)] = inputs;
    plan.output = {keys.out_channels, space.extent(Dim::P), space.extent(Dim::Q)};
    plan.weights = {keys.out_channels, inputs, space.extent(Dim::R), space.extent(Dim::S)};
    plan.other_parameters = keys.bias ? keys.out_channels : 0;

    const auto of_groups = [](Dim dim, std::int64_t of_one, std::int64_t channels) {
        return Axis{{{Dim::G, of_one}, {dim, 1}}, 0, channels};
    };
    space.operands.push_back(
        inputs_operand({of_groups(Dim::C, inputs, image[0]), row_axis(keys.window, image),
                        column_axis(keys.window, image)}));
    space.operands.push_back(weights_operand(
        {of_groups(Dim::K, outputs, keys.out_channels), plain_axis(Dim::C, inputs),
         plain_axis(Dim::R, plan.weights[2]), plain_axis(Dim::S, plan.weights[3])}));
    space.operands.push_back(
        outputs_operand({of_groups(Dim::K, outputs, keys.out_channels),
                         plain_axis(Dim::P, plan.output[1]), plain_axis(Dim::Q, plan.output[2])}));
    return plan;
}

}  // namespace

Planner read_conv(MapReader& reader) {
    ConvKeys keys;
    keys.out_channels = reader.required_positive<std::int64_t>("out_channels");
    keys.window.kernel = required_sizes(reader, "kernel");
    keys.window.stride = optional_sizes(reader, "stride", {1, 1});
    keys.window.dilation = optional_sizes(reader, "dilation", {1, 1});
    keys.window.padding = optional_padding(reader);
    keys.groups = reader.optional_positive<std::int64_t>("groups", 1);
    keys.bias = reader.optional<bool>("bias", true);
    return [keys](const PlanRequest& request) { return plan_conv(keys, request); };
}

}  // namespace memwall::ops
