// SPDX-License-Identifier: Apache-2.0
#include "arch/core_split.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "arch/split_search.hpp"
#include "base/error.hpp"

namespace memwall {

std::int64_t CoreSplit::cores() const {
    std::int64_t product = 1;
    for (const Dim dim : all_dims()) {
        product *= parts(dim);
    }
    return product;
}

std::int64_t CoreSplit::reduction_parts(const IterationSpace& space) const {
    std::int64_t product = 1;
    for (const Dim dim : all_dims()) {
        if (const std::int64_t pieces = parts(dim); pieces > 1 && space.is_reduction(dim)) {
            product *= pieces;
        }
    }
    return product;
}

Range CoreSplit::part(Dim dim, std::int64_t position) const {
    const std::int64_t size = tile[index(dim)];
    return {position * size, std::min((position + 1) * size, extents[index(dim)])};
}

std::vector<Box> CoreSplit::boxes(const Box& at) const {
    std::vector<Box> all = {at};
    for (const Dim dim : all_dims()) {
        std::vector<Box> finer;
        finer.reserve(all.size() * static_cast<std::size_t>(parts(dim)));
        for (const Box& box : all) {
            for (std::int64_t p = 0; p < parts(dim); ++p) {
                finer.push_back(box);
                const Range relative = part(dim, p);
                finer.back()[dim] = {at[dim].begin + relative.begin, at[dim].begin + relative.end};
            }
        }
        all = std::move(finer);
    }
    return all;
}

const ArrayShape* array_shape(const MacArrayConfig& array, const LayerPrecision& precision) {
    const ArrayShape* best = nullptr;
    for (const ArrayShape& shape : array.shapes) {
        const bool fits = holds(shape.precision, precision.weights) &&
                          holds(shape.precision, precision.activations);
        if (fits && (best == nullptr || bits(shape.precision) < bits(best->precision))) {
            best = &shape;
        }
    }
    return best;
}

std::int64_t reduction_turns(const MacArrayConfig& array, const ArrayShape& shape,
                             const Extents& part) {
    const std::int64_t window = part[index(Dim::R)] * part[index(Dim::S)] * part[index(Dim::T)];
    const std::int64_t channels = part[index(Dim::C)];
    return array.packs_window ? ceil_divide(channels * window, shape.inputs)
                              : ceil_divide(channels, shape.inputs) * window;
}

ArrayFactors array_factors(const MacArrayConfig& array, const ArrayShape& shape,
                           const Extents& part) {
    ArrayFactors factors;
    for (const Dim dim : {Dim::G, Dim::H, Dim::t, Dim::U, Dim::V, Dim::W}) {
        factors.groups *= part[index(dim)];
    }
    for (const Dim dim : {Dim::N, Dim::D, Dim::P, Dim::Q}) {
        factors.positions *= part[index(dim)];
    }
    factors.output_turns = ceil_divide(part[index(Dim::K)], shape.outputs);
    factors.reduction_turns = reduction_turns(array, shape, part);
    return factors;
}

std::int64_t array_cycles(const MacArrayConfig& array, const ArrayShape& shape,
                          const Extents& part) {
    const ArrayFactors factors = array_factors(array, shape, part);
    return factors.groups * factors.output_turns * factors.reduction_turns *
           std::max(factors.positions, array.weight_load.count());
}

std::int64_t vector_cycles(std::int64_t lanes, std::int64_t operations) {
    return ceil_divide(operations, lanes);
}

std::vector<Dim> dims_to_cut(const IterationSpace& space, const SplitRules& rules) {
    std::vector<Dim> dims;
    for (const Dim dim : {Dim::G, Dim::H, Dim::t, Dim::K, Dim::R, Dim::C, Dim::S, Dim::T, Dim::N,
                          Dim::D, Dim::P, Dim::Q}) {
        const bool window = dim == Dim::R || dim == Dim::S || dim == Dim::T;
        const bool sums = dim == Dim::C || (dim == Dim::R && space.is_plain_reduction(dim)) ||
                          (window && rules.split_window);
        const bool allowed =
            sums ? rules.split_reduction && space.is_reduction(dim) : !space.is_reduction(dim);
        if (allowed && !space.normalises(dim)) {
            dims.push_back(dim);
        }
    }
    return dims;
}

std::vector<CoreSplit> useful_splits(const IterationSpace& space, const Extents& extents,
                                     const SplitRules& rules) {
    std::vector<CoreSplit> found;
    const auto prunes = [](const Extents& /*tile*/, std::int64_t /*cores*/, DimSet /*dims*/) {
        return false;
    };
    const auto visit = [&](const CoreSplit& split) { found.push_back(split); };
    SplitSearch(extents, rules, dims_to_cut(space, rules), prunes, visit).run();
    return found;
}

namespace {

/// Indices of an axis that boxes touch. Boxes of equal size that leave nothing of the axis touch
/// equally many, wherever they lie: those are counted once.
class TouchedIndices {
public:
    explicit TouchedIndices(const Axis& axis) : axis_(axis) {}

