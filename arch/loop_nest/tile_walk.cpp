// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/tile_walk.hpp"

#include <algorithm>
#include <limits>

#include "base/quantity.hpp"

namespace memwall {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

Range part_of(const Range& range, std::int64_t tile, std::int64_t n) {
    const std::int64_t begin = range.begin + n * tile;
    return {begin, std::min(begin + tile, range.end)};
}

}  // namespace

TileWalk::TileWalk(std::int64_t extent, const std::vector<WalkLoop>& loops) {
    std::vector<std::int64_t> parts;
    instances(0, parts, extent, loops);
}

/// Chooses a part of every spatial loop, then walks the instance that has these.
void TileWalk::instances(std::size_t loop, std::vector<std::int64_t>& parts, std::int64_t extent,
                         const std::vector<WalkLoop>& loops) {
    if (loop == loops.size()) {
        std::vector<Visit> walk;
        visits({0, extent}, 0, 0, kNone, parts, loops, walk);
        if (!walk.empty()) {
            firsts_.push_back(walk.front().range);
            walks_.push_back(std::move(walk));
        }
        return;
    }
    const WalkLoop::Kind kind = loops[loop].kind;
    if (kind != WalkLoop::Kind::each && kind != WalkLoop::Kind::first) {
        instances(loop + 1, parts, extent, loops);
        return;
    }
    std::int64_t size = extent;
    for (std::size_t outer = 0; outer < loop; ++outer) {
        if (loops[outer].kind != WalkLoop::Kind::merged) {
            size = std::min(size, loops[outer].tile);
        }
    }
    const std::int64_t count =
        kind == WalkLoop::Kind::first ? 1 : ceil_divide(size, loops[loop].tile);
    for (std::int64_t part = 0; part < count; ++part) {
        parts.push_back(part);
        instances(loop + 1, parts, extent, loops);
        parts.pop_back();
    }
}

void TileWalk::visits(const Range& range, std::size_t loop, std::size_t spatial,
                      std::size_t changed, const std::vector<std::int64_t>& parts,
                      const std::vector<WalkLoop>& loops, std::vector<Visit>& found) const {
    if (range.size() == 0) {
        return;
    }
    if (loop == loops.size()) {
        found.push_back({range, changed});
        return;
    }
    const WalkLoop& at = loops[loop];
    if (at.kind == WalkLoop::Kind::merged) {
        visits(range, loop + 1, spatial, changed, parts, loops, found);
        return;
    }
    if (at.kind != WalkLoop::Kind::temporal) {
        visits(part_of(range, at.tile, parts[spatial]), loop + 1, spatial + 1, changed, parts,
               loops, found);
        return;
    }
    for (std::int64_t n = 0; n < ceil_divide(range.size(), at.tile); ++n) {
        visits(part_of(range, at.tile, n), loop + 1, spatial, n == 0 ? changed : at.place, parts,
               loops, found);
    }
}

std::vector<Range> TileWalk::all() const {
    std::vector<Range> tiles;
    for (const std::vector<Visit>& walk : walks_) {
        for (const Visit& visit : walk) {
            tiles.push_back(visit.range);
        }
    }
    return tiles;
}

std::vector<TileStep> TileWalk::steps(std::size_t place, bool own) const {
    std::vector<TileStep> found;
    visit_steps(place, own, [&](const Range& before, const Range& after) {
        found.emplace_back(before, after);
    });
    return found;
}

std::int64_t TileWalk::count_firsts() const {
    return static_cast<std::int64_t>(firsts_.size());
}

std::int64_t TileWalk::count_all() const {
    return summary(false).count;
}

std::int64_t TileWalk::count_steps(std::size_t place, bool own) const {
    return summary(place, own).count;
}

const TileSummary& TileWalk::summary(std::size_t place, bool own) const {
    const std::size_t at = 2 * place + (own ? 1 : 0);
    steps_.resize(std::max(steps_.size(), at + 1));
    if (!steps_[at]) {
        TileSummary found;
        visit_steps(place, own, [&](const Range& before, const Range& after) {
            found.add(after);
            found.stayed += before == after ? after.size() : 0;
        });
        steps_[at] = found;
    }
    return *steps_[at];
}

const TileSummary& TileWalk::summary(bool only_firsts) const {
    std::optional<TileSummary>& known = tiles_[only_firsts ? 1 : 0];
    if (!known) {
        known.emplace();
        for (const Range& tile : only_firsts ? firsts_ : all()) {
            known->add(tile);
        }
    }
    return *known;
}

const TileWalk& TileWalks::of(std::int64_t extent, const std::vector<WalkLoop>& loops) {
    for (const Known& known : known_) {
        if (known.extent == extent && known.loops == loops) {
            return known.walk;
        }
    }
    known_.push_back({extent, loops, TileWalk(extent, loops)});
    return known_.back().walk;
}

}  // namespace memwall
