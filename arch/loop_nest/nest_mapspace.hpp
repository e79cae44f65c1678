// SPDX-License-Identifier: Apache-2.0
// What mappings a layer has on a machine: tiles, orders of loops, what lies side by side.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "arch/loop_nest/nest_cost.hpp"
#include "arch/loop_nest/spatial_choices.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Loops in time, outermost first, as positions of dimensions.
using LoopOrder = std::array<std::uint8_t, kDimCount>;

/// The layer, the machine and the cost must outlive it.
class Mapspace {
public:
    Mapspace(const Layer& layer, const NestMachine& machine, const NestCost& cost);

    [[nodiscard]] std::size_t levels() const { return levels_; }
    [[nodiscard]] std::size_t dims() const { return dims_; }
    [[nodiscard]] const std::vector<LoopOrder>& orders() const { return orders_; }

    /// Those of a level's orders that put its loops in different ways.
    [[nodiscard]] std::vector<LoopOrder> orders_of(const NestPoint& point, std::size_t l) const;

    /// The least tile of a level and dimension above what lies below it.
    [[nodiscard]] std::int64_t least(const NestPoint& point, std::size_t l, std::size_t d) const;
    /// Lets all levels hold what lies below them.
    void raise_outer(NestPoint& point, std::size_t d) const;
    /// Lets what lies side by side below a level share its tile of a dimension, rather than that
    /// each has as much as it had before.
    void share_tile(NestPoint& point, std::size_t l, std::size_t d) const;
    /// The same as raise_outer() where nothing but the tile of one level has changed.
    void raise_above(NestPoint& point, std::size_t below, std::size_t d) const;
    /// Sizes of a tile, at most `most`: multiples of what lies below that cut the dimension
    /// differently.
    [[nodiscard]] std::vector<std::int64_t> sizes(const NestPoint& point, std::size_t l,
                                                  std::size_t d, std::size_t most) const;
    /// The point with the smallest tiles for a spatial choice a level.
    [[nodiscard]] NestPoint smallest(const std::vector<const SpatialChoice*>& spatial) const;

    /// Tiles as large as they may be, from the innermost level outwards: what single changes reach
    /// only over others that gain nothing. The innermost dimension of the order grows first; at
    /// most `most` sizes of each tile are tried.
    [[nodiscard]] NestPoint grown(NestPoint point, const LoopOrder& order, std::size_t most) const;

    /// Whether a level may keep an operand.
    [[nodiscard]] bool may_keep(std::size_t l, std::size_t o) const;
    /// Whether it may leave it out, too: activations do not skip the memory that they stay in.
    [[nodiscard]] bool may_skip(std::size_t l, std::size_t o) const;
    /// The operands that a level keeps or skips by themselves, and one for those that go together.
    [[nodiscard]] const std::vector<std::size_t>& kept_alone() const { return kept_alone_; }
    /// Whether one below the outermost does, or none may.
    [[nodiscard]] bool kept_somewhere(const NestPoint& point, std::size_t o) const;

    /// Finds the spatial choices that spatial_combinations() combines, as spatial_choices() does.
    void list_spatial(std::size_t most, bool all);
    /// Those of a level that were listed last.
    [[nodiscard]] const std::vector<SpatialChoice>& listed(std::size_t l) const {
        return choices_[l];
    }
    /// Combinations of spatial choices of all levels: those that leave the fewest steps first.
    [[nodiscard]] std::vector<std::vector<const SpatialChoice*>> spatial_combinations(
        std::size_t most) const;

    /// All points that fit, of the spatial choices that were listed last.
    using PointVisitor = std::function<void(const NestPoint&)>;
    void visit_all(const PointVisitor& visit) const;

    /// How many points there are, above `most` some number above that; lists all spatial choices of
    /// no more.
    double size(double most);

private:
    void list_orders();
    void visit_tiles(const NestPoint& point, std::size_t l, std::size_t d,
                     const PointVisitor& visit) const;
    void visit_keeps(const NestPoint& point, std::size_t l, const PointVisitor& visit) const;
    void visit_orders(const NestPoint& point, std::size_t l, const PointVisitor& visit) const;

    const Layer& layer_;
    const NestMachine& machine_;
    const NestCost& cost_;
    std::size_t levels_;
    std::size_t dims_;
    std::vector<LoopOrder> orders_;
    std::vector<std::size_t> kept_alone_;
    std::vector<std::vector<SpatialChoice>> choices_;  ///< by level
    std::vector<std::vector<SpatialChoice>> useful_;   ///< the same, of those that are useful
};

}  // namespace memwall
