// SPDX-License-Identifier: Apache-2.0
// Convolutions and pools.
#include <algorithm>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 31U;

/// A window over the axes behind batch and channels.
struct Window {
    Dims kernel, stride, dilation, begins, ends;

    [[nodiscard]] std::int64_t reach(std::size_t axis) const {
        return dilation[axis] * (kernel[axis] - 1) + 1;
    }
    [[nodiscard]] Dims padding() const {
        Dims all = begins;
        all.insert(all.end(), ends.begin(), ends.end());
        return all;
    }
};

void check_sizes(const Dims& sizes, std::size_t count, std::int64_t least, const char* what) {
    const bool sound =
        sizes.size() == count && std::all_of(sizes.begin(), sizes.end(), [&](std::int64_t size) {
            return size >= least && size < kLargest;
        });
    if (!sound) {
        throw Contradiction{std::string(what) + " " + text_of(sizes) + " are not " +
                            std::to_string(count) + " numbers from " + std::to_string(least)};
    }
}

/// An image [N, C, ...] of one to three axes, the batch in front.
Dims image_of(const Value& input, std::int64_t batch) {
    if (input.rank() < 3 || input.rank() > 5 || input.dims[0] != batch) {
        throw NotExpressible{"needs an image of one to three axes for each of " +
                             std::to_string(batch) + " items, found " + text_of(input.dims)};
    }
    return {input.dims.begin() + 2, input.dims.end()};
}

/// Refuses a window that has several places along the axis of the batch.
void keep_apart(NodeReader& node, const Value& input, const Dims& kernel) {
    for (std::size_t axis = 0; axis < kernel.size() && axis + 2 < input.rank(); ++axis) {
        if (kernel[axis] > 1) {
            node.graph().keep_apart(input, axis + 2);
        }
    }
}

Window read_window(const NodeReader& node, const Dims& image, const Dims& kernel) {
    const std::size_t axes = image.size();
    Window window;
    window.kernel = kernel;
    if (const Dims stated = node.integers("kernel_shape", kernel); stated != kernel) {
        throw Contradiction{"kernel_shape " + text_of(stated) + ", but weights of " +
                            text_of(kernel)};
    }
    window.stride = node.integers("strides", Dims(axes, 1));
    window.dilation = node.integers("dilations", Dims(axes, 1));
    check_sizes(window.kernel, axes, 1, "kernel sizes");
    check_sizes(window.stride, axes, 1, "strides");
    check_sizes(window.dilation, axes, 1, "dilations");
    const Dims pads = node.integers("pads", Dims(2 * axes, 0));
    check_sizes(pads, 2 * axes, 0, "pads");
    const auto half = static_cast<std::ptrdiff_t>(axes);
    window.begins.assign(pads.begin(), pads.begin() + half);
    window.ends.assign(pads.begin() + half, pads.end());
    return window;
}

/// The padding that auto_pad stands for.
void pad_automatically(const NodeReader& node, const Dims& image, Window& window) {
    const std::string how = node.word("auto_pad", "NOTSET");
    if (how.empty() || how == "NOTSET") {
        return;
    }
    if (how != "SAME_UPPER" && how != "SAME_LOWER" && how != "VALID") {
        throw Contradiction{"auto_pad '" + how + "'"};
    }
    for (std::size_t axis = 0; axis < image.size(); ++axis) {
        const std::int64_t stride = window.stride[axis];
        const std::int64_t positions = (image[axis] + stride - 1) / stride;
        const std::int64_t total =
            how == "VALID" ? 0
                           : std::max<std::int64_t>(
                                 0, (positions - 1) * stride + window.reach(axis) - image[axis]);
        const std::int64_t less = total / 2;
        window.begins[axis] = how == "SAME_UPPER" ? less : total - less;
        window.ends[axis] = total - window.begins[axis];
    }
}

std::int64_t positions(const Window& window, const Dims& image, std::size_t axis) {
    const std::int64_t room =
        image[axis] + window.begins[axis] + window.ends[axis] - window.reach(axis);
    if (room < 0) {
        throw Contradiction{"its window is larger than the padded image"};
    }
    return room / window.stride[axis] + 1;
}

/// With ceil_mode a last window that does not fit counts: padding at the end makes it fit.
void round_up(const Dims& image, Window& window) {
    for (std::size_t axis = 0; axis < image.size(); ++axis) {
        const std::int64_t stride = window.stride[axis];
        const std::int64_t room =
            image[axis] + window.begins[axis] + window.ends[axis] - window.reach(axis);
        if (room >= 0 && room % stride != 0) {
            window.ends[axis] += stride - room % stride;
        }
    }
}

