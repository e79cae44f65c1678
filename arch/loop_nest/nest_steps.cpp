// SPDX-License-Identifier: Apache-2.0
#include "arch/loop_nest/nest_steps.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace memwall {
namespace {

std::int64_t steps_in_time(const LoopNest& nest, const Extents& whole, std::size_t level) {
    Extents left = whole;
    std::int64_t steps = 1;
    for (std::size_t l = 0; l < level; ++l) {
        for (const Loop& loop : nest.levels[l].loops) {
            std::int64_t& size = left[index(loop.dim)];
            steps = checked_multiply(steps, loop.spatial ? 1 : steps_of(loop, size));
            size = std::min(size, loop.tile);
        }
    }
    return steps;
}

bool spreads(const NestLevel& level) {
    return std::any_of(level.loops.begin(), level.loops.end(),
                       [](const Loop& loop) { return loop.spatial; });
}

}  // namespace

// MODEL: moves reach down to the first memory that has several instances, or to the innermost one;
// not so far where a layer would have more than 2,000 steps, nor into the elements of a
// row-stationary array. Where the outermost level alone has more than 16,384 tiles, the outer of
// its loops make the steps, and what is inside of them streams.
std::size_t innermost_moved(const IterationSpace& space, const LoopNest& nest,
                            const NestMachine& machine) {
    if (steps_in_time(nest, space.extents, 1) > kMostOuterSteps) {
        return 0;
    }
    std::size_t moved = 1;
    while (moved + 1 < nest.levels.size() && !spreads(nest.levels[moved - 1]) &&
           !machine.in_elements(moved + 1) &&
           steps_in_time(nest, space.extents, moved + 1) <= kMostSteps) {
        ++moved;
    }
    return moved;
}

std::int64_t moved_steps(const IterationSpace& space, const LoopNest& nest,
                         const NestMachine& machine) {
    const std::size_t moved = innermost_moved(space, nest, machine);
    return steps_in_time(nest, space.extents, std::max<std::size_t>(1, moved));
}

NestSteps::NestSteps(const IterationSpace& space, const LoopNest& nest, const NestMachine& machine)
    : nest_(nest), machine_(machine), moved_(innermost_moved(space, nest, machine)) {
    if (moved_ == 0) {
        stream_outermost(space.extents);
    }
    spread_ = space.extents;
    for (std::size_t l = 0; l < moved_; ++l) {
        for (const Loop& loop : nest.levels[l].loops) {
            std::int64_t& size = spread_[index(loop.dim)];
            parts_[index(loop.dim)] *= loop.spatial ? steps_of(loop, size) : 1;
            size = std::min(size, loop.tile);
        }
    }
    std::vector<Box> at(moved_ + 1, space.box());
    list(space.box(), 0, 0, at);
}

void NestSteps::stream_outermost(Extents left) {
    std::int64_t steps = 1;
    for (const Loop& loop : nest_.levels.front().loops) {
        std::int64_t& size = left[index(loop.dim)];
        steps = checked_multiply(steps, steps_of(loop, size));
        size = std::min(size, loop.tile);
        if (loop.spatial || steps > kMostOuterSteps) {
            return;
        }
        ++walked_;
    }
}

void NestSteps::list(const Box& box, std::size_t level, std::size_t loop, std::vector<Box>& at) {
    if (level == moved_ && loop == walked_) {
        at[moved_] = box;
        tiles_.push_back(at);
        return;
    }
    const std::vector<Loop>& loops = nest_.levels[level].loops;
    if (loop == loops.size() || loops[loop].spatial) {
        at[level + 1] = box;
        list(box, level + 1, 0, at);
        return;
    }
    const Range whole = box[loops[loop].dim];
    for (std::int64_t begin = whole.begin; begin < whole.end; begin += loops[loop].tile) {
        Box part = box;
        part[loops[loop].dim] = {begin, std::min(begin + loops[loop].tile, whole.end)};
        list(part, level, loop + 1, at);
    }
}

bool NestSteps::changes(std::size_t step, std::size_t level, const Projection& projection) const {
    if (step == 0) {
        return true;
    }
    const Box& before = tiles_[step - 1][level];
    const Box& now = tiles_[step][level];
    return std::any_of(all_dims().begin(), all_dims().end(), [&](Dim dim) {
        return !(before[dim] == now[dim]) && relevant(projection, dim);
    });
}

CoreSplit NestSteps::split(std::size_t step) const {
    CoreSplit split;
    for (const Dim dim : all_dims()) {
        split.extents[index(dim)] = tiles_[step][moved_][dim].size();
        split.tile[index(dim)] = std::min(split.extents[index(dim)], spread_[index(dim)]);
    }
    return split;
}

std::vector<InstanceBox> NestSteps::instances(std::size_t step) const {
    std::vector<InstanceBox> found = {{0, tiles_[step][moved_]}};
    for (const Dim dim : all_dims()) {
        const std::int64_t parts = parts_[index(dim)];
        if (parts == 1) {
            continue;
        }
        std::vector<InstanceBox> finer;
        for (const InstanceBox& outer : found) {
            const Range whole = outer.box[dim];
            for (std::int64_t p = 0; p < parts; ++p) {
                const std::int64_t begin = whole.begin + p * spread_[index(dim)];
                if (begin < whole.end) {
                    finer.push_back({outer.lane * parts + p, outer.box});
                    finer.back().box[dim] = {begin,
                                             std::min(begin + spread_[index(dim)], whole.end)};
                }
            }
        }
        found = std::move(finer);
    }
    return found;
}

std::int64_t NestSteps::lane_steps(std::size_t step) const {
    Extents size{};
    for (const Dim dim : all_dims()) {
        size[index(dim)] = std::min(tiles_[step][moved_][dim].size(), spread_[index(dim)]);
    }
    if (size != counted_) {  // most steps are like the one before
        counted_ = size;
        counted_steps_ = lane_work(nest_, machine_, size, moved_).steps();
    }
    return counted_steps_;
}

}  // namespace memwall
