// SPDX-License-Identifier: Apache-2.0
// What passes of one layer cost, for the inner loop of their search: what depends on the layer
// alone is found once, and nothing is allocated after.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "arch/core_cycles.hpp"
#include "arch/tiling/hierarchy.hpp"

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

/// The words of most_bytes() of one operand. Only what a part can be smaller in is looked at.
class OperandReach {
public:
    /// Of parts of `whole`.
    OperandReach(const Projection& projection, const Extents& whole);
    [[nodiscard]] std::int64_t most_words(const Extents& part) const;

private:
    struct AxisReach {
        std::int64_t extent = 1;
        std::size_t end_of_terms = 0;
    };
    const Projection& projection_;
    std::vector<AxisReach> axes_;
    std::vector<AxisTerm> terms_;  ///< of all axes, with positive coefficients
};

/// A pass of a tile, whatever each core has of it.
struct PassTraffic {
    double channels = 1;   ///< passes of the tile along its channels
    double positions = 1;  ///< and along its positions
    double passes = 1;
    bool positions_outer = false;  ///< the order in which less is fed
    double feed = 0;               ///< cycles of all feeds of the tile
    double first_feed = 0;         ///< cycles
    double results = 0;            ///< bytes that leave a pass
    double sums = 0;               ///< bytes, as partial sums
    double drain_width = 1;        ///< bytes a cycle

    /// Estimates a tile: the first feed and the last drain are seen, all else overlaps. Of a core's
    /// cycles in a pass, and of how many cores share an output; more of either is never faster.
    [[nodiscard]] double cycles(std::int64_t core, std::int64_t sharing) const;
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
    [[nodiscard]] bool may_fit(Extents part, std::int64_t cores, DimSet cut) const;
    [[nodiscard]] const CoreCycles& core_cycles() const { return core_cycles_; }
    /// How many cores share an output.
    [[nodiscard]] std::int64_t sharing(const Extents& pass, const Extents& core) const;
    /// In the order in which less is fed, unless `positions_outer` says which.
    [[nodiscard]] PassTraffic traffic(const Extents& tile, const Extents& pass,
                                      std::optional<bool> positions_outer = std::nullopt) const;

private:
    struct Read {
        OperandReach reach;
        std::int64_t bits = 8;  ///< a word
        bool weights = false;
    };
    /// Whole bytes of each operand, of everything else that is read and of the weights.
    [[nodiscard]] std::array<std::int64_t, 2> bytes_read(const Extents& part) const;

    const Hierarchy& hierarchy_;
    CoreCycles core_cycles_;
    std::int64_t operand_bits_;
    double feed_width_;
    double drain_width_;
    std::int64_t result_bits_;
    std::int64_t sum_bits_;
    OperandReach outputs_;
    std::vector<Read> reads_;
    std::vector<Dim> reduction_;
};

}  // namespace memwall
