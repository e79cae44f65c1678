// SPDX-License-Identifier: Apache-2.0
// Named dimensions, boxes of them, and the affine projections that say which words of a tensor a
// box touches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "base/error.hpp"

namespace memwall {

/// N batch; K output and C input channels (of one group); P, Q output and R, S kernel rows and
/// columns; G groups; H heads; D output and T kernel depth; t time step; U, V, W phases of output
/// rows, columns and depth where each step of P, Q, D makes several (transposed convolution,
/// up-sampling). Positions of a sequence are P.
enum class Dim : std::uint8_t { N, K, C, P, Q, R, S, G, H, D, T, t, U, V, W };

inline constexpr std::size_t kDimCount = 15;

const std::array<Dim, kDimCount>& all_dims();
const char* name(Dim dim);
constexpr std::size_t index(Dim dim) {
    return static_cast<std::size_t>(dim);
}

/// The size of every dimension; 1 for those that a layer does not use.
using Extents = std::array<std::int64_t, kDimCount>;

constexpr Extents unit_extents() {
    Extents extents{};
    for (std::int64_t& extent : extents) {
        extent = 1;
    }
    return extents;
}

/// [begin, end).
struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;

    [[nodiscard]] constexpr std::int64_t size() const { return end > begin ? end - begin : 0; }
    friend constexpr bool operator==(const Range&, const Range&) = default;
};

/// Both at once; empty where they do not meet.
Range intersection(Range a, Range b);

/// A part of an iteration space: a range of every dimension.
struct Box {
    std::array<Range, kDimCount> ranges{};

    [[nodiscard]] constexpr const Range& operator[](Dim dim) const { return ranges[index(dim)]; }
    [[nodiscard]] constexpr Range& operator[](Dim dim) { return ranges[index(dim)]; }
    [[nodiscard]] std::int64_t points() const;
    friend constexpr bool operator==(const Box&, const Box&) = default;
};

/// [0, extent) of every dimension.
Box whole_box(const Extents& extents);

struct AxisTerm {
    Dim dim = Dim::N;
    std::int64_t coefficient = 1;

    friend constexpr bool operator==(const AxisTerm&, const AxisTerm&) = default;
};

/// One axis of a tensor: index = offset + sum of coefficient * dim. An index outside [0, extent) is
/// padding: it has no word and makes no traffic.
struct Axis {
    std::vector<AxisTerm> terms;
    std::int64_t offset = 0;
    std::int64_t extent = 1;

    friend bool operator==(const Axis&, const Axis&) = default;
};

/// How an operand draws rows along its axis 0 by what the data says.
struct Gather {
    /// Points that draw one row run together and read it once (the experts of a mixture); else each
    /// draw reads its row (an embedding).
    bool grouped = false;
    std::int64_t together = 1;    ///< draws of one token, all different (the best k experts)
    std::vector<double> chances;  ///< of each row to be drawn by a token; empty: all the same

    friend bool operator==(const Gather&, const Gather&) = default;
};

/// From points of the iteration space to words of a tensor. The axes of an activation are N and
/// then those of its shape; those of a weight are its shape. A dimension occurs in at most one
/// axis, so axes multiply. A gather takes the index along axis 0 from data; the terms of that axis
/// say which dimensions draw one each.
struct Projection {
    std::vector<Axis> axes;
    std::optional<Gather> gather = std::nullopt;

    friend bool operator==(const Projection&, const Projection&) = default;
};

/// A rectangular part of a tensor: a range of every axis. Lives on the stack.
class Region {
public:
    static constexpr std::size_t kMaxRank = 6;

    Region() = default;
    Region(std::initializer_list<Range> ranges);

    void push_back(Range range);
    [[nodiscard]] std::size_t size() const { return rank_; }
    [[nodiscard]] bool empty() const { return rank_ == 0; }
    [[nodiscard]] const Range& operator[](std::size_t axis) const { return ranges_[axis]; }
    [[nodiscard]] Range& operator[](std::size_t axis) { return ranges_[axis]; }
    [[nodiscard]] const Range* begin() const { return ranges_.data(); }
    [[nodiscard]] const Range* end() const { return ranges_.data() + rank_; }
    friend bool operator==(const Region&, const Region&) = default;

private:
    std::array<Range, kMaxRank> ranges_{};
    std::size_t rank_ = 0;
};

/// Both at once, axis by axis; the ranks must agree.
Region intersection(const Region& a, const Region& b);
/// The words of a region; 1 for rank 0, the region of a scalar.
std::int64_t words(const Region& region);

/// The bounding range of one axis over a box, clipped at the padding.
Range image(const Axis& axis, const Box& box);
/// The bounding box of what `box` touches, clipped at the padding. A gather may touch any row: axis
/// 0 is whole.
Region image(const Projection& projection, const Box& box);

/// Whether some index of the axis over a box is outside [0, extent).
bool leaves(const Axis& axis, const Box& box);
/// The axes of a projection that leave [0, extent) over a box; a gathered index never does.
std::vector<const Axis*> leaving_axes(const Projection& projection, const Box& box);
/// The points of a box whose indices along all of `axes` are inside [0, extent). Exact.
std::int64_t points_inside(std::vector<const Axis*> axes, const Box& box);

/// The distinct indices of one axis over a box, padding left out. Exact.
std::int64_t touched_indices(const Axis& axis, const Box& box);
/// The rows that `box` draws from axis 0 of a gather. Grouped: the expected number of different
/// ones, rounded, for independent tokens: the sum of 1 - (1 - chance)^tokens over all rows. Else
/// one a draw, at most all.
std::int64_t drawn_rows(const Projection& projection, const Box& box);
/// The distinct words that `box` touches, padding left out. Exact; for a gather those of the rows
/// drawn.
std::int64_t touched_words(const Projection& projection, const Box& box);

/// How often one word along the axis can be used in the box: min(ceil(r/a), ceil(p/b)) for a window
/// stride * p + dilation * r with a = stride / g, b = dilation / g, g = gcd(stride, dilation); 1
/// for a plain axis.
std::int64_t reuse_along(const Axis& axis, const Box& box);
/// The product over all axes: how often one word of the tensor can be used by the window alone.
std::int64_t window_reuse(const Projection& projection, const Box& box);

/// Whether moving along `dim` changes the words that are touched.
bool relevant(const Projection& projection, Dim dim);

/// Tiles of a window, without padding, in plain numbers for inner loops:
/// the bounding extent, stride (p - 1) + dilation (r - 1) + 1;
std::int64_t window_extent(std::int64_t p, std::int64_t stride, std::int64_t r,
                           std::int64_t dilation);
/// the distinct indices, p r - max(0, p - b) max(0, r - a);
std::int64_t window_words(std::int64_t p, std::int64_t stride, std::int64_t r,
                          std::int64_t dilation);
/// the most uses of one index, min(ceil(r / a), ceil(p / b)).
std::int64_t window_reuse(std::int64_t p, std::int64_t stride, std::int64_t r,
                          std::int64_t dilation);

}  // namespace memwall
