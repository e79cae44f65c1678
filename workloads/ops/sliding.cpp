// SPDX-License-Identifier: Apache-2.0
#include "workloads/ops/sliding.hpp"

#include <algorithm>
#include <array>

#include "base/quantity.hpp"

namespace memwall::ops {
namespace {

/// The dimensions of the last axes of an image, outermost first.
struct AxisDims {
    Dim output;
    Dim inner;
    Dim phase;
};

std::vector<AxisDims> dims_of(std::size_t axes) {
    const AxisDims depth = {Dim::D, Dim::T, Dim::W};
    const AxisDims rows = {Dim::P, Dim::R, Dim::U};
    const AxisDims columns = {Dim::Q, Dim::S, Dim::V};
    return axes == 1   ? std::vector<AxisDims>{rows}
           : axes == 2 ? std::vector<AxisDims>{rows, columns}
                       : std::vector<AxisDims>{depth, rows, columns};
}

/// Of a list for `axes` axes, the number of one of them.
std::int64_t at(const Sizes& sizes, std::size_t axis) {
    return sizes.size() == 1 ? sizes[0] : sizes[axis];
}

bool fits_axes(const PlanRequest& request, const char* key, const Sizes& sizes,
               const SourceMark& at, std::size_t axes) {
    if (sizes.size() == 1 || sizes.size() == axes) {
        return true;
    }
    request.faults.error(at, "layer '" + request.layer + "': '" + key + "' has " +
                                 std::to_string(sizes.size()) + " numbers, but an input of shape " +
                                 text(request.inputs[0]) + " has " + std::to_string(axes) +
                                 (axes == 1 ? " axis" : " axes") + " for the window");
    return false;
}

bool set_padding(const PlanRequest& request, const WindowKeys& window,
                 std::vector<SlidingAxis>& axes) {
    const Padding& padding = window.padding;
    const std::size_t count = axes.size();
    if (padding.same != Padding::Same::no) {
        for (SlidingAxis& axis : axes) {
            const std::int64_t positions = ceil_divide(axis.image, axis.stride);
            const std::int64_t total = std::max<std::int64_t>(
                0, (positions - 1) * axis.stride + axis.window() - axis.image);
            axis.before = padding.same == Padding::Same::upper ? total / 2 : total - total / 2;
            axis.after = total - axis.before;
        }
        return true;
    }
    const bool both_ends = padding.sizes.size() == 2 * count;
    if (!both_ends && !fits_axes(request, "padding", padding.sizes, window.padding_at, count)) {
        return false;
    }
    for (std::size_t axis = 0; axis < count; ++axis) {
        axes[axis].before = both_ends ? padding.sizes[axis] : at(padding.sizes, axis);
        axes[axis].after = both_ends ? padding.sizes[count + axis] : at(padding.sizes, axis);
    }
    return true;
}

/// Positions of the window along one axis; 0 where it does not fit.
std::int64_t positions(const SlidingAxis& axis, bool ceil_mode) {
    const std::int64_t room = axis.image + axis.before + axis.after - axis.window();
    if (room < 0) {
        return 0;
    }
    if (!ceil_mode) {
        return room / axis.stride + 1;
    }
    const std::int64_t most = ceil_divide(room, axis.stride) + 1;
    // The last window has to begin inside the image or the padding before it.
    return (most - 1) * axis.stride >= axis.image + axis.before ? most - 1 : most;
}

}  // namespace

WindowKeys read_window(MapReader& keys) {
    WindowKeys window;
    window.kernel = required_sizes(keys, "kernel");
    window.stride = optional_sizes(keys, "stride", {1});
    window.dilation = optional_sizes(keys, "dilation", {1});
    window.padding = optional_padding(keys);
    const auto place = [&](const char* key) {
        return keys.has(key) ? keys.value(key)->mark() : keys.mark();
    };
    window.kernel_at = place("kernel");
    window.stride_at = place("stride");
    window.dilation_at = place("dilation");
    window.padding_at = place("padding");
    return window;
}

Axis SlidingAxis::input_axis() const {
    return window_axis(output, stride, inner, dilation, before, image);
}

std::optional<std::vector<SlidingAxis>> axes_under(const PlanRequest& request,
                                                   const WindowKeys& window) {
    const Shape& image = request.inputs[0];
    if (image.size() < 2 || image.size() > 4) {
        return request.fault(
            "a window needs an input of shape [channels, length], [channels, rows, columns] or "
            "[channels, depth, rows, columns], found " +
            text(image));
    }
    const std::size_t count = image.size() - 1;
    if (!fits_axes(request, "kernel", window.kernel, window.kernel_at, count) ||
        !fits_axes(request, "stride", window.stride, window.stride_at, count) ||
        !fits_axes(request, "dilation", window.dilation, window.dilation_at, count)) {
        return std::nullopt;
    }
    const std::vector<AxisDims> dims = dims_of(count);
    std::vector<SlidingAxis> axes(count);
    for (std::size_t axis = 0; axis < count; ++axis) {
        axes[axis].output = dims[axis].output;
        axes[axis].inner = dims[axis].inner;
        axes[axis].phase = dims[axis].phase;
        axes[axis].image = image[axis + 1];
        axes[axis].kernel = at(window.kernel, axis);
        axes[axis].stride = at(window.stride, axis);
        axes[axis].dilation = at(window.dilation, axis);
    }
    return set_padding(request, window, axes) ? std::optional(axes) : std::nullopt;
}

std::optional<std::vector<SlidingAxis>> slide(const PlanRequest& request,
                                              const WindowKeys& window) {
    auto axes = axes_under(request, window);
    if (!axes) {
        return std::nullopt;
    }
    Shape covered;
    Shape padded;
    bool fits = true;
    for (SlidingAxis& axis : *axes) {
        axis.positions = positions(axis, window.ceil_mode);
        fits = fits && axis.positions > 0;
        covered.push_back(axis.window());
        padded.push_back(axis.image + axis.before + axis.after);
    }
    if (!fits) {
        return request.fault("the window " + text(covered) + " is larger than the padded input " +
                             text(padded));
    }
    return axes;
}

void set_extents(const std::vector<SlidingAxis>& axes, IterationSpace& space) {
    for (const SlidingAxis& axis : axes) {
        space.extents[index(axis.output)] = axis.positions;
        space.extents[index(axis.inner)] = axis.kernel;
    }
}

Shape shape_of(std::int64_t channels, const std::vector<SlidingAxis>& axes) {
    Shape shape = {channels};
    for (const SlidingAxis& axis : axes) {
        shape.push_back(axis.positions);
    }
    return shape;
}

std::vector<Axis> output_axes(Axis channels, const std::vector<SlidingAxis>& axes) {
    std::vector<Axis> all = {std::move(channels)};
    for (const SlidingAxis& axis : axes) {
        all.push_back(plain_axis(axis.output, axis.positions));
    }
    return all;
}

std::vector<Axis> input_axes(Axis channels, const std::vector<SlidingAxis>& axes) {
    std::vector<Axis> all = {std::move(channels)};
    for (const SlidingAxis& axis : axes) {
        all.push_back(axis.input_axis());
    }
    return all;
}

}  // namespace memwall::ops
