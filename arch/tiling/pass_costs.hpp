// SPDX-License-Identifier: Apache-2.0
// What passes of one layer cost, for the inner loop of their search: what depends on the layer
// alone is found once, and nothing is allocated after.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "arch/core_cycles.hpp"
#include "arch/tiling/core_reads.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/operand_reach.hpp"

namespace memwall {

inline constexpr std::array<Dim, 4> kChannelDims = {Dim::G, Dim::H, Dim::t, Dim::K};
inline constexpr std::array<Dim, 4> kPositionDims = {Dim::N, Dim::D, Dim::P, Dim::Q};
inline constexpr std::array<Dim, 4> kReductionDims = {Dim::C, Dim::T, Dim::R, Dim::S};

/// Parts of `tile` in `whole`, of some dimensions.
std::int64_t pieces(const Extents& whole, const Extents& tile, const std::array<Dim, 4>& dims);
/// Of all the dimensions that passes and tiles cut.
std::int64_t pieces(const Extents& whole, const Extents& tile);

/// A tile with all that its outputs sum up.
Extents whole_sums(const IterationSpace& space, Extents tile);

/// Whether a layer writes operands back in their place.
bool updates_operands(const IterationSpace& space);

/// What the passes of a layer are chosen by.
struct PassAim {
    /// What a cycle in which all cores are fed counts beside a cycle of time: a little decides
    /// between plans that are as fast, more saves energy.
    double feeding = 0.01;
    /// What a cycle of computing counts where it hides behind feeding, which it may not do in full.
    double hidden = 0.05;
    /// Whether what a tile feeds first and drains last hides behind the tiles beside it.
    bool overlaps = false;
    /// Whether the reduction is cut further while that is better, or until the passes fit.
    bool finer = true;

    bool operator==(const PassAim&) const = default;
};

/// What a split of a pass over cores costs, whatever tile it is a pass of: of the fullest core.
struct SplitCosts {
    std::int64_t cycles = 0;                ///< of its arrays, or of the port that they read
    std::int64_t sharing = 1;               ///< cores that share an output
    std::int64_t cores = 1;                 ///< that have a part
    std::array<std::int64_t, 2> brought{};  ///< bytes: weights, and all else
};

/// What a plan of a tile is estimated to cost.
struct TileCosts {
    double cycles = 0;
    double value = 0;  ///< what the search compares: cycles, and what the aim adds to them
};

/// A pass of a tile, whatever each core has of it.
struct PassTraffic {
    double channels = 1;   ///< passes of the tile along its channels
    double positions = 1;  ///< and along its positions
    double passes = 1;
    bool positions_outer = false;   ///< the order in which less is fed
    std::array<double, 2> feeds{};  ///< how often weights are fed, and all else
    double feed = 0;                ///< cycles of all feeds of the tile
    double first_feed = 0;          ///< cycles
    double results = 0;             ///< bytes that leave a pass, on average
    double sums = 0;                ///< bytes, as partial sums
    double drain_width = 1;         ///< bytes a cycle
    double core_width = 1;          ///< bytes a cycle that a core is brought
    double all_cores = 1;
    std::int64_t latency = 0;  ///< cycles of a pass beside its feed and its computing

    /// Estimates a tile. More of what a split costs is never better.
    [[nodiscard]] TileCosts costs(const SplitCosts& split, const PassAim& aim) const;
};

/// The hierarchy, the cores and the layer must outlive it.
class PassCosts {
public:
    /// `operand_bits`: of the epilogues' other operands, a result word.
    PassCosts(const Hierarchy& hierarchy, const Cores& cores, const Layer& layer,
              std::int64_t operand_bits);

    /// Whether a core's part of a pass fits its memories twice.
    [[nodiscard]] bool fits(const Extents& part) const;
    /// False where no way of cutting `part` along some dimensions, for so many cores, fits.
    [[nodiscard]] bool may_fit(const Extents& part, std::int64_t cores, DimSet cut) const;
    /// The lanes that the layer uses; nullptr where it has no MACs.
    [[nodiscard]] const ArrayShape* shape() const { return core_cycles_.shape(); }
    /// Of a pass that is split so that the fullest core has `core`.
    [[nodiscard]] SplitCosts split(const Extents& pass, const Extents& core) const;
    /// No way of cutting `part` of a pass further along some dimensions, for so many cores, has
    /// less of any.
    [[nodiscard]] SplitCosts least(const Extents& pass, const Extents& part, std::int64_t cores,
                                   DimSet cut) const;
    /// In the order in which less is fed, unless `positions_outer` says which.
    [[nodiscard]] PassTraffic traffic(const Extents& tile, const Extents& pass,
                                      std::optional<bool> positions_outer = std::nullopt) const;

private:
    struct Read {
        OperandReach reach;
        std::int64_t bits = 8;  ///< a word
        bool weights = false;
    };
    /// Whole bytes of each operand, of the weights and of everything else that is read.
    [[nodiscard]] std::array<std::int64_t, 2> bytes_read(const Extents& part) const;
    [[nodiscard]] std::int64_t sharing(const Extents& pass, const Extents& core) const;

    const Hierarchy& hierarchy_;
    Extents whole_;  ///< the layer
    CoreCycles core_cycles_;
    CoreReads core_reads_;
    std::int64_t operand_bits_;
    double feed_width_;
    double drain_width_;
    double core_width_;
    std::int64_t latency_ = 0;
    std::int64_t result_bits_;
    std::int64_t sum_bits_;
    OperandReach outputs_;
    std::vector<Read> reads_;
    std::vector<Dim> reduction_;
};

}  // namespace memwall