    std::int64_t operator()(const Box& box) {
        if (leaves(axis_, box)) {
            return touched_indices(axis_, box);
        }
        if (!known_ || !same_size(box)) {
            last_ = box;
            known_ = touched_indices(axis_, box);
        }
        return *known_;
    }

private:
    [[nodiscard]] bool same_size(const Box& box) const {
        return std::all_of(axis_.terms.begin(), axis_.terms.end(), [&](const AxisTerm& term) {
            return box[term.dim].size() == last_[term.dim].size();
        });
    }

    const Axis& axis_;
    Box last_;
    std::optional<std::int64_t> known_;
};

/// The sum of `count(box)` over all combinations of the parts of an axis's dimensions, from term
/// `t` on; `box` is that of the parts before.
template <class Count>
std::int64_t sum_over_parts(const Axis& axis, std::size_t t, const CoreSplit& split, const Box& at,
                            Box& box, Count& count) {
    if (t == axis.terms.size()) {
        return count(box);
    }
    const Dim dim = axis.terms[t].dim;
    std::int64_t sum = 0;
    const std::int64_t parts = split.parts(dim);
    for (std::int64_t p = 0; p < parts; ++p) {
        const Range part = split.part(dim, p);
        box[dim] = {at[dim].begin + part.begin, at[dim].begin + part.end};
        sum += sum_over_parts(axis, t + 1, split, at, box, count);
    }
    box[dim] = at[dim];
    return sum;
}

}  // namespace

std::int64_t delivered_words(const Projection& projection, const CoreSplit& split, const Box& at) {
    std::int64_t product = 1;
    std::array<bool, kDimCount> in_axis{};
    for (std::size_t a = 0; a < projection.axes.size(); ++a) {
        const Axis& axis = projection.axes[a];
        for (const AxisTerm& term : axis.terms) {
            in_axis[index(term.dim)] = true;
        }
        Box box = at;
        if (projection.gather && a == 0) {
            const auto rows = [&](const Box& part) { return drawn_rows(projection, part); };
            product *= sum_over_parts(axis, 0, split, at, box, rows);
        } else if (axis.terms.size() == 1 && axis.terms.front().coefficient != 0) {
            product *= touched_indices(axis, at);  // its parts have none in common
        } else {
            TouchedIndices touched(axis);
            product *= sum_over_parts(axis, 0, split, at, box, touched);
        }
    }
    for (const Dim dim : all_dims()) {
        if (!in_axis[index(dim)]) {
            product *= split.parts(dim);
        }
    }
    return product;
}

std::int64_t most_words(const Projection& projection, const Extents& extents) {
    std::int64_t words = 1;
    for (std::size_t a = 0; a < projection.axes.size(); ++a) {
        const Axis& axis = projection.axes[a];
        if (projection.gather && a == 0) {
            words *= drawn_rows(projection, whole_box(extents));
            continue;
        }
        std::int64_t reach = 1;
        for (const AxisTerm& term : axis.terms) {
            reach += std::abs(term.coefficient) * (extents[index(term.dim)] - 1);
        }
        words *= std::min(axis.extent, reach);
    }
    return words;
}

Bytes most_bytes(const Projection& projection, Precision precision, const Extents& extents) {
    return stored_bytes(most_words(projection, extents), precision);
}

std::int64_t operand_reads(const Projection& projection, const Box& box) {
    const bool inside =
        std::none_of(projection.axes.begin() + (projection.gather ? 1 : 0), projection.axes.end(),
                     [&](const Axis& axis) { return leaves(axis, box); });
    return inside ? box.points() : points_inside(leaving_axes(projection, box), box);
}

}  // namespace memwall
