// SPDX-License-Identifier: Apache-2.0
// What a loop nest moves, holds and takes: exact counts of words at every level, for every operand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "arch/loop_nest/nest.hpp"

namespace memwall {

/// Words of one operand between the level that keeps it and the next one below that does, or the
/// lanes. Inputs and weights only go down, but for state that is brought up to date; outputs go up,
/// and partial sums come down again.
struct BoundaryTraffic {
    std::size_t operand = 0;
    std::size_t parent = 0;       ///< level
    std::size_t child = 0;        ///< level; the number of levels stands for the lanes
    std::int64_t reads = 0;       ///< leave the parent, words for several instances once
    std::int64_t deliveries = 0;  ///< arrive below, in all instances
    std::int64_t drains = 0;      ///< leave the instances below
    std::int64_t updates = 0;     ///< arrive at the parent, sums of several instances added
    std::int64_t finals = 0;      ///< of the updates, those that are results
    std::int64_t first_tile = 0;  ///< words of the first tile, of all instances once
    double stretch = 1;           ///< of the parent's time, by bursts that are not filled
    std::int64_t fills = 1;       ///< tiles that an instance below gets, one after another
    // Of the busiest instance, as if it lay away from all padding:
    std::int64_t parent_first = 0, child_first = 0;  ///< words of the first tile
    std::int64_t parent_down = 0, parent_up = 0;
    std::int64_t child_down = 0, child_up = 0;

    [[nodiscard]] std::int64_t partials() const { return updates - finals; }
    /// Of the drains, those that are results: none where sums of instances are added on their way.
    [[nodiscard]] std::int64_t drained_finals() const { return drains == updates ? finals : 0; }
    /// Additions of sums of several instances on their way up.
    [[nodiscard]] std::int64_t additions() const { return drains - updates; }
};

/// What one instance of a level holds of an operand, at most.
struct HeldTile {
    std::int64_t words = 0;
    bool changes = false;  ///< other tiles take its place: double buffering needs a second slot
    bool partial = false;  ///< of outputs: sums that are not finished
};

struct NestCounts {
    std::vector<BoundaryTraffic> boundaries;  ///< operand by operand, from the outermost
    std::vector<std::vector<HeldTile>> held;  ///< by level and operand
    std::vector<std::int64_t> bytes;          ///< by level: what one instance must hold
    std::int64_t steps = 0;                   ///< of the busiest lane, all its turns
    std::int64_t folds = 0;                   ///< sets of words that it keeps, one after another
    std::int64_t ramp = 0;                    ///< of the array's cycles: before passes begin
    std::int64_t array_cycles = 0;            ///< of steps and folds, were no memory slow
    std::int64_t lanes = 1;                   ///< that have work
    double cycles = 0;                        ///< with the ports' widths

    [[nodiscard]] const BoundaryTraffic& boundary(std::size_t operand, std::size_t parent) const;
};

/// MODEL: a level holds one tile of each operand that it keeps, and fetches a tile when it changes.
/// Tiles are refetched whole, or without the words that the tile before had (keeps_halo).
/// Multicast and spatial sums as the machine has them; instances that share a part of a window get
/// it in one read where the loops that set them apart are the innermost of that window.
NestCounts count_nest(const IterationSpace& space, const LoopNest& nest,
                      const NestMachine& machine);

/// Whether every memory of a machine holds its tiles.
bool fits(const NestCounts& counts, const NestMachine& machine);

/// Bytes through the ports of the busiest instance of each level, of the boundaries whose lower
/// level lies below `below`.
struct PortLoads {
    std::vector<double> read, written;
    std::vector<double> filled;  ///< cycles of what goes into and out of a level
    std::vector<double> waited;  ///< cycles until the data of all its fills begin to come
    double ends = 0;             ///< cycles of the first fills and the last drains
};
PortLoads port_loads(const IterationSpace& space, const NestMachine& machine,
                     const NestCounts& counts, std::size_t below);

/// Cycles of a share of a nest that takes `lanes` cycles in the lanes, with the ports of the levels
/// from `outermost` inwards: the slowest of the lanes and of all ports, and the fills of levels
/// with single buffers.
double cycles_with_ports(double lanes, const LoopNest& nest, const NestMachine& machine,
                         const PortLoads& loads, std::size_t outermost, double share);

/// Bits a word of an operand; of outputs while they are partial those of the accumulator.
int word_bits(const IterationSpace& space, std::size_t operand, bool partial);

}  // namespace memwall
