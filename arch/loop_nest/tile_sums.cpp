// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/tile_sums.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <limits>

#include "arch/axis_reach.hpp"
#include "base/quantity.hpp"

namespace memwall {
namespace {

/// The distinct indices of one axis over a box, in order; padding left out.
std::vector<std::int64_t> indices(const Axis& axis, const Box& box) {
    std::vector<std::int64_t> found = {axis.offset};
    for (const AxisTerm& term : axis.terms) {
        std::vector<std::int64_t> more;
        for (const std::int64_t base : found) {
            for (std::int64_t i = box[term.dim].begin; i < box[term.dim].end; ++i) {
                more.push_back(base + term.coefficient * i);
            }
        }
        found = std::move(more);
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    const auto outside = [&](std::int64_t i) { return i < 0 || i >= axis.extent; };
    found.erase(std::remove_if(found.begin(), found.end(), outside), found.end());
    return found;
}

std::int64_t axis_words(const Axis& axis, const Box& box) {
    if (axis.terms.size() == 1 && axis.terms[0].coefficient == 1) {
        const Range range = box[axis.terms[0].dim];
        return intersection({range.begin + axis.offset, range.end + axis.offset}, {0, axis.extent})
            .size();
    }
    return touched_indices(axis, box);
}

/// The same with padding left out.
Range reach_in_tensor(const Axis& axis, const Box& box) {
    return intersection(reach(axis, box), {0, axis.extent});
}

/// What two tiles have in common. Most are without gaps.
std::int64_t common_words(const Axis& axis, const Box& before, const Box& after) {
    const Range first = reach_in_tensor(axis, before);
    const Range second = reach_in_tensor(axis, after);
    if (axis_words(axis, before) == first.size() && axis_words(axis, after) == second.size()) {
        return intersection(first, second).size();
    }
    const std::vector<std::int64_t> a = indices(axis, before);
    const std::vector<std::int64_t> b = indices(axis, after);
    std::vector<std::int64_t> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return static_cast<std::int64_t>(both.size());
}

/// Words of one tile after another along an axis: away from the padding the sizes decide.
class AxisWords {
public:
    explicit AxisWords(const Axis& axis) : axis_(axis) {}

    [[nodiscard]] std::int64_t of(const Box& box) {
        if (axis_.terms.size() != 2) {
            return axis_words(axis_, box);
        }
        const Range& p = box[axis_.terms[0].dim];
        const Range& r = box[axis_.terms[1].dim];
        if (p.size() <= 0 || r.size() <= 0 || leaves(axis_, box)) {
            return axis_words(axis_, box);
        }
        for (const Known& known : known_) {
            if (known.p == p.size() && known.r == r.size()) {
                return known.words;
            }
        }
        next_ = (next_ + 1) % known_.size();
        known_[next_] = {p.size(), r.size(),
                         window_words(p.size(), std::abs(axis_.terms[0].coefficient), r.size(),
                                      std::abs(axis_.terms[1].coefficient))};
        return known_[next_].words;
    }

private:
    struct Known {
        std::int64_t p = 0, r = 0, words = 0;
    };
    const Axis& axis_;
    std::array<Known, 4> known_{};
    std::size_t next_ = 0;
};

/// So many tiles, or steps from one to the next, that are alike.
template <class Tile>
struct Alike {
    Tile tile;
    std::int64_t times = 1;
};

bool are_alike(const Range& a, const Range& b) {
    return a.size() == b.size();
}

bool are_alike(const TileStep& a, const TileStep& b) {
    return are_alike(a.first, b.first) && are_alike(a.second, b.second) &&
           a.second.begin - a.first.begin == b.second.begin - b.first.begin;
}

Range hull(const Range& range) {
    return range;
}

Range hull(const TileStep& step) {
    return {std::min(step.first.begin, step.second.begin),
            std::max(step.first.end, step.second.end)};
}

/// Tiles of each of an axis's terms. Where none of them reaches into the padding it does not matter
/// where they lie: those that are alike count as one.
template <class Tile>
std::vector<std::vector<Alike<Tile>>> alike(const Axis& axis,
                                            const std::vector<std::vector<Tile>>& tiles) {
    Box all{};
    for (std::size_t t = 0; t < tiles.size(); ++t) {
        Range& range = all[axis.terms[t].dim];
        range = tiles[t].empty() ? Range{} : hull(tiles[t].front());
        for (const Tile& tile : tiles[t]) {
            range = {std::min(range.begin, hull(tile).begin), std::max(range.end, hull(tile).end)};
        }
    }
    const bool anywhere = !leaves(axis, all);
    std::vector<std::vector<Alike<Tile>>> found;
    for (const std::vector<Tile>& of_term : tiles) {
        std::vector<Alike<Tile>>& groups = found.emplace_back();
        for (const Tile& tile : of_term) {
            const auto same =
                std::find_if(groups.begin(), anywhere ? groups.end() : groups.begin(),
                             [&](const Alike<Tile>& known) { return are_alike(known.tile, tile); });
            if (anywhere && same != groups.end()) {
                ++same->times;
            } else {
                groups.push_back({tile});
            }
        }
    }
    return found;
}

/// Where an axis has no end: no tile of it lies in the padding.
Axis endless(Axis axis) {
    axis.extent = std::numeric_limits<std::int64_t>::max() / 4;
    axis.offset = axis.extent / 2;
    return axis;
}

}  // namespace

std::int64_t TileSums::sum(const Axis& axis, Tiles which) const {
    if (axis.terms.size() == 1 && axis.terms.front().coefficient != 0) {
        const Dim dim = axis.terms.front().dim;
        const TileSummary& all = walk(dim).summary(which == Tiles::firsts);
        Box hull{};
        hull[dim] = all.hull;
        if (!leaves(axis, hull)) {
            return all.extent;
        }
    }
    std::vector<std::vector<Range>> tiles;
    for (const AxisTerm& term : axis.terms) {
        tiles.push_back(which == Tiles::firsts ? walk(term.dim).firsts() : walk(term.dim).all());
    }
    const std::vector<std::vector<Alike<Range>>> groups = alike(axis, tiles);
    std::int64_t total = 0;
    Box box{};
    AxisWords words(axis);
    const auto visit = [&](const auto& self, std::size_t term, std::int64_t times) -> void {
        if (term == axis.terms.size()) {
            total += times * words.of(box);
            return;
        }
        for (const auto& [range, of_term] : groups[term]) {
            box[axis.terms[term].dim] = range;
            self(self, term + 1, times * of_term);
        }
    };
    visit(visit, 0, 1);
    return total;
}

TileSums::TileSums(const IterationSpace& space, const Projection& projection,
                   const std::vector<PlacedLoop>& loops, std::size_t parent, Instances instances,
                   const NestMachine& machine, Sharing sharing, TileWalks& walks)
    : projection_(projection), loops_(loops) {
    if (instances == Instances::one || instances == Instances::parent) {
        std::transform(projection_.axes.begin(), projection_.axes.end(), projection_.axes.begin(),
                       endless);
    }
    for (const Dim dim : all_dims()) {
        in_axis_.push_back(relevant(projection, dim));
        if (space.extent(dim) == 1) {
            walks_[index(dim)] = &walks.of(1, {});
            continue;
        }
        dims_.push_back(dim);
        walks_[index(dim)] =
            &walks.of(space.extent(dim), walk_loops(dim, parent, instances, machine, sharing));
    }
}

std::int64_t TileSums::product(Tiles beside, Tiles along) const {
    std::int64_t product = 1;
    for (const Dim dim : dims_) {
        if (!in_axis_[index(dim)]) {
            product = checked_multiply(product, beside == Tiles::firsts ? walk(dim).count_firsts()
                                                                        : walk(dim).count_all());
        }
    }
    for (const Axis& axis : projection_.axes) {
        product = checked_multiply(product, sum(axis, along));
    }
    return product;
}

std::int64_t TileSums::every_visit() const {
    return product(Tiles::all, Tiles::all);
}

std::int64_t TileSums::first_tiles() const {
    return product(Tiles::firsts, Tiles::firsts);
}

std::int64_t TileSums::distinct() const {
    return product(Tiles::firsts, Tiles::all);
}

std::int64_t TileSums::fetched(bool keeps_halo, std::size_t visited) const {
    std::int64_t words = first_tiles();
    for (std::size_t place = 0; place < loops_.size(); ++place) {
        if (!loops_[place].loop.spatial) {
            words += fetched_when(place, loops_[place].level >= visited, keeps_halo);
        }
    }
    return words;
}

std::vector<WalkLoop> TileSums::walk_loops(Dim dim, std::size_t parent, Instances instances,
                                           const NestMachine& machine, Sharing sharing) {
    std::vector<WalkLoop> mine;
    for (std::size_t place = 0; place < loops_.size(); ++place) {
        const PlacedLoop& at = loops_[place];
        if (at.loop.dim != dim) {
            continue;
        }
        WalkLoop loop{at.loop.tile, place, WalkLoop::Kind::temporal};
        if (at.loop.spatial) {
            loop.kind = kind_of(at, place, parent, instances, machine, sharing);
            merged_[index(dim)] = merged_[index(dim)] || loop.kind == WalkLoop::Kind::merged;
        }
        mine.push_back(loop);
    }
    return mine;
}

WalkLoop::Kind TileSums::kind_of(const PlacedLoop& at, std::size_t place, std::size_t parent,
                                 Instances instances, const NestMachine& machine,
                                 Sharing sharing) const {
    if (instances == Instances::one || (instances == Instances::parent && at.level < parent)) {
        return WalkLoop::Kind::first;
    }
    const NestMemory& memory = machine.memories[at.level];
    const bool shares =
        sharing == Sharing::any || (sharing == Sharing::sums ? memory.reduces : memory.multicasts);
    if (instances == Instances::all || at.level < parent || !shares) {
        return WalkLoop::Kind::each;
    }
    if (!relevant(projection_, at.loop.dim)) {
        return WalkLoop::Kind::first;
    }
    return sharing == Sharing::multicast && innermost_of_window(place) ? WalkLoop::Kind::merged
                                                                       : WalkLoop::Kind::each;
}

bool TileSums::innermost_of_window(std::size_t place) const {
    for (const Axis& axis : projection_.axes) {
        const auto in_axis = [&](Dim dim) {
            return std::any_of(axis.terms.begin(), axis.terms.end(),
                               [&](const AxisTerm& term) { return term.dim == dim; });
        };
        if (axis.terms.size() < 2 || !in_axis(loops_[place].loop.dim)) {
            continue;
        }
        for (std::size_t inner = place + 1; inner < loops_.size(); ++inner) {
            if (in_axis(loops_[inner].loop.dim) && !loops_[inner].loop.spatial) {
                return false;
            }
        }
        return true;
    }
    return false;
}

TileSums::Sums TileSums::step_sums(const Axis& axis, std::size_t place, bool keeps_halo) const {
    Sums sums;
    Box before{};
    Box after{};
    if (axis.terms.size() == 1 && !keeps_halo) {
        const Dim dim = axis.terms.front().dim;
        const TileSummary& all = walk(dim).summary(place, loops_[place].loop.dim == dim);
        after[dim] = all.hull;
        if (axis.terms.front().coefficient != 0 && !leaves(axis, after)) {
            return {all.extent, all.stayed};
        }
        walk(dim).visit_steps(place, loops_[place].loop.dim == dim,
                              [&](const Range& first, const Range& second) {
                                  after[dim] = second;
                                  const std::int64_t words = axis_words(axis, after);
                                  sums.words += words;
                                  sums.kept += first == second ? words : 0;
                              });
        return sums;
    }
    std::vector<std::vector<TileStep>> steps;
    for (const AxisTerm& term : axis.terms) {
        steps.push_back(walk(term.dim).steps(place, loops_[place].loop.dim == term.dim));
    }
    // What one of several instances had, another one may lack: only a whole tile stays then.
    const bool overlaps =
        keeps_halo && std::none_of(axis.terms.begin(), axis.terms.end(),
                                   [&](const AxisTerm& term) { return merged_[index(term.dim)]; });
    const std::vector<std::vector<Alike<TileStep>>> groups = alike(axis, steps);
    AxisWords words_of(axis);
    const auto visit = [&](const auto& self, std::size_t term, std::int64_t times,
                           bool same) -> void {
        if (term == axis.terms.size()) {
            const std::int64_t words = words_of.of(after);
            sums.words += times * words;
            sums.kept += times * (same ? words : overlaps ? common_words(axis, before, after) : 0);
            return;
        }
        const Dim dim = axis.terms[term].dim;
        for (const auto& [step, of_term] : groups[term]) {
            before[dim] = step.first;
            after[dim] = step.second;
            self(self, term + 1, times * of_term, same && step.first == step.second);
        }
    };
    visit(visit, 0, 1, true);
    return sums;
}

std::int64_t TileSums::fetched_when(std::size_t place, bool stays, bool keeps_halo) const {
    std::int64_t words = 1;
    std::int64_t kept = 1;
    for (const Dim dim : dims_) {
        if (!in_axis_[index(dim)]) {
            const bool own = loops_[place].loop.dim == dim;
            const std::int64_t times = walk(dim).count_steps(place, own);
            words = checked_multiply(words, times);
            kept = checked_multiply(kept, times);
        }
    }
    for (const Axis& axis : projection_.axes) {
        const Sums sums = step_sums(axis, place, keeps_halo);
        words = checked_multiply(words, sums.words);
        kept = checked_multiply(kept, sums.kept);
    }
    return stays ? words - kept : words;
}

std::int64_t tile_words(const Projection& projection, const Extents& tile) {
    std::int64_t words = 1;
    for (const Axis& axis : projection.axes) {
        words = checked_multiply(words,
                                 std::min(axis.extent, axis_words(endless(axis), whole_box(tile))));
    }
    return words;
}

}  // namespace memwall