void set_window(DraftLayer& layer, const Window& window) {
    layer.set_list("kernel", window.kernel);
    layer.set_list("stride", window.stride);
    layer.set_list("dilation", window.dilation);
    layer.set_list("padding", window.padding());
}

/// An initialiser that several convolutions read is their weights together.
void set_parameters(NodeReader& node, DraftLayer& layer, const Value& weights, std::size_t bias) {
    node.graph().share_weights(layer, weights.tensor, weights.dims, weights.precision);
    if (node.has(bias)) {
        node.graph().set_bias(layer, node.input(bias).tensor);
    } else {
        layer.set_flag("bias", false);
    }
}

struct ConvOperands {
    std::size_t weights = 1;
    std::size_t bias = 2;
};

Value add_conv(NodeReader& node, const ConvOperands& operands) {
    const Value& input = node.activation(0);
    const Value& weights = node.constant(operands.weights);
    if (weights.rank() > 2) {
        keep_apart(node, input, {weights.dims.begin() + 2, weights.dims.end()});
    }
    const Dims image = image_of(input, node.graph().batch());
    if (weights.rank() != input.rank()) {
        throw Contradiction{"weights of shape " + text_of(weights.dims) + " for an image " +
                            text_of(input.dims)};
    }
    words_of(weights.dims);
    Window window = read_window(node, image, {weights.dims.begin() + 2, weights.dims.end()});
    pad_automatically(node, image, window);
    const std::int64_t groups = node.integer("group", 1);
    if (groups < 1 || weights.dims[1] > kLargest / groups ||
        weights.dims[1] * groups != input.dims[1]) {
        throw Contradiction{"weights of shape " + text_of(weights.dims) + " and " +
                            std::to_string(groups) + " groups for an image " + text_of(input.dims)};
    }
    DraftLayer layer = node.start("conv");
    layer.inputs = {node.graph().read(input, node.graph().item(input.dims).shape)};
    layer.set("out_channels", weights.dims[0]);
    set_window(layer, window);
    layer.set("groups", groups);
    set_parameters(node, layer, weights, operands.bias);
    Dims dims = {input.dims[0], weights.dims[0]};
    for (std::size_t axis = 0; axis < image.size(); ++axis) {
        dims.push_back(positions(window, image, axis));
    }
    return node.finish(std::move(layer), dims, input.precision, weights.precision);
}

/// What a transposed convolution makes along an axis before anything is cut off or added.
std::int64_t spread_over(const Window& window, const Dims& image, std::size_t axis) {
    return window.stride[axis] * (image[axis] - 1) + window.reach(axis);
}

/// The padding that the size of the result stands for where output_shape or auto_pad says it; what
/// is larger than all that is made gets zeros behind.
void pad_to_size(const NodeReader& node, const Dims& image, Window& window, Dims& extra) {
    const std::string how = node.word("auto_pad", "NOTSET");
    const bool same = how == "SAME_UPPER" || how == "SAME_LOWER";
    if (!same && how != "NOTSET" && how != "VALID" && !how.empty()) {
        throw Contradiction{"auto_pad '" + how + "'"};
    }
    if (how == "VALID") {
        window.begins.assign(image.size(), 0);
        window.ends.assign(image.size(), 0);
    }
    Dims wanted = node.integers("output_shape", {});
    if (wanted.size() == image.size() + 2) {
        wanted.erase(wanted.begin(), wanted.begin() + 2);  // some exporters state all axes
    }
    if (wanted.empty() && !same) {
        return;
    }
    for (std::size_t axis = 0; wanted.size() < image.size(); ++axis) {
        wanted.push_back(image[axis] * window.stride[axis]);
    }
    check_sizes(wanted, image.size(), 1, "sizes of output_shape");
    for (std::size_t axis = 0; axis < image.size(); ++axis) {
        const std::int64_t total = spread_over(window, image, axis) + extra[axis] - wanted[axis];
        const std::int64_t cut = std::max<std::int64_t>(0, total);
        extra[axis] += std::max<std::int64_t>(0, -total);
        window.begins[axis] = how == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
        window.ends[axis] = cut - window.begins[axis];
    }
}

Value add_pool(NodeReader& node, const Value& input, const char* op) {
    keep_apart(node, input, node.integers("kernel_shape", {}));
    const Dims image = image_of(input, node.graph().batch());
    Window window = read_window(node, image, node.integers("kernel_shape", {}));
    pad_automatically(node, image, window);
    if (node.integer("ceil_mode", 0) != 0) {
        round_up(image, window);
    }
    if (node.node().outputs.size() > 1 && node.graph().uses(node.node().outputs[1]) > 0) {
        throw NotExpressible{"its second output, the places of the maxima, is read"};
    }
    DraftLayer layer = node.start(op);
    layer.inputs = {node.graph().read(input, node.graph().item(input.dims).shape)};
    set_window(layer, window);
    Dims dims = {input.dims[0], input.dims[1]};
    for (std::size_t axis = 0; axis < image.size(); ++axis) {
        dims.push_back(positions(window, image, axis));
    }
    return node.finish(std::move(layer), dims, input.precision);
}

