// SPDX-License-Identifier: Apache-2.0
// A fast count of loop nests for the search: the same as count_nest() where tiles divide, near it
// elsewhere.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "arch/loop_nest/nest_price.hpp"

namespace memwall {

inline constexpr std::size_t kKeepBits = 32;

using Sizes = std::array<std::int64_t, kDimCount>;

/// A point of the mapspace. Dimensions are those of the layer that are above 1, by their position
/// in NestCost::dims().
class NestPoint {
public:
    explicit NestPoint(std::size_t levels) : levels_(levels) {
        std::fill_n(held.begin(), levels + 1, Sizes{});
        std::fill_n(parts.begin(), levels, Sizes{});
        std::fill_n(axis.begin(), levels, Places{});
        std::fill_n(order.begin(), levels, Places{});
        std::fill_n(keeps.begin(), levels, 0);
    }
    // Searches copy points all the time: only the levels that there are.
    NestPoint(const NestPoint& other) { copy(other); }
    NestPoint& operator=(const NestPoint& other) {
        copy(other);
        return *this;
    }
    ~NestPoint() = default;

    using Places = std::array<std::uint8_t, kDimCount>;
    std::array<Sizes, kMostNestMemories + 1>
        held;                                    ///< by level: what an instance holds; [0] is all
    std::array<Sizes, kMostNestMemories> parts;  ///< side by side below a level
    std::array<Places, kMostNestMemories> axis;
    /// Loops in time below a level, outermost first, as positions of dimensions.
    std::array<Places, kMostNestMemories> order;
    std::array<std::uint32_t, kMostNestMemories> keeps;  ///< NestCost::keep_bit() of operands

    /// One order of loops at all levels.
    void set_order(const Places& everywhere) { std::fill_n(order.begin(), levels_, everywhere); }

    /// Of the first `dims` dimensions; different points may share it, hardly ever.
    [[nodiscard]] std::uint64_t hash(std::size_t dims) const {
        std::uint64_t sum = levels_;
        const auto add = [&](std::uint64_t value) {
            sum = (sum ^ value) * 0x9e3779b97f4a7c15U;
            sum ^= sum >> 29U;
        };
        for (std::size_t l = 0; l < levels_; ++l) {
            for (std::size_t d = 0; d < dims; ++d) {
                add(static_cast<std::uint64_t>(held[l][d]) << 24U ^
                    static_cast<std::uint64_t>(parts[l][d]) << 8U ^
                    static_cast<std::uint64_t>(axis[l][d]) << 4U ^ order[l][d]);
            }
            add(keeps[l]);
        }
        return sum;
    }

    /// Whether both are the same nest: loops of one step may stand anywhere.
    [[nodiscard]] bool has_loops_of(const NestPoint& other) const {
        for (std::size_t l = 0; l < levels_; ++l) {
            if (held[l] != other.held[l] || parts[l] != other.parts[l] ||
                keeps[l] != other.keeps[l]) {
                return false;
            }
            const auto next = [&](const Places& places, std::size_t& i) {
                while (i < kDimCount &&
                       held[l + 1][places[i]] * parts[l][places[i]] >= held[l][places[i]]) {
                    ++i;
                }
                return i < kDimCount ? places[i] : kDimCount;
            };
            for (std::size_t i = 0, k = 0; i < kDimCount || k < kDimCount; ++i, ++k) {
                if (next(order[l], i) != next(other.order[l], k)) {
                    return false;
                }
            }
            for (std::size_t d = 0; d < kDimCount; ++d) {
                if (parts[l][d] > 1 && axis[l][d] != other.axis[l][d]) {
                    return false;
                }
            }
        }
        return true;
    }

private:
    void copy(const NestPoint& other) {
        levels_ = other.levels_;
        std::copy_n(other.held.begin(), levels_ + 1, held.begin());
        std::copy_n(other.parts.begin(), levels_, parts.begin());
        std::copy_n(other.axis.begin(), levels_, axis.begin());
        std::copy_n(other.order.begin(), levels_, order.begin());
        std::copy_n(other.keeps.begin(), levels_, keeps.begin());
    }

    std::size_t levels_;
};

/// What has more than this of every objective is of no interest. At first, nothing is.
struct NestLimits {
    std::array<double, kMappingObjectives.size()> most{};  ///< by objective

    double& of(MappingObjective objective) { return most[static_cast<std::size_t>(objective)]; }

