// SPDX-License-Identifier: Apache-2.0
// Windows that slide over one, two or three axes of [channels, ...]: their keys, and the axes that
// follow once the shape of the input is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "workloads/ops/build.hpp"
#include "workloads/ops/keys.hpp"
#include "workloads/ops/op.hpp"

namespace memwall::ops {

/// `kernel`, `stride`, `dilation`: one number for all axes, or one an axis.
struct WindowKeys {
    Sizes kernel = {1};
    Sizes stride = {1};
    Sizes dilation = {1};
    Padding padding;
    SourceMark kernel_at, stride_at, dilation_at, padding_at;  ///< where the keys are
    bool ceil_mode = false;  ///< a last window that begins inside counts though it ends outside
};

/// Reads `kernel`, `stride`, `dilation` and `padding`.
WindowKeys read_window(MapReader& keys);

/// One axis of the image under the window, with the dimensions that walk along it.
struct SlidingAxis {
    Dim output = Dim::P;
    Dim inner = Dim::R;
    Dim phase = Dim::U;      ///< of transposed windows
    std::int64_t image = 1;  ///< extent of the input
    std::int64_t kernel = 1;
    std::int64_t stride = 1;
    std::int64_t dilation = 1;
    std::int64_t before = 0;  ///< padding
    std::int64_t after = 0;
    std::int64_t positions = 1;  ///< of the window: the extent of the output

    [[nodiscard]] std::int64_t window() const { return window_extent(1, 1, kernel, dilation); }
    /// The input's axis: stride * output + dilation * inner - before.
    [[nodiscard]] Axis input_axis() const;
};

/// The axes of an image [channels, length], [channels, rows, columns] or [channels, depth, rows,
/// columns] under a window. Faults: another shape, keys for another number of axes.
std::optional<std::vector<SlidingAxis>> axes_under(const PlanRequest& request,
                                                   const WindowKeys& window);

/// The same with the positions of a window that goes over the padded image; a window that does not
/// fit is a fault.
std::optional<std::vector<SlidingAxis>> slide(const PlanRequest& request, const WindowKeys& window);

/// Sets the extents of the output and inner dimensions.
void set_extents(const std::vector<SlidingAxis>& axes, IterationSpace& space);
/// [channels, positions...].
Shape shape_of(std::int64_t channels, const std::vector<SlidingAxis>& axes);
/// The channels' axis, then the axes of an output or of an input.
std::vector<Axis> output_axes(Axis channels, const std::vector<SlidingAxis>& axes);
std::vector<Axis> input_axes(Axis channels, const std::vector<SlidingAxis>& axes);

}  // namespace memwall::ops
