// SPDX-License-Identifier: Apache-2.0
// How a box of a layer's iteration space is spread over identical cores, and what that costs in
// cycles and words.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/machine.hpp"
#include "workloads/iteration_space.hpp"

namespace memwall {

/// A box cut into tiles of equal size, the last of each dimension perhaps smaller; one tile a core.
struct CoreSplit {
    Extents extents = unit_extents();  ///< of the box
    Extents tile = unit_extents();     ///< of the fullest core

    [[nodiscard]] std::int64_t parts(Dim dim) const {
        return ceil_divide(extents[index(dim)], tile[index(dim)]);
    }
    [[nodiscard]] std::int64_t cores() const;
    /// Parts of the dimensions that are summed over: how many cores share an output.
    [[nodiscard]] std::int64_t reduction_parts(const IterationSpace& space) const;
    /// The sizes of the parts of one dimension, in order.
    [[nodiscard]] Range part(Dim dim, std::int64_t position) const;
    /// The boxes of all cores, relative to the box's corner `at`, the last dimension fastest.
    [[nodiscard]] std::vector<Box> boxes(const Box& at) const;
};

/// The lanes that a layer uses: the narrowest precision that holds both operands. nullptr if none.
const ArrayShape* array_shape(const MacArrayConfig& array, const LayerPrecision& precision);

/// Reduction lanes' turns over a part: its C, R, S, T taken `inputs` at a time.
std::int64_t reduction_turns(const MacArrayConfig& array, const ArrayShape& shape,
                             const Extents& part);

/// What the cycles of a part are the product of: positions at least array.weight_load.
struct ArrayFactors {
    std::int64_t groups = 1;
    std::int64_t output_turns = 1;
    std::int64_t reduction_turns = 1;
    std::int64_t positions = 1;
};
ArrayFactors array_factors(const MacArrayConfig& array, const ArrayShape& shape,
                           const Extents& part);

/// MODEL: dot-product array. A cycle multiplies `inputs` operands with `inputs` x `outputs` weights
/// that stay in the lanes while the positions of a tile stream past, at least `weight_load` cycles.
/// Cycles = groups x ceil(K / outputs) x reduction turns x max(positions, weight_load).
std::int64_t array_cycles(const MacArrayConfig& array, const ArrayShape& shape,
                          const Extents& part);

/// Cycles of elementwise work: points x operations a point, `lanes` at a time.
std::int64_t vector_cycles(std::int64_t lanes, std::int64_t operations);

/// What bounds the search for splits.
struct SplitRules {
    std::int64_t cores = 1;
    std::int64_t output_unit = 1;     ///< K is cut in multiples of this
    std::int64_t reduction_unit = 1;  ///< C is cut in multiples of this
    bool split_reduction = false;     ///< whether several cores may share an output
    bool split_window = false;        ///< and have parts of R, S and T each, not of C alone
    /// Whether parts may be smaller than a unit of outputs: half of it and a quarter, which leaves
    /// lanes idle where something else takes longer.
    bool cuts_output_unit = false;
};

/// Splits of `extents` that use at most `rules.cores`: every useful tile size of every dimension
/// but the last one cut, which is cut as finely as fits unless it is C: sharing an output costs. In
/// a fixed order, the whole box first.
std::vector<CoreSplit> useful_splits(const IterationSpace& space, const Extents& extents,
                                     const SplitRules& rules);

/// Words that all cores receive together of one operand, each its own part: multicast words count
/// once a core. `at` is where the box lies in the layer.
std::int64_t delivered_words(const Projection& projection, const CoreSplit& split, const Box& at);

/// Words, and bytes, of what a box of `extents` can touch of an operand, wherever it lies.
std::int64_t most_words(const Projection& projection, const Extents& extents);
Bytes most_bytes(const Projection& projection, Precision precision, const Extents& extents);

/// Reads of one operand over a box where each point reads its word and padding is no read.
std::int64_t operand_reads(const Projection& projection, const Box& box);

}  // namespace memwall