    [[nodiscard]] bool exceeded_by(const NestFigures& figures) const {
        return std::all_of(
            kMappingObjectives.begin(), kMappingObjectives.end(), [&](MappingObjective objective) {
                return figures.of(objective) > most[static_cast<std::size_t>(objective)];
            });
    }
};

class NestCost {
public:
    NestCost(const IterationSpace& space, const NestMachine& machine, const NestPrices& prices);

    [[nodiscard]] const std::vector<Dim>& dims() const { return dims_; }
    [[nodiscard]] std::size_t levels() const { return levels_; }
    [[nodiscard]] std::int64_t extent(std::size_t d) const { return extents_[d]; }
    [[nodiscard]] std::size_t operands() const { return operands_.size(); }
    /// What stands for an operand in NestPoint::keeps.
    [[nodiscard]] std::uint32_t keep_bit(std::size_t operand) const {
        return operands_[operand].keep_bit;
    }
    [[nodiscard]] bool is_relevant(std::size_t operand, std::size_t d) const {
        return (operands_[operand].relevant >> d & 1U) != 0;
    }

    /// Whether tiles may take both halves of a level with double buffers; from the beginning, yes.
    void let_take_both_halves(bool may) { may_take_both_halves_ = may; }
    // MODEL: a level with double buffers whose tiles fill more than a half of it has one buffer.
    /// False where some level cannot hold its tiles.
    [[nodiscard]] bool fits(const NestPoint& point) const;
    /// Whether each level with double buffers has room for the next tiles too.
    [[nodiscard]] bool fits_as_built(const NestPoint& point) const;
    /// The same of the point that was counted last.
    [[nodiscard]] bool is_as_built() const { return one_slot_ == 0; }
    /// Nothing where some level cannot hold its tiles, or where it exceeds the limits.
    [[nodiscard]] std::optional<NestFigures> figures_below(const NestPoint& point,
                                                           const NestLimits& limits) const;
    /// Whether one memory gathers the results, near the outermost one, so that more may be done
    /// with them on their way out, as epilogue_level() says: of the point that was counted last.
    [[nodiscard]] bool gathers(const NestPoint& point) const;
    /// Whether moves would reach further down if they were fewer, as innermost_moved() says: of the
    /// point that was counted last. What is not moved by itself overlaps with nothing.
    [[nodiscard]] bool moves_too_often() const;
    [[nodiscard]] LoopNest nest(const NestPoint& point) const;
    /// Turns of the lanes over all blocks of `parts` that `extents` are cut into.
    [[nodiscard]] double turns_over(const Sizes& extents, const Sizes& parts,
                                    const NestPoint::Places& axis) const;

private:
    struct FastAxis {
        const Axis* axis = nullptr;
        std::size_t place = 0;          ///< of the operand's axes
        std::vector<std::size_t> dims;  ///< positions; one with extent 1 is left out
        std::vector<std::int64_t> coefficients;
        // Of a window, by both tile sizes; below 0: not counted yet.
        mutable std::vector<double> sums;   ///< of all tiles
        mutable std::vector<double> tiles;  ///< of one
        std::int64_t whole = 0;             ///< words of all of it
        std::size_t slot = 0;               ///< in axis_words_
    };
    struct FastOperand {
        std::vector<std::int64_t> extents;  ///< of all its axes
        std::uint32_t relevant = 0;
        std::uint32_t keep_bit = 0;
        TensorRole role = TensorRole::inputs;
        bool updated = false;
        double word = 1;  ///< bytes
        double sum = 1;   ///< bytes of a partial sum
        std::vector<FastAxis> axes;
    };
    struct Moved {
        double all = 1, shared = 1;    ///< words over all instances
        double parent = 1, child = 1;  ///< of the busiest instance
        double started = 1, started_parent = 1;
        double tile = 1;
        double fills = 1;  ///< tiles of an instance, one after another
    };
    struct Slide {
        std::size_t dim = 0;
        std::int64_t steps = 1;
    };
    [[nodiscard]] Slide slide_of(const NestPoint& point, const FastOperand& operand,
                                 std::size_t child) const;
    [[nodiscard]] Moved moved(const NestPoint& point, std::size_t operand, std::size_t parent,
                              std::size_t child) const;
    /// The level above which each step fetches what a level or the lanes keep anew.
    [[nodiscard]] std::size_t visited_above(std::size_t child) const;
    /// Whether a level's loops lie side by side.
    [[nodiscard]] bool spreads(std::size_t level) const;
    [[nodiscard]] bool brings_sums(std::size_t operand, std::size_t parent,
                                   std::size_t child) const;
    /// Words of an instance of a level, by axis and in all.
    double measure_tile(const NestPoint& point, std::size_t operand, std::size_t level) const;
    [[nodiscard]] double words_held(std::size_t operand, std::size_t level) const {
        return words_[level * operands_.size() + operand];
    }
    [[nodiscard]] double window_sum(const FastAxis& axis, std::int64_t p, std::int64_t r) const;
    [[nodiscard]] double window_tile(const FastAxis& axis, std::int64_t p, std::int64_t r) const;
    /// Where a window's words stand by both tile sizes.
    [[nodiscard]] std::size_t window_slot(const FastAxis& axis, std::int64_t p,
                                          std::int64_t r) const {
        return static_cast<std::size_t>(p * (extents_[axis.dims[1]] + 1) + r);
    }
    [[nodiscard]] double tile_words(const FastAxis& axis, const Sizes& tile) const;
    /// As NestCounts' BoundaryTraffic::stretch, of the outermost memory and a level below.
    [[nodiscard]] double burst_stretch(const NestPoint& point, std::size_t operand,
                                       std::size_t child) const;
    void count_loops(const NestPoint& point) const;
    // Of the point whose loops were counted last.
    [[nodiscard]] bool has_two_slots(std::size_t level) const {
        return !machine_.memories[level].single_buffered && (one_slot_ >> level & 1U) == 0;
    }
    [[nodiscard]] bool counted_fits(const NestPoint& point) const;
    [[nodiscard]] double counted_steps() const;
    using LevelCycles = std::array<double, kMostNestMemories>;
    /// What takes `cycles` where all levels are filled while they are used, as cycles_with_ports().
    [[nodiscard]] double with_fills(double cycles, const LevelCycles& filled,
                                    const LevelCycles& waited) const;
    /// `least`: what it takes at least, whatever it moves.
    [[nodiscard]] std::optional<NestFigures> counted_figures(const NestPoint& point,
                                                             const NestFigures& least,
                                                             const NestLimits& limits) const;
    /// Turns of the lanes, and how often each operand passes them; all 1 where no axis packs.
    void count_turns(const NestPoint& point) const;
    /// Turns over all blocks by axis; returns those of groups.
    double turns_by_axis(const Sizes& extents, const Sizes& parts,
                         const NestPoint::Places& axis) const;

