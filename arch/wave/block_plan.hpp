// SPDX-License-Identifier: Apache-2.0
// How a matrix product is cut into thread blocks, how many of them run at a time, and how long the
// cores take.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/wave/block_cluster.hpp"
#include "arch/wave/matrix_shape.hpp"

namespace memwall {

/// What a product asks of the cores.
struct ProductDemand {
    MatrixShape shape;
    double macs_per_cycle = 1;         ///< of one core's lanes, at the layer's precision
    std::int64_t operand_bits = 8;     ///< of the wider operand, as it lies in the shared memory
    std::int64_t result_bits = 32;     ///< of an accumulator
    double operations_per_result = 0;  ///< elementwise ones on a result's way out
    double left_bytes = 0;             ///< of the first operand, each word once
    double right_bytes = 0;            ///< of the second, as all columns of blocks read it together
    double right_distinct = 0;         ///< of the second, each word once; 0: as many
    std::int64_t stored_bits = 8;      ///< of a result as it is written
    bool cuts_depth = false;           ///< several blocks may share the sums of a result
    bool shares_reads = true;          ///< blocks may form clusters, where the machine has them
};

/// The memory behind the cache.
struct DramView {
    double latency = 0;          ///< cycles from a core to it and back
    double bytes_per_cycle = 0;  ///< its peak; 0: no limit
};

/// Depth of a stage of a block's pipeline, in bytes of an operand.
inline constexpr std::int64_t kSlabBytes = 64;

struct BlockPlan {
    std::int64_t rows = 1;  ///< of a thread block's results
    std::int64_t columns = 1;
    std::int64_t slices = 1;    ///< that the depth is cut into
    std::int64_t blocks = 0;    ///< of all slices
    BlockCluster cluster;       ///< blocks that share what they read
    std::int64_t places = 0;    ///< of the blocks in whole clusters
    std::int64_t resident = 1;  ///< blocks that a core runs at a time
    std::int64_t stages = 2;    ///< slabs of its operands that a block has room for
    std::int64_t waves = 0;     ///< ceil(places / (cores x resident))
    double core_cycles = 0;     ///< of all waves, the cores' own work alone
    double feed_bytes = 0;      ///< from the shared cache into the cores, sums among them
    double shared_bytes = 0;    ///< of them, those that come with the read of a neighbour
    double sum_bytes = 0;       ///< of sums that slices read and write once more each
    double left_passes = 1;     ///< times that the first operand comes from the DRAM, on average
    double right_passes = 1;    ///< times that the second does
};

/// What of a product's blocks is given by hand; 0: not said, and chosen.
struct GivenBlock {
    std::int64_t rows = 0;
    std::int64_t columns = 0;  ///< said where the rows are
    std::int64_t stages = 0;
    std::int64_t resident = 0;
    std::optional<BlockCluster> cluster = {};
};

/// What a plan makes least, and what that counts bytes and time at.
struct BlockAim {
    MappingObjective objective = MappingObjective::latency;
    double feed = 0;       ///< J a byte from the cache into a core
    double share = 0;      ///< J: of it, without the write into the core
    double fetch = 0;      ///< J a byte from the DRAM into the cache
    double per_cycle = 0;  ///< J: all that draws power meanwhile
    bool lanes = true;     ///< products that suit the elementwise lanes may run there
    const std::map<LayerId, GivenBlock>* blocks = nullptr;  ///< by hand; must outlive the planning
};

/// What a block takes of a core.
struct BlockRoom {
    Bytes registers;  ///< sums, and what each thread holds beside them
    Bytes shared_memory;
    std::int64_t threads = 0;
};

/// Of a block of so many results in `stages` stages.
BlockRoom block_room(std::int64_t rows, std::int64_t columns, std::int64_t result_bits,
                     std::int64_t stages);

/// Of the smallest shape that libraries offer, with accumulators of so many bits.
BlockRoom smallest_block(std::int64_t result_bits);

/// Whether a product has so few rows or columns that half of any block that libraries offer, or
/// more, would be empty.
bool leaves_blocks_empty(const MatrixShape& shape);

/// The best of the block shapes that libraries offer, of which a core holds the smallest; or the
/// given one, of which it holds what is given.
BlockPlan plan_blocks(const ProductDemand& demand, const Hierarchy& gpu, const DramView& dram,
                      const BlockAim& aim = {}, const GivenBlock& given = {});

}  // namespace memwall
