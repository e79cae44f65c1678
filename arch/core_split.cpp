// SPDX-License-Identifier: Apache-2.0
#include "arch/core_split.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

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
        if (space.is_reduction(dim)) {
            product *= parts(dim);
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

std::int64_t array_cycles(const MacArrayConfig& array, const ArrayShape& shape,
                          const Extents& part) {
    const std::int64_t groups = part[index(Dim::G)] * part[index(Dim::H)] * part[index(Dim::t)] *
                                part[index(Dim::U)] * part[index(Dim::V)] * part[index(Dim::W)];
    const std::int64_t positions =
        part[index(Dim::N)] * part[index(Dim::D)] * part[index(Dim::P)] * part[index(Dim::Q)];
    return groups * ceil_divide(part[index(Dim::K)], shape.outputs) *
           reduction_turns(array, shape, part) * std::max(positions, array.weight_load.count());
}

std::int64_t vector_cycles(std::int64_t lanes, std::int64_t operations) {
    return ceil_divide(operations, lanes);
}

std::vector<CoreSplit> useful_splits(const IterationSpace& space, const Extents& extents,
                                     const SplitRules& rules) {
    std::vector<CoreSplit> found;
    const auto prunes = [](const Extents& /*tile*/, std::int64_t /*cores*/) { return false; };
    const auto visit = [&](const CoreSplit& split) { found.push_back(split); };
    SplitSearch(space, extents, rules, prunes, visit).run();
    return found;
}

std::int64_t delivered_words(const Projection& projection, const CoreSplit& split, const Box& at) {
    std::int64_t product = 1;
    std::array<bool, kDimCount> in_axis{};
    for (std::size_t a = 0; a < projection.axes.size(); ++a) {
        const Axis& axis = projection.axes[a];
        // A tensor axis sees at most a few dimensions: sum over the combinations of their parts.
        std::vector<Box> boxes = {at};
        for (const AxisTerm& term : axis.terms) {
            in_axis[index(term.dim)] = true;
            std::vector<Box> finer;
            for (const Box& box : boxes) {
                for (std::int64_t p = 0; p < split.parts(term.dim); ++p) {
                    finer.push_back(box);
                    const Range part = split.part(term.dim, p);
                    finer.back()[term.dim] = {at[term.dim].begin + part.begin,
                                              at[term.dim].begin + part.end};
                }
            }
            boxes = std::move(finer);
        }
        std::int64_t sum = 0;
        for (const Box& box : boxes) {
            sum += projection.gather && a == 0 ? drawn_rows(projection, box)
                                               : touched_indices(axis, box);
        }
        product *= sum;
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
    return points_inside(leaving_axes(projection, box), box);
}

}  // namespace memwall
