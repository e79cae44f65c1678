// SPDX-License-Identifier: Apache-2.0
#include "arch/core_split.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

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

namespace {

/// Distinct tile sizes that cut `extent` into at most `most` parts, in multiples of `unit`, largest
/// first.
std::vector<std::int64_t> useful_tiles(std::int64_t extent, std::int64_t unit, std::int64_t most) {
    std::vector<std::int64_t> tiles;
    const std::int64_t units = ceil_divide(extent, unit);
    const std::int64_t limit = std::min(units, most);
    for (std::int64_t parts = 1; parts <= limit;) {
        const std::int64_t size = ceil_divide(units, parts);
        const std::int64_t tile = std::min(extent, size * unit);
        if (tiles.empty() || tiles.back() != tile) {
            tiles.push_back(tile);
        }
        // The fewest parts that are smaller than this.
        parts = size > 1 ? (units - 1) / (size - 1) + 1 : limit + 1;
    }
    return tiles;
}

/// Cuts dimension after dimension while cores are left.
class SplitSearch {
public:
    SplitSearch(const IterationSpace& space, const Extents& extents, const SplitRules& rules)
        : rules_(rules) {
        current_.extents = extents;
        current_.tile = extents;
        for (const Dim dim : {Dim::G, Dim::H, Dim::t, Dim::K, Dim::R, Dim::C, Dim::S, Dim::T,
                              Dim::N, Dim::D, Dim::P, Dim::Q}) {
            const bool normalised = space.normalises(dim);
            const bool sums = dim == Dim::C || (dim == Dim::R && space.is_plain_reduction(dim)) ||
                              (is_window(dim) && rules.split_window);
            const bool allowed =
                sums ? rules.split_reduction && space.is_reduction(dim) : !space.is_reduction(dim);
            if (extents[index(dim)] > 1 && allowed && !normalised) {
                dims_.push_back(dim);
            }
        }
    }

    std::vector<CoreSplit> run() {
        cut(0, rules_.cores);
        return std::move(found_);
    }

private:
    static bool is_window(Dim dim) { return dim == Dim::R || dim == Dim::S || dim == Dim::T; }

    [[nodiscard]] std::int64_t unit(Dim dim) const {
        return dim == Dim::K ? rules_.output_unit : dim == Dim::C ? rules_.reduction_unit : 1;
    }

    void cut(std::size_t depth, std::int64_t cores) {
        if (depth == dims_.size()) {
            found_.push_back(current_);
            return;
        }
        const Dim dim = dims_[depth];
        const std::int64_t whole = current_.extents[index(dim)];
        std::vector<std::int64_t> tiles = useful_tiles(whole, unit(dim), cores);
        if (groups_together(dim)) {
            tiles = {whole};
        }
        const bool shares = dim == Dim::C || is_window(dim);
        if (depth + 1 == dims_.size() && !shares && !groups_together(dim)) {
            tiles = {tiles.back()};  // nothing is left to use the other cores
        }
        for (const std::int64_t tile : tiles) {
            current_.tile[index(dim)] = tile;
            cut(depth + 1, cores / ceil_divide(whole, tile));
        }
        current_.tile[index(dim)] = whole;
    }

    /// Whether a part has several groups and the channels of `dim` inside them: a part of those
    /// would be no contiguous part of the tensor.
    [[nodiscard]] bool groups_together(Dim dim) const {
        return (dim == Dim::K || dim == Dim::C) && current_.tile[index(Dim::G)] > 1 &&
               current_.extents[index(Dim::K)] > 1;
    }

    SplitRules rules_;
    std::vector<Dim> dims_;
    CoreSplit current_;
    std::vector<CoreSplit> found_;
};

}  // namespace

std::vector<CoreSplit> useful_splits(const IterationSpace& space, const Extents& extents,
                                     const SplitRules& rules) {
    return SplitSearch(space, extents, rules).run();
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

Bytes most_bytes(const Projection& projection, Precision precision, const Extents& extents) {
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
    return stored_bytes(words, precision);
}

std::int64_t operand_reads(const Projection& projection, const Box& box) {
    return points_inside(leaving_axes(projection, box), box);
}

}  // namespace memwall
