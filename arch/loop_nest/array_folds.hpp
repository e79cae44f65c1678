// SPDX-License-Identifier: Apache-2.0
// An array under a loop nest: the turns that its lanes take over what is laid out on them, and the
// cycles that a systolic array needs besides.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "arch/machine.hpp"
#include "workloads/iteration_space.hpp"

namespace memwall {

/// Cycles of a systolic array besides one for each step of its lanes; none where lanes are fed
/// directly. A fold is what streams past while one set of words stays in the lanes.
struct ArrayTiming {
    std::int64_t load = 0;     ///< to shift a fold's words in
    std::int64_t skew = 0;     ///< from the first lane's step to the last one's
    bool loads_ahead = false;  ///< a second register takes the next fold's words meanwhile

    /// MODEL: systolic arrays, as SCALE-Sim has them (Samajdar et al., ISPASS 2020, and its
    /// source): a fold with weights or inputs in the lanes takes 2 rows + columns + steps - 2
    /// cycles, with outputs in the lanes rows + columns + steps - 2; folds follow one another. With
    /// a second register a fold is loaded while the one before streams, which then takes `rows` at
    /// least.
    [[nodiscard]] std::int64_t cycles(std::int64_t steps, std::int64_t folds) const;
    /// The same of what may not be whole: near it where folds are not alike.
    [[nodiscard]] double cycles(double steps, double folds) const;
    [[nodiscard]] bool systolic() const { return load + skew > 0; }
};

/// Of a dataflow and the rows and columns of an array.
ArrayTiming array_timing(Dataflow dataflow, bool loads_ahead, const ArrayShape& shape);

/// The two axes of an array's lanes, and the dimensions of a layer that may lie on each.
std::vector<SpatialAxis> array_axes(const MacArrayConfig& array, const ArrayShape& shape,
                                    const IterationSpace& space);

/// The operand whose words stay in the lanes, by position; none where a layer has no such operand.
std::optional<std::size_t> kept_operand(Dataflow dataflow, const IterationSpace& space);

/// What lies side by side below the last memory: parts of each dimension, and their axis.
struct LaneLayout {
    std::array<std::int64_t, kDimCount> parts;
    std::array<std::size_t, kDimCount> axis{};

    LaneLayout() { parts.fill(1); }
};

/// Turns that lanes take over what a nest lays out on them, where an axis packs.
struct LaneTurns {
    std::int64_t in_time = 1;
    std::vector<std::int64_t> of_axis;  ///< of one group

    /// How often an operand's words pass the lanes: once for each turn along axes that it does not
    /// lie on. The layout is that of lane_turns().
    [[nodiscard]] std::int64_t passes(const Projection& projection, const LaneLayout& layout) const;
};

/// MODEL: an axis that packs takes `size` of what is laid out on it at a time, whatever dimensions
/// it comes from (im2col). Groups and heads lie block-diagonally: as many side by side as fit along
/// every axis; the rest of the block is idle.
LaneTurns lane_turns(const std::vector<SpatialAxis>& axes, const LaneLayout& layout);

}  // namespace memwall