    const NestMachine& machine_;
    NestPrices prices_;
    IterationSpace space_;
    std::size_t levels_ = 0;
    std::vector<Dim> dims_;
    Sizes extents_{};
    std::vector<FastOperand> operands_;
    double points_ = 0;
    bool may_take_both_halves_ = true;
    // Of the point that is being counted: steps in time, parts side by side.
    mutable std::array<Sizes, kMostNestMemories> steps_{};
    mutable std::array<Sizes, kMostNestMemories> parts_{};
    mutable std::array<Sizes, kMostNestMemories> outer_{};  ///< tiles before they are spread
    mutable std::uint32_t one_slot_ =
        0;  ///< levels with double buffers of which tiles take both halves
    mutable std::array<std::uint32_t, kMostNestMemories>
        cut_{};  ///< dimensions that step above a level
    /// The loops above a level that step or are spread, the innermost first, are those from
    /// begins_[level] on.
    struct ActiveLoop {
        std::uint8_t d = 0;
        std::uint8_t level = 0;
        double steps = 1, parts = 1;
    };
    mutable std::array<ActiveLoop, kMostNestMemories * kDimCount> loops_{};
    mutable std::array<std::size_t, kMostNestMemories + 1> begins_{};
    mutable std::size_t ends_ = 0;
    using Products = std::array<double, kDimCount>;
    mutable std::array<Products, kMostNestMemories + 1> above_{};   ///< steps of levels above one
    mutable std::array<Products, kMostNestMemories + 1> beside_{};  ///< parts below those
    mutable std::vector<double> axis_words_;    ///< of what a level holds, by level and slot
    mutable std::vector<double> words_;         ///< by level and operand
    std::size_t slots_ = 0;                     ///< axes of all operands
    bool packs_ = false;                        ///< some axis of the lanes
    std::uint32_t groups_ = 0;                  ///< dimensions that lie block-diagonally
    mutable double turns_ = 1;                  ///< of a block
    mutable bool folded_ = false;               ///< some block takes several
    mutable std::vector<double> passes_;        ///< by operand
    mutable std::vector<double> of_axis_;       ///< turns along it
    mutable std::vector<std::uint32_t> lying_;  ///< dimensions that lie on an axis, but for groups
    mutable JoinedBlocks joined_, joined_groups_;
};

}  // namespace memwall
