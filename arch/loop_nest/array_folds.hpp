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

/// Blocks of one size that a dimension is cut into.
struct EqualBlocks {
    std::int64_t size = 1;
    std::int64_t count = 1;
};

/// The blocks of several dimensions that lie on one axis: each of the one with each of the others.
class JoinedBlocks {
public:
    JoinedBlocks() : blocks_(1) {}
    void clear() { blocks_.assign(1, {}); }
    /// Adds a dimension, cut into so many blocks of so many sizes.
    void join(const EqualBlocks* sizes, std::size_t how_many);
    /// Turns of so many lanes over all blocks: each begins with a turn of its own.
    [[nodiscard]] std::int64_t turns(std::int64_t lanes) const;
    [[nodiscard]] std::int64_t count() const;
    /// What the largest block lays out.
    [[nodiscard]] std::int64_t largest() const;

private:
    std::vector<EqualBlocks> blocks_, before_;
};

/// What lies side by side below the last memory: the blocks of each dimension that are laid out one
/// after another, and their axis. No blocks: it is not laid out.
struct LaneLayout {
    std::array<std::vector<EqualBlocks>, kDimCount> blocks;
    std::array<std::size_t, kDimCount> axis{};
};

/// Turns that lanes take over all blocks that a nest lays out on them, where an axis packs.
struct LaneTurns {
    struct OfAxis {
        std::int64_t turns = 1;
        std::int64_t blocks = 1;
    };
    std::int64_t in_time = 1;  ///< of all blocks
    std::int64_t blocks = 1;
    std::vector<OfAxis> of_axis;  ///< of one group

    /// Whether a block takes several turns: the lanes have other words after each.
    [[nodiscard]] bool folded() const { return in_time > blocks; }
    /// `count` of what happens once a block, in turns.
    [[nodiscard]] std::int64_t times(std::int64_t count) const;
    /// Words of an operand that pass the lanes, of those that pass once a block: once for each turn
    /// along axes that it does not lie on. The layout is that of lane_turns().
    [[nodiscard]] std::int64_t passing(std::int64_t words, const Projection& projection,
                                       const LaneLayout& layout) const;
};

/// MODEL: an axis that packs takes `size` of what is laid out on it at a time, whatever dimensions
/// it comes from (im2col); a last, smaller block takes fewer turns. Turns go round outside the
/// loops of the last memory and inside those above it: its tile waits there meanwhile, with its
/// sums, and the next one needs the words of all turns again. Groups and heads lie
/// block-diagonally: as many side by side as fit along every axis; the rest of the block is idle.
LaneTurns lane_turns(const std::vector<SpatialAxis>& axes, const LaneLayout& layout);

}  // namespace memwall
