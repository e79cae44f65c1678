// SPDX-License-Identifier: Apache-2.0
// The search for splits as a loop that its user can cut short, without a list of them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "arch/core_split.hpp"

namespace memwall {

/// A bit for each of some dimensions.
using DimSet = std::uint32_t;

template <class Dims>
constexpr DimSet dim_set(const Dims& dims) {
    DimSet set = 0;
    for (const Dim dim : dims) {
        set |= DimSet{1} << index(dim);
    }
    return set;
}
constexpr DimSet dim_set(std::initializer_list<Dim> dims) {
    return dim_set<std::initializer_list<Dim>>(dims);
}

/// The dimensions of a space that splits may cut, in the order in which they are cut.
std::vector<Dim> dims_to_cut(const IterationSpace& space, const SplitRules& rules);

/// Cuts dimension after dimension while cores are left: the splits of useful_splits(), in its
/// order. `visit(split)` gets each; `prunes(tile, cores, dims)` says of a tile, which may still be
/// cut along `dims` over so many cores, that none of its splits is wanted.
template <class Prunes, class Visit>
class SplitSearch {
public:
    /// `dims`: dims_to_cut().
    SplitSearch(const Extents& extents, const SplitRules& rules, const std::vector<Dim>& dims,
                const Prunes& prunes, const Visit& visit)
        : rules_(rules), prunes_(prunes), visit_(visit) {
        current_.extents = extents;
        current_.tile = extents;
        for (const Dim dim : dims) {
            if (extents[index(dim)] > 1) {
                dims_[count_++] = dim;
            }
        }
        for (std::size_t depth = count_; depth > 1; --depth) {
            later_[depth - 2] = later_[depth - 1] | dim_set({dims_[depth - 1]});
        }
    }

    void run() {
        if (count_ == 0) {
            visit_(current_);
        } else {
            cut(0, rules_.cores);
        }
    }

private:
    [[nodiscard]] std::int64_t unit(Dim dim) const {
        return dim == Dim::K ? rules_.output_unit : dim == Dim::C ? rules_.reduction_unit : 1;
    }

    /// The distinct tile sizes of the next dimension, in multiples of its unit, largest first.
    void cut(std::size_t depth, std::int64_t cores) {
        const Dim dim = dims_[depth];
        const std::int64_t whole = current_.extents[index(dim)];
        if (groups_together(dim)) {
            go_on(depth, whole, cores);
            return;
        }
        const std::int64_t units = ceil_divide(whole, unit(dim));
        const std::int64_t limit = std::min(units, cores);
        const bool shares = dim == Dim::C || dim == Dim::R || dim == Dim::S || dim == Dim::T;
        // The last one leaves nothing to use the other cores.
        std::int64_t parts = depth + 1 == count_ && !shares ? limit : 1;
        while (parts <= limit) {
            const std::int64_t size = ceil_divide(units, parts);
            go_on(depth, std::min(whole, size * unit(dim)), cores);
            // The fewest parts that are smaller than this.
            parts = size > 1 ? (units - 1) / (size - 1) + 1 : limit + 1;
        }
        if (rules_.cuts_output_unit && dim == Dim::K) {
            cut_unit(depth, cores);
        }
        current_.tile[index(dim)] = whole;
    }

    /// Parts of half a unit and a quarter.
    void cut_unit(std::size_t depth, std::int64_t cores) {
        const std::int64_t whole = current_.extents[index(dims_[depth])];
        for (const std::int64_t part : {2, 4}) {
            const std::int64_t size = rules_.output_unit / part;
            if (size >= 1 && size < whole && ceil_divide(whole, size) <= cores) {
                go_on(depth, size, cores);
            }
        }
    }

    void go_on(std::size_t depth, std::int64_t tile, std::int64_t cores) {
        const std::size_t dim = index(dims_[depth]);
        current_.tile[dim] = tile;
        const std::int64_t left = cores / ceil_divide(current_.extents[dim], tile);
        if (depth + 1 == count_) {
            visit_(current_);
        } else if (!prunes_(current_.tile, left, later_[depth])) {
            cut(depth + 1, left);
        }
    }

    /// Whether a part has several groups and the channels of `dim` inside them: a part of those
    /// would be no contiguous part of the tensor.
    [[nodiscard]] bool groups_together(Dim dim) const {
        return (dim == Dim::K || dim == Dim::C) && current_.tile[index(Dim::G)] > 1 &&
               current_.extents[index(Dim::K)] > 1;
    }

    const SplitRules& rules_;
    const Prunes& prunes_;
    const Visit& visit_;
    std::array<Dim, kDimCount> dims_{};
    std::array<DimSet, kDimCount> later_{};  ///< the dimensions after each
    std::size_t count_ = 0;
    CoreSplit current_;
};

}  // namespace memwall
