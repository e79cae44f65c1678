// SPDX-License-Identifier: Apache-2.0
// A mapping as a loop nest: the loops of a layer cut by memory levels, in time and over instances.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/loop_nest/array_folds.hpp"
#include "arch/loop_nest/row_stationary.hpp"
#include "arch/machine.hpp"
#include "workloads/iteration_space.hpp"

namespace memwall {

/// One loop: steps over what is left of a dimension in tiles of `tile`; the last step may be
/// smaller. A spatial loop's steps lie side by side in the instances of the next level.
struct Loop {
    Dim dim = Dim::N;
    std::int64_t tile = 1;
    bool spatial = false;
    std::size_t axis = 0;  ///< of a spatial loop: which axis of the level's fan-out

    friend bool operator==(const Loop&, const Loop&) = default;
};

/// What is chosen at one memory level. Its loops run below it: they hand tiles of what it holds to
/// the next level.
struct NestLevel {
    std::vector<Loop> loops;  ///< outer to inner: temporal ones, then spatial ones
    std::vector<bool> keeps;  ///< by operand of the layer: false where it skips the level
    bool double_buffered = true;
    bool keeps_halo = false;  ///< a window that slides on fetches its new words only

    friend bool operator==(const NestLevel&, const NestLevel&) = default;
};

/// The levels from the outermost memory, which keeps every operand whole, to the memory next to the
/// array; behind the last one's loops every tile is a point.
struct LoopNest {
    std::vector<NestLevel> levels;

    friend bool operator==(const LoopNest&, const LoopNest&) = default;
};

/// What hardware there is at one level.
struct NestMemory {
    std::string name;
    std::int64_t instances = 1;
    std::int64_t capacity = 0;  ///< bytes an instance; 0: no limit
    double read_width = 0;      ///< bytes a cycle an instance; 0: no limit
    double write_width = 0;
    bool one_port = false;          ///< reads and writes share it (DRAM)
    double burst = 0;               ///< bytes that an access moves at least; 0: any number
    double latency = 0;             ///< cycles that the data of an access come later (DRAM)
    std::vector<SpatialAxis> axes;  ///< to the instances below, or to the lanes
    std::array<bool, kTensorRoleCount> may_keep{true, true, true, true, true};
    bool multicasts = true;        ///< one read serves all instances below that need the word
    bool reduces = true;           ///< partial sums of instances below are added on their way up
    bool single_buffered = false;  ///< has no slot for the next tile
    bool slides = false;           ///< keeps the halo of a window that moves on
    bool resident = false;         ///< inputs and results stay here from layer to layer
};

/// Cycles of so many bytes at a width in bytes a cycle, of which 0 is no limit.
inline double cycles_at(double bytes, double width) {
    return width > 0 ? bytes / width : 0;
}

/// Cycles of the busier port of an instance from which and into which so many bytes go.
inline double port_cycles(const NestMemory& memory, double read, double written) {
    const double reading = cycles_at(read, memory.read_width);
    const double writing = cycles_at(written, memory.write_width);
    return memory.one_port ? reading + writing : std::max(reading, writing);
}

/// Cycles in which `sent` bytes leave one memory and `taken` enter another: the slower port
/// decides.
inline double passing_cycles(const NestMemory& from, double sent, const NestMemory& to,
                             double taken) {
    return std::max(cycles_at(sent, from.read_width), cycles_at(taken, to.write_width));
}

/// Cycles of a level and of what lies below it, which takes `cycles` alone. Of two buffers one is
/// used while the other is filled: that takes longer only where fills wait for their data.
inline double cycles_with_fills(double cycles, double fills, bool they_wait, bool double_buffered) {
    if (!double_buffered) {
        return cycles + fills;
    }
    return they_wait ? std::max(cycles, (cycles + fills) / 2) : cycles;
}

/// The most memories that a machine may have under loop nests.
inline constexpr std::size_t kMostNestMemories = 32;

/// The memories of a machine, outermost first, and what the lanes below the last one keep.
struct NestMachine {
    std::vector<NestMemory> memories;
    /// Operand whose word a lane keeps until another one comes; others it takes at every step.
    std::optional<std::size_t> lanes_keep;
    ArrayTiming array;
    std::int64_t cycles_a_step = 1;           ///< elementwise operations of a point
    std::optional<OperandNetworks> networks;  ///< of a row-stationary array
    /// By operand: the axes of its tensor as its words lie in the outermost memory, the one whose
    /// words are next to each other first. None: every tile is one run of words.
    std::vector<std::vector<std::size_t>> runs;

