// SPDX-License-Identifier: Apache-2.0
// Changes of a point of the mapspace at random, several at once: what single changes reach only
// over points that are worse.
#pragma once

#include <cstdint>
#include <random>

#include "arch/loop_nest/nest_mapspace.hpp"

namespace memwall {

/// Draws the same changes for the same seed. Space, machine and cost must outlive it.
class PointChanges {
public:
    PointChanges(const Mapspace& space, const NestMachine& machine, const NestCost& cost,
                 std::uint32_t seed = std::mt19937::default_seed)
        : space_(space), machine_(machine), cost_(cost), draw_(seed) {}

    /// One to three changes, of which each may leave the point as it is. What comes of it may not
    /// fit.
    void change(NestPoint& point);

private:
    /// From `least` to `most`, both included.
    std::int64_t draw(std::int64_t least, std::int64_t most);
    /// A level from `first` on, or a dimension.
    std::size_t level(std::size_t first);
    std::size_t dim();

    void change_tile(NestPoint& point);
    void change_order(NestPoint& point);
    void change_keeps(NestPoint& point);
    void change_parts(NestPoint& point);

    const Mapspace& space_;
    const NestMachine& machine_;
    const NestCost& cost_;
    std::mt19937 draw_;  // its sequence is fixed by the standard; those of distributions are not
};

}  // namespace memwall
