// SPDX-License-Identifier: Apache-2.0
#include "workloads/projection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/quantity.hpp"
#include "workloads/window.hpp"

namespace memwall {

const std::array<Dim, kDimCount>& all_dims() {
    static constexpr std::array<Dim, kDimCount> kAll = {Dim::N, Dim::K, Dim::C, Dim::P, Dim::Q,
                                                        Dim::R, Dim::S, Dim::G, Dim::H, Dim::D,
                                                        Dim::T, Dim::t, Dim::U, Dim::V, Dim::W};
    return kAll;
}

const char* name(Dim dim) {
    static constexpr std::array<const char*, kDimCount> kNames = {
        "N", "K", "C", "P", "Q", "R", "S", "G", "H", "D", "T", "t", "U", "V", "W"};
    return kNames[index(dim)];
}

Range intersection(Range a, Range b) {
    const Range both{std::max(a.begin, b.begin), std::min(a.end, b.end)};
    return both.size() > 0 ? both : Range{both.begin, both.begin};
}

std::int64_t Box::points() const {
    std::int64_t points = 1;
    for (const Range& range : ranges) {
        points = checked_multiply(points, range.size());
    }
    return points;
}

Box whole_box(const Extents& extents) {
    Box box;
    for (const Dim dim : all_dims()) {
        box[dim] = {0, extents[index(dim)]};
    }
    return box;
}

Region::Region(std::initializer_list<Range> ranges) {
    for (const Range& range : ranges) {
        push_back(range);
    }
}

void Region::push_back(Range range) {
    ensure(rank_ < kMaxRank, "a tensor has at most six axes");
    ranges_[rank_++] = range;
}

Region intersection(const Region& a, const Region& b) {
    ensure(a.size() == b.size(), "regions of one tensor have the same rank");
    Region both;
    for (std::size_t axis = 0; axis < a.size(); ++axis) {
        both.push_back(intersection(a[axis], b[axis]));
    }
    return both;
}

std::int64_t words(const Region& region) {
    std::int64_t words = 1;
    for (const Range& range : region) {
        words = checked_multiply(words, range.size());
    }
    return words;
}

namespace {

/// The bounding range of an axis, padding included; empty for an empty box.
Range bounds(const Axis& axis, const Box& box) {
    std::int64_t first = axis.offset;
    std::int64_t last = axis.offset;
    for (const AxisTerm& term : axis.terms) {
        const Range& range = box[term.dim];
        if (range.size() == 0) {
            return {0, 0};
        }
        const std::int64_t at_begin = term.coefficient * range.begin;
        const std::int64_t at_end = term.coefficient * (range.end - 1);
        first += std::min(at_begin, at_end);
        last += std::max(at_begin, at_end);
    }
    return {first, last + 1};
}

bool moves(const Axis& axis, Dim dim) {
    return std::any_of(axis.terms.begin(), axis.terms.end(),
                       [&](const AxisTerm& term) { return term.dim == dim; });
}

/// The axes that share dimensions with the last of `axes`, directly or through others: taken out.
std::vector<const Axis*> take_linked(std::vector<const Axis*>& axes) {
    std::vector<const Axis*> linked = {axes.back()};
    axes.pop_back();
    for (std::size_t next = 0; next < linked.size() && !axes.empty(); ++next) {
        const auto apart = std::stable_partition(axes.begin(), axes.end(), [&](const Axis* axis) {
            return std::none_of(axis->terms.begin(), axis->terms.end(), [&](const AxisTerm& term) {
                return moves(*linked[next], term.dim);
            });
        });
        linked.insert(linked.end(), apart, axes.end());
        axes.erase(apart, axes.end());
    }
    return linked;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

std::int64_t coefficient_of(const Axis& axis, Dim dim) {
    std::int64_t sum = 0;
    for (const AxisTerm& term : axis.terms) {
        sum += term.dim == dim ? term.coefficient : 0;
    }
    return sum;
}

/// The values of `dim` in its range for which every axis, at index `at` for 0, is inside.
Range values_inside(const std::vector<const Axis*>& axes, const std::vector<std::int64_t>& at,
                    Dim dim, Range range) {
    for (std::size_t a = 0; a < axes.size(); ++a) {
        const std::int64_t step = coefficient_of(*axes[a], dim);
        const std::int64_t last = axes[a]->extent - 1 - at[a];
        if (step > 0) {
            range = intersection(range, {-floor_divide(at[a], step), floor_divide(last, step) + 1});
        } else if (step < 0) {
            range =
                intersection(range, {-floor_divide(last, -step), floor_divide(at[a], -step) + 1});
        } else if (at[a] < 0 || last < 0) {
            return {0, 0};
        }
    }
    return range;
}

/// Of all combinations of `dims` from number `d` on, those with every index inside; `at` has the
/// indices so far. The last dimension is counted, not gone through.
std::int64_t combinations_inside(const std::vector<const Axis*>& axes, const std::vector<Dim>& dims,
                                 std::size_t d, const std::vector<std::int64_t>& at,
                                 const Box& box) {
    const Range& range = box[dims[d]];
    if (d + 1 == dims.size()) {
        return values_inside(axes, at, dims[d], range).size();
    }
    std::int64_t inside = 0;
    for (std::int64_t i = range.begin; i < range.end; ++i) {
        std::vector<std::int64_t> here = at;
        for (std::size_t a = 0; a < axes.size(); ++a) {
            here[a] += coefficient_of(*axes[a], dims[d]) * i;
        }
        inside += combinations_inside(axes, dims, d + 1, here, box);
    }
    return inside;
}

}  // namespace

Range image(const Axis& axis, const Box& box) {
    return intersection(bounds(axis, box), {0, axis.extent});
}

bool leaves(const Axis& axis, const Box& box) {
    const Range range = bounds(axis, box);
    return range.size() > 0 && (range.begin < 0 || range.end > axis.extent);
}

std::vector<const Axis*> leaving_axes(const Projection& projection, const Box& box) {
    std::vector<const Axis*> leaving;
    for (std::size_t axis = projection.gather ? 1 : 0; axis < projection.axes.size(); ++axis) {
        if (leaves(projection.axes[axis], box)) {
            leaving.push_back(&projection.axes[axis]);
        }
    }
    return leaving;
}

std::int64_t points_inside(std::vector<const Axis*> axes, const Box& box) {
    std::int64_t points = 1;
    std::array<bool, kDimCount> counted{};
    while (!axes.empty()) {
        const std::vector<const Axis*> linked = take_linked(axes);
        std::vector<Dim> dims;
        std::vector<std::int64_t> at;
        for (const Axis* axis : linked) {
            at.push_back(axis->offset);
            for (const AxisTerm& term : axis->terms) {
                if (!counted[index(term.dim)]) {
                    counted[index(term.dim)] = true;
                    dims.push_back(term.dim);
                }
            }
        }
        if (dims.empty()) {
            continue;  // index 0 is inside
        }
        std::stable_sort(dims.begin(), dims.end(),
                         [&](Dim a, Dim b) { return box[a].size() < box[b].size(); });
        points = checked_multiply(points, combinations_inside(linked, dims, 0, at, box));
    }
    for (const Dim dim : all_dims()) {
        points = counted[index(dim)] ? points : checked_multiply(points, box[dim].size());
    }
    return points;
}

Region image(const Projection& projection, const Box& box) {
    Region region;
    for (std::size_t axis = 0; axis < projection.axes.size(); ++axis) {
        region.push_back(projection.gather && axis == 0 ? Range{0, projection.axes[axis].extent}
                                                        : image(projection.axes[axis], box));
    }
    return region;
}

std::int64_t touched_indices(const Axis& axis, const Box& box) {
    if (axis.terms.size() == 1 && axis.terms.front().coefficient == 1) {
        return image(axis, box).size();  // an index a value
    }
    return IndexSet(axis, box).distinct_within({0, axis.extent});
}

// MODEL: tokens choose their experts independently, each expert with its chance (all the same
// unless the file gives a distribution): of E experts, T tokens that take k each touch E (1 - (1 -
// k / E)^T) on average.
std::int64_t drawn_rows(const Projection& projection, const Box& box) {
    ensure(projection.gather.has_value(), "only a gather draws rows");
    const Gather& gather = *projection.gather;
    const Axis& axis = projection.axes.at(0);
    std::int64_t draws = 1;
    for (const AxisTerm& term : axis.terms) {
        draws = checked_multiply(draws, box[term.dim].size());
    }
    const std::int64_t most = std::min(draws, axis.extent);
    if (!gather.grouped || most == 0) {
        return most;
    }
    const double tokens = static_cast<double>(draws) / static_cast<double>(gather.together);
    const auto expected = [&](double chance) { return 1 - std::pow(1 - chance, tokens); };
    double rows = 0;
    if (gather.chances.empty()) {
        const auto all = static_cast<double>(axis.extent);
        rows = all * expected(static_cast<double>(gather.together) / all);
    }
    for (const double chance : gather.chances) {
        rows += expected(chance);
    }
    return std::clamp<std::int64_t>(std::llround(rows), 1, most);
}

std::int64_t touched_words(const Projection& projection, const Box& box) {
    for (const Range& range : box.ranges) {
        if (range.size() == 0) {
            return 0;
        }
    }
    std::int64_t words = 1;
    for (std::size_t axis = 0; axis < projection.axes.size(); ++axis) {
        words = checked_multiply(words, projection.gather && axis == 0
                                            ? drawn_rows(projection, box)
                                            : touched_indices(projection.axes[axis], box));
    }
    return words;
}

std::int64_t reuse_along(const Axis& axis, const Box& box) {
    return IndexSet(axis, box).most_uses();
}

std::int64_t window_reuse(const Projection& projection, const Box& box) {
    std::int64_t reuse = 1;
    for (std::size_t axis = projection.gather ? 1 : 0; axis < projection.axes.size(); ++axis) {
        reuse = checked_multiply(reuse, reuse_along(projection.axes[axis], box));
    }
    return reuse;
}

bool relevant(const Projection& projection, Dim dim) {
    return std::any_of(projection.axes.begin(), projection.axes.end(), [&](const Axis& axis) {
        return std::any_of(axis.terms.begin(), axis.terms.end(), [&](const AxisTerm& term) {
            return term.dim == dim && term.coefficient != 0;
        });
    });
}

std::int64_t window_extent(std::int64_t p, std::int64_t stride, std::int64_t r,
                           std::int64_t dilation) {
    return p == 0 || r == 0 ? 0 : stride * (p - 1) + dilation * (r - 1) + 1;
}

std::int64_t window_words(std::int64_t p, std::int64_t stride, std::int64_t r,
                          std::int64_t dilation) {
    const std::int64_t divisor = std::gcd(stride, dilation);
    const std::int64_t overlap_p = std::max<std::int64_t>(0, p - dilation / divisor);
    const std::int64_t overlap_r = std::max<std::int64_t>(0, r - stride / divisor);
    return p * r - overlap_p * overlap_r;
}

std::int64_t window_reuse(std::int64_t p, std::int64_t stride, std::int64_t r,
                          std::int64_t dilation) {
    const std::int64_t divisor = std::gcd(stride, dilation);
    return std::min(ceil_divide(r, stride / divisor), ceil_divide(p, dilation / divisor));
}

}  // namespace memwall
