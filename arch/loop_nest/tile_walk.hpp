// SPDX-License-Identifier: Apache-2.0
// The tiles of one dimension in the order in which an instance sees them, and which of them follow
// each other when a loop steps on. Exact with remainders.
#pragma once

#include <cstdint>
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
};

/// A tile and the one that comes after it in the same instance.
using TileStep = std::pair<Range, Range>;

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
    /// How many tiles the first instance sees.
    [[nodiscard]] std::int64_t first_instance_tiles() const;

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
};

}  // namespace memwall
