// SPDX-License-Identifier: Apache-2.0
// Words of all tiles of one operand that cross a boundary between two levels of a nest.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "arch/loop_nest/nest.hpp"
#include "arch/loop_nest/nest_counts.hpp"
#include "arch/loop_nest/tile_walk.hpp"

namespace memwall {

/// Which spatial loops count, in a sum over instances.
enum class Instances : std::uint8_t {
    all,     ///< what arrives in each
    shared,  ///< what several instances of one parent have in common counts once
    parent,  ///< as shared, of one parent
    one,     ///< of one instance
};

/// What lets instances share.
enum class Sharing : std::uint8_t {
    multicast,  ///< copies on the way down, also of the words that windows side by side share
    copies,     ///< copies of whole tiles on the way down
    sums,       ///< additions on the way up
    any,        ///< nothing is asked
};

/// A loop and the level that it stands at.
struct PlacedLoop {
    Loop loop;
    std::size_t level = 0;
};

/// Sums over the tiles of one operand at one boundary. Loops and walks must outlive it.
class TileSums {
public:
    TileSums(const IterationSpace& space, const Projection& projection,
             const std::vector<PlacedLoop>& loops, std::size_t parent, Instances instances,
             const NestMachine& machine, Sharing sharing, TileWalks& walks);

    /// Each tile of each instance once, whether it was there before or not: what lanes read that
    /// keep nothing.
    [[nodiscard]] std::int64_t every_visit() const;

    /// The first tile of each instance.
    [[nodiscard]] std::int64_t first_tiles() const;

    /// What is fetched when tiles stay until they change, and until a loop of a level above
    /// `visited` steps on.
    [[nodiscard]] std::int64_t fetched(bool keeps_halo, std::size_t visited = 0) const;

    /// Distinct tiles of each instance, once: time goes by without loops that change nothing.
    [[nodiscard]] std::int64_t distinct() const;

private:
    [[nodiscard]] const TileWalk& walk(Dim dim) const { return *walks_[index(dim)]; }

    std::vector<WalkLoop> walk_loops(Dim dim, std::size_t parent, Instances instances,
                                     const NestMachine& machine, Sharing sharing);

    [[nodiscard]] WalkLoop::Kind kind_of(const PlacedLoop& at, std::size_t place,
                                         std::size_t parent, Instances instances,
                                         const NestMachine& machine, Sharing sharing) const;

    /// Whether no loop of the window that `place` belongs to steps inside it.
    [[nodiscard]] bool innermost_of_window(std::size_t place) const;

    enum class Tiles : std::uint8_t { all, firsts };

    /// Sum of the words of an axis over all combinations of its dimensions' tiles.
    [[nodiscard]] std::int64_t sum(const Axis& axis, Tiles which) const;

    /// Tiles by dimension: how many there are of those that the operand does not see, times the
    /// words of the others.
    [[nodiscard]] std::int64_t product(Tiles beside, Tiles along) const;

    struct Sums {
        std::int64_t words = 0;  ///< of the tiles after
        std::int64_t kept = 0;   ///< that the tiles before had
    };

    /// The same over steps; `kept` as the rule says.
    [[nodiscard]] Sums step_sums(const Axis& axis, std::size_t place, bool keeps_halo) const;

    [[nodiscard]] std::int64_t fetched_when(std::size_t place, bool stays, bool keeps_halo) const;

    Projection projection_;
    const std::vector<PlacedLoop>& loops_;
    std::array<const TileWalk*, kDimCount> walks_{};
    std::vector<Dim> dims_;  ///< above 1
    std::vector<bool> in_axis_;
    std::array<bool, kDimCount> merged_{};
};

/// The words of a tile that is the largest of its kind, wherever it lies.
std::int64_t tile_words(const Projection& projection, const Extents& tile);

}  // namespace memwall