    /// Points that are computed in one step, at most.
    [[nodiscard]] double lanes() const;
    /// How much longer the outermost memory takes for a tile of an operand than for its bytes,
    /// where its runs do not fill bursts. `words(a)` of the tile along axis a of the operand, which
    /// has `extent(a)`; a word has so many bytes.
    template <class Words, class Extent>
    [[nodiscard]] double burst_stretch(std::size_t operand, double bytes, std::size_t axes,
                                       const Words& words, const Extent& extent) const {
        const double burst = memories.front().burst;
        if (burst == 0) {
            return 1;
        }
        double run = bytes;
        const bool one = operand >= runs.size() || runs[operand].empty();
        for (std::size_t i = 0; i < (one ? axes : runs[operand].size()); ++i) {
            const std::size_t axis = one ? i : runs[operand][i];
            run *= words(axis);
            if (!one && words(axis) < extent(axis)) {
                break;
            }
        }
        return run > 0 ? std::ceil(run / burst - 1e-9) * burst / run : 1;
    }
    /// Whether some memory has resident inputs and results.
    [[nodiscard]] bool has_resident() const;
    /// MODEL: where inputs and results are resident they lie whole, and never go to the dram: the
    /// layer before leaves them there. Those of a network that come from a host or go there cost
    /// nothing.
    [[nodiscard]] bool stays(std::size_t parent, std::size_t child, TensorRole role) const {
        const bool activation = role == TensorRole::inputs || role == TensorRole::outputs;
        return parent == 0 && child < memories.size() && memories[child].resident && activation;
    }
    /// Whether an operand lies in a memory of the chip; `keeps(l)`: whether it does at level l.
    /// MODEL: lanes hang on memories of the chip: some level below the outermost keeps an operand,
    /// where one may.
    template <class Keeps>
    [[nodiscard]] bool kept_on_chip(TensorRole role, const Keeps& keeps) const {
        bool may = false;
        for (std::size_t l = 1; l < memories.size(); ++l) {
            if (keeps(l)) {
                return true;
            }
            may = may || memories[l].may_keep[static_cast<std::size_t>(role)];
        }
        return !may;
    }
    /// Whether a level lies in the elements of a row-stationary array; the number of levels stands
    /// for their lanes.
    [[nodiscard]] bool in_elements(std::size_t level) const {
        return networks &&
               (level >= memories.size() || memories[level].instances > memories.front().instances);
    }
    /// Whether the elements take all that a level holds of an operand before they begin a pass: the
    /// next weights come while they work, also into one buffer.
    [[nodiscard]] bool hands_on(std::size_t level, std::size_t operand) const {
        return networks && networks->weights == operand && !in_elements(level);
    }
};

/// The extents of a tile after the first `loops` loops of a level and all loops above it, for the
/// first instance: the largest there is.
Extents tile_below(const LoopNest& nest, const Extents& whole, std::size_t level,
                   std::size_t loops);
/// What one instance of a level holds, at most: the tile behind all loops above it.
Extents tile_at(const LoopNest& nest, const Extents& whole, std::size_t level);

/// Steps that a loop makes over `size`.
inline std::int64_t steps_of(const Loop& loop, std::int64_t size) {
    return (size + loop.tile - 1) / loop.tile;
}

/// What lanes do, of the first instance: the busiest.
struct LaneWork {
    std::int64_t tiles = 1;  ///< that loops in time give them one after another
    LaneLayout layout;       ///< of these tiles
    LaneTurns turns;         ///< of one tile after another

    /// All turns over all tiles.
    [[nodiscard]] std::int64_t steps() const { return turns.times(tiles); }
};

/// What a tile of `size` at a level's beginning makes the lanes do.
LaneWork lane_work(const LoopNest& nest, const NestMachine& machine, const Extents& size,
                   std::size_t level);

/// Turns that lanes take, at most, over one tile of the last memory after its loops in time.
std::int64_t turns_of_block(const LoopNest& nest, const NestMachine& machine, const Extents& whole);

}  // namespace memwall
