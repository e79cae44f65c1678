// SPDX-License-Identifier: Apache-2.0
// The tiles of one dimension in the order in which an instance sees them, and which of them follow
// each other when a loop steps on. Exact with remainders.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "workloads/projection.hpp"

namespace memwall {

/// A loop of one dimension above a boundary, with its place among all loops.
struct WalkLoop {
    std::int64_t tile = 1;
    std::size_t place = 0;
    /// Temporal loops step; of a spatial one an instance has one part (`each`), or only the first
    /// instance counts (`first`), or all parts are one tile (`merged`).
    enum class Kind : std::uint8_t { temporal, each, first, merged } kind = Kind::temporal;

    friend bool operator==(const WalkLoop&, const WalkLoop&) = default;
};

/// A tile and the one that comes after it in the same instance.
using TileStep = std::pair<Range, Range>;

/// Some tiles, or steps to them, in sum.
struct TileSummary {
    std::int64_t count = 0;
    std::int64_t extent = 0;  ///< of all tiles
    std::int64_t stayed = 0;  ///< of those that are the same as the tile before
    Range hull;               ///< of all tiles

    void add(const Range& tile) {
        hull = count == 0 ? tile
                          : Range{std::min(hull.begin, tile.begin), std::max(hull.end, tile.end)};
        ++count;
        extent += tile.size();
    }
};

/// The tiles of a dimension, instance by instance.
class TileWalk {
public:
    TileWalk(std::int64_t extent, const std::vector<WalkLoop>& loops);

    /// The first tile of each instance.
    [[nodiscard]] const std::vector<Range>& firsts() const { return firsts_; }
    /// All tiles of all instances.
    [[nodiscard]] std::vector<Range> all() const;
    /// When the loop at `place` steps on, of this dimension or another one: the tiles before and
    /// after, for each place of the loops outside it.
    [[nodiscard]] std::vector<TileStep> steps(std::size_t place, bool own) const;
    /// The same, one after another: `use` of the tile before and of the one after.
    template <class Use>
    void visit_steps(std::size_t place, bool own, const Use& use) const {
        for (const std::vector<Visit>& walk : walks_) {
            std::size_t first = 0;  // of the tiles that have the same place in all loops outside
            for (std::size_t v = 1; v <= walk.size(); ++v) {
                const bool ends = v == walk.size() || walk[v].changed < place;
                if (own && v < walk.size() && walk[v].changed == place) {
                    use(walk[v - 1].range, walk[v].range);
                }
                if (!own && ends) {
                    use(walk[v - 1].range, walk[first].range);
                }
                first = ends ? v : first;
            }
        }
    }
    /// How many those are.
    [[nodiscard]] std::int64_t count_firsts() const;
    [[nodiscard]] std::int64_t count_all() const;
    [[nodiscard]] std::int64_t count_steps(std::size_t place, bool own) const;
    /// The tiles after those steps, and all tiles or the first ones, in sum: found once.
    [[nodiscard]] const TileSummary& summary(std::size_t place, bool own) const;
    [[nodiscard]] const TileSummary& summary(bool only_firsts) const;

private:
    struct Visit {
        Range range;
        std::size_t changed = 0;  ///< the place of the outermost loop that stepped on
    };
    void instances(std::size_t loop, std::vector<std::int64_t>& parts, std::int64_t extent,
                   const std::vector<WalkLoop>& loops);
    void visits(const Range& range, std::size_t loop, std::size_t spatial, std::size_t changed,
                const std::vector<std::int64_t>& parts, const std::vector<WalkLoop>& loops,
                std::vector<Visit>& found) const;

    std::vector<std::vector<Visit>> walks_;  ///< by instance
    std::vector<Range> firsts_;
    mutable std::vector<std::optional<TileSummary>> steps_;  ///< by place and whether its own
    mutable std::array<std::optional<TileSummary>, 2> tiles_;
};

/// Walks that were asked for, each made once: operands and levels of a nest share many.
class TileWalks {
public:
    const TileWalk& of(std::int64_t extent, const std::vector<WalkLoop>& loops);

private:
    struct Known {
        std::int64_t extent = 0;
        std::vector<WalkLoop> loops;
        TileWalk walk;
    };
    std::deque<Known> known_;  ///< whose places last
};

}  // namespace memwall