Value add_global_pool(NodeReader& node, const Value& input, const char* kind) {
    node.graph().keep_apart_from(input, 2);
    image_of(input, node.graph().batch());
    DraftLayer layer = node.start("global_pool");
    layer.inputs = {node.graph().read(input, node.graph().item(input.dims).shape)};
    layer.set_text("kind", kind);
    Dims dims(input.rank(), 1);
    dims[0] = input.dims[0];
    dims[1] = input.dims[1];
    return node.finish(std::move(layer), dims, input.precision);
}

}  // namespace

void read_conv(NodeReader& node) {
    add_conv(node, {});
}

// With a sum and an activation function behind it.
void read_fused_conv(NodeReader& node) {
    Value made = add_conv(node, {});
    if (node.has(3)) {
        const Value& more = node.activation(3);
        if (more.dims != made.dims) {
            throw Contradiction{"shapes do not meet: " + text_of(made.dims) + " and " +
                                text_of(more.dims)};
        }
        DraftLayer sum = node.start("add", "_sum");
        sum.inputs = {made.source, node.graph().read(more, made.source_shape)};
        made = node.finish(std::move(sum), Dims(made.dims), made.precision);
    }
    if (node.has_attribute("activation")) {
        add_activation(node, made, node.word("activation", ""));
    }
}

void read_conv_integer(NodeReader& node) {
    add_conv(node, {1, SIZE_MAX});
}

void read_qlinear_conv(NodeReader& node) {
    add_conv(node, {3, 8});
}

void read_conv_transpose(NodeReader& node) {
    const Value& input = node.activation(0);
    const Value& weights = node.constant(1);
    if (weights.rank() > 2) {
        keep_apart(node, input, {weights.dims.begin() + 2, weights.dims.end()});
    }
    const Dims image = image_of(input, node.graph().batch());
    if (weights.rank() != input.rank() || weights.dims[0] != input.dims[1]) {
        throw Contradiction{"weights of shape " + text_of(weights.dims) + " for an image " +
                            text_of(input.dims)};
    }
    words_of(weights.dims);
    const std::size_t axes = image.size();
    Window window = read_window(node, image, {weights.dims.begin() + 2, weights.dims.end()});
    Dims extra = node.integers("output_padding", Dims(axes, 0));
    check_sizes(extra, axes, 0, "output paddings");
    const std::int64_t groups = node.integer("group", 1);
    if (groups < 1 || groups >= kLargest || weights.dims[1] >= kLargest) {
        throw Contradiction{std::to_string(groups) + " groups"};
    }
    pad_to_size(node, image, window, extra);
    DraftLayer layer = node.start("conv_transpose");
    layer.inputs = {node.graph().read(input, node.graph().item(input.dims).shape)};
    layer.set("out_channels", weights.dims[1] * groups);
    set_window(layer, window);
    layer.set_list("output_padding", extra);
    layer.set("groups", groups);
    set_parameters(node, layer, weights, 2);
    Dims dims = {input.dims[0], weights.dims[1] * groups};
    for (std::size_t axis = 0; axis < axes; ++axis) {
        dims.push_back(spread_over(window, image, axis) + extra[axis] - window.begins[axis] -
                       window.ends[axis]);
    }
    node.finish(std::move(layer), dims, input.precision, weights.precision);
}

void read_max_pool(NodeReader& node) {
    add_pool(node, Value(node.activation(0)), "max_pool");
}

void read_average_pool(NodeReader& node) {
    add_pool(node, Value(node.activation(0)), "average_pool");
}

void read_global_average_pool(NodeReader& node) {
    add_global_pool(node, Value(node.activation(0)), "average");
}

void read_global_max_pool(NodeReader& node) {
    add_global_pool(node, Value(node.activation(0)), "max");
}

// The p-th root of a sum of p-th powers, p 1 or 2.
void read_norm_pool(NodeReader& node) {
    const std::int64_t power = node.integer("p", 2);
    if (power != 1 && power != 2) {
        throw NotExpressible{"powers of " + std::to_string(power)};
    }
    const Value value = node.activation(0);
    const Value each = power == 1 ? add_function(node, value, "abs", "_each")
                                  : add_product_of(node, value, value, "_each");
    const Value sum = node.node().op == "LpPool" ? add_pool(node, each, "average_pool")
                                                 : add_global_pool(node, each, "average");
    if (power == 2) {
        add_function(node, sum, "sqrt", "_root");
    }
}

}  // namespace memwall::importers::onnx
