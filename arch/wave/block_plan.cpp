// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/block_plan.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "arch/wave/product_reads.hpp"

namespace memwall {
namespace {

/// Shapes of the results of a thread block, rows x columns.
/// MODEL: the thread-block shapes that CUTLASS generates for tensor instructions (NVIDIA,
/// python/cutlass_library/generator.py) and their transposes, since operands may change places; a
/// library picks the fastest.
constexpr std::array<std::pair<std::int64_t, std::int64_t>, 14> kBlocks = {{{256, 128},
                                                                            {128, 256},
                                                                            {128, 128},
                                                                            {256, 64},
                                                                            {64, 256},
                                                                            {128, 64},
                                                                            {64, 128},
                                                                            {64, 64},
                                                                            {256, 32},
                                                                            {32, 256},
                                                                            {128, 32},
                                                                            {32, 128},
                                                                            {64, 32},
                                                                            {32, 64}}};

constexpr std::int64_t kResultsPerThread = 128;  ///< at most, in registers
constexpr std::int64_t kLeastThreads = 128;
constexpr std::int64_t kOtherRegisterBytes = 256;  ///< a thread: fragments, addresses
constexpr std::int64_t kLeastStages = 2;
constexpr std::int64_t kMostStages = 4;

/// Blocks of a shape that the registers and the shared memory of a core hold at a time.
std::int64_t most_resident(std::int64_t rows, std::int64_t columns, const ProductDemand& demand,
                           const Hierarchy& gpu) {
    const BlockRoom block = block_room(rows, columns, demand.result_bits, kLeastStages);
    std::int64_t fit = gpu.operands_config->capacity.count() / block.shared_memory.count();
    if (gpu.accumulators_config != nullptr) {
        fit = std::min(fit, gpu.accumulators_config->capacity.count() / block.registers.count());
    }
    constexpr std::int64_t kMostBlocks = 16;
    return std::min(fit, kMostBlocks);
}

/// Cycles of one block.
struct BlockTimes {
    double multiplying = 0;  ///< of the lanes
    double loading = 0;      ///< of its operands, which come slab by slab
    double epilogue = 0;     ///< of the elementwise lanes
    double port = 0;         ///< of the core's way in
    double sums_before = 0;  ///< until the slices before have added theirs
};

/// MODEL: blocks that share a core take turns at its lanes: `count` of them take the longest of
/// their multiplications one after another, their epilogues one after another, their loads through
/// the core's port, and one block from its first load to its last result. So a core with one block
/// at a time waits for memory and epilogue, one with several hardly does.
double wave_cycles(std::int64_t count, const BlockTimes& block, double latency) {
    const auto blocks = static_cast<double>(count);
    return std::max({blocks * block.multiplying, blocks * block.epilogue, blocks * block.port,
                     latency + std::max(block.multiplying, block.loading) + block.epilogue +
                         block.sums_before});
}

/// MODEL: a block has the next slabs of its operands under way while it multiplies one: all but one
/// of the stages that its share of the shared memory holds. A slab comes from the cache, which the
/// DRAM fills ahead.
std::int64_t stages_of(const BlockPlan& plan, const Hierarchy& gpu) {
    const std::int64_t share = gpu.operands_config->capacity.count() / plan.resident;
    return std::clamp(share / ((plan.rows + plan.columns) * kSlabBytes), kLeastStages, kMostStages);
}

double loading_cycles(const BlockPlan& plan, double depth_bytes, const Hierarchy& gpu) {
    const double slabs = depth_bytes / static_cast<double>(kSlabBytes);
    return slabs * static_cast<double>(gpu.feed_latency().count()) /
           static_cast<double>(plan.stages - 1);
}

/// Slices of the depth that may run side by side: powers of two, each deep enough to fill the
/// pipeline, as long as the sums stay in half of the cache.
std::vector<std::int64_t> depth_slices(const ProductDemand& demand, const Hierarchy& gpu) {
    std::vector<std::int64_t> slices = {1};
    const MatrixShape& shape = demand.shape;
    const double sums = static_cast<double>(shape.groups) * static_cast<double>(shape.rows) *
                        static_cast<double>(shape.columns * demand.result_bits) / 8;
    if (demand.cuts_depth && sums <= static_cast<double>(gpu.buffer_config->capacity.count()) / 2) {
        constexpr std::int64_t kLeastDepthBytes = kSlabBytes * kMostStages;
        while (shape.depth * demand.operand_bits / 8 / (2 * slices.back()) >= kLeastDepthBytes) {
            slices.push_back(2 * slices.back());
        }
    }
    return slices;
}

/// Plans one shape of blocks.
class BlockPlanner {
public:
    BlockPlanner(const ProductDemand& demand, const Hierarchy& gpu, const DramView& dram,
                 const GivenBlock& given)
        : demand_(demand), gpu_(gpu), dram_(dram), given_(given) {}

    /// Plans of a shape, those with the most blocks a core first; none where no block fits.
    /// MODEL: a core runs as many blocks at a time as its registers and its shared memory hold and
    /// as there are for it, or fewer: of the same kernel libraries have versions with more stages,
    /// of which fewer fit beside each other.
    void plan(std::int64_t rows, std::int64_t columns, std::int64_t slices,
              const std::function<void(const BlockPlan&)>& found) const {
        BlockPlan plan;
        plan.rows = rows;
        plan.columns = columns;
        plan.slices = slices;
        const MatrixShape& shape = demand_.shape;
        const ClusterGrid grid = cluster_grid(shape, rows, columns, {});
        plan.blocks = checked_multiply(checked_multiply(grid.places(), shape.groups), slices);
        plan.sum_bytes = static_cast<double>(shape.groups * (slices - 1)) *
                         static_cast<double>(shape.rows) *
                         static_cast<double>(shape.columns * demand_.result_bits) / 8;
        plan.feed_bytes = demand_.left_bytes * static_cast<double>(grid.columns) +
                          demand_.right_bytes * static_cast<double>(grid.rows) + plan.sum_bytes;
        plan.resident = std::min(most_resident(rows, columns, demand_, gpu_),
                                 ceil_divide(plan.blocks, gpu_.cores));
        if (given_.resident > 0) {
            plan.resident = std::min(plan.resident, given_.resident);
        }
        const std::int64_t least = given_.resident > 0 ? plan.resident : 1;
        for (; plan.resident >= least; --plan.resident) {
            plan.stages = given_.stages > 0 ? given_.stages : stages_of(plan, gpu_);
            if (given_.stages > 0 && plan.resident > 1 && !holds_stages(plan)) {
                continue;
            }
            read(plan, grid.rows, grid.columns);
            for (const ClusterGrid& clusters : clusters_of(grid)) {
                share(plan, clusters);
                time(plan);
                found(plan);
            }
        }
    }

    /// Whether the shared memory holds the stages of all blocks that run at a time.
    [[nodiscard]] bool holds_stages(const BlockPlan& plan) const {
        const BlockRoom room =
            block_room(plan.rows, plan.columns, demand_.result_bits, plan.stages);
        return room.shared_memory * plan.resident <= gpu_.operands_config->capacity;
    }

    /// The longest of the cores' work, of the cache's and of the DRAM's. An operand that the cache
    /// can hold may lie there before.
    [[nodiscard]] double cycles(const BlockPlan& plan) const {
        return std::max(cycles_on_chip(plan),
                        dram_.bytes_per_cycle > 0 ? dram_bytes(plan) / dram_.bytes_per_cycle : 0);
    }

    /// What the operands move at the DRAM.
    [[nodiscard]] double dram_bytes(const BlockPlan& plan) const {
        const auto cache = static_cast<double>(gpu_.buffer_config->capacity.count());
        const auto reads = [&](double distinct, double passes) {
            return passes > 1 || distinct > cache ? distinct * passes : 0;
        };
        return reads(demand_.left_bytes, plan.left_passes) +
               reads(right_distinct(), plan.right_passes);
    }

    /// Of an objective, then what decides between equals: where the DRAM bounds the time, what the
    /// others take.
    [[nodiscard]] std::pair<double, double> costs(const BlockPlan& plan,
                                                  const BlockAim& aim) const {
        const double time = cycles(plan);
        const double joules = plan.feed_bytes * aim.feed - plan.shared_bytes * aim.share +
                              dram_bytes(plan) * aim.fetch + time * aim.per_cycle;
        switch (aim.objective) {
            case MappingObjective::latency:
                return {time, cycles_on_chip(plan)};
            case MappingObjective::energy:
                return {joules, time};
            case MappingObjective::energy_delay:
                return {joules * time, time};
            case MappingObjective::traffic:
                return {dram_bytes(plan), time};
        }
        fail("unknown objective");
    }

    [[nodiscard]] double cycles_on_chip(const BlockPlan& plan) const {
        return std::max(plan.core_cycles,
                        (plan.feed_bytes - plan.shared_bytes) / gpu_.feed_width());
    }

private:
    /// The ways to cut a grid into clusters, those that share most first.
    [[nodiscard]] std::vector<ClusterGrid> clusters_of(ClusterGrid grid) const {
        std::vector<BlockCluster> shapes =
            cluster_shapes(demand_.shares_reads ? gpu_.operands_config->cluster : 1);
        if (given_.cluster) {
            shapes = {*given_.cluster};
        }
        std::vector<ClusterGrid> grids;
        for (const BlockCluster& cluster : shapes) {
            grid.cluster = cluster;
            grids.push_back(grid);
        }
        std::stable_sort(grids.begin(), grids.end(), [&](const auto& a, const auto& b) {
            return shared_bytes(a) > shared_bytes(b);
        });
        return grids;
    }

    [[nodiscard]] double shared_bytes(const ClusterGrid& grid) const {
        return demand_.left_bytes * static_cast<double>(grid.left_shared()) +
               demand_.right_bytes * static_cast<double>(grid.right_shared());
    }

    /// Fills in what blocks of a cluster share, and the places that they take.
    void share(BlockPlan& plan, const ClusterGrid& grid) const {
        plan.cluster = grid.cluster;
        plan.shared_bytes = shared_bytes(grid);
        plan.places =
            checked_multiply(checked_multiply(grid.places(), demand_.shape.groups), plan.slices);
    }

    [[nodiscard]] double right_distinct() const {
        return demand_.right_distinct > 0 ? demand_.right_distinct : demand_.right_bytes;
    }

    [[nodiscard]] double depth_bytes(const BlockPlan& plan) const {
        return static_cast<double>(demand_.shape.depth) / static_cast<double>(plan.slices) *
               static_cast<double>(demand_.operand_bits) / 8;
    }

    /// Fills in how often the operands come from the DRAM: each group and each slice of the depth
    /// is a product of its own.
    void read(BlockPlan& plan, std::int64_t row_blocks, std::int64_t column_blocks) const {
        if (demand_.left_bytes <= 0 || right_distinct() <= 0) {
            return;
        }
        const auto products = static_cast<double>(demand_.shape.groups * plan.slices);
        const double slabs =
            std::min(static_cast<double>(plan.stages * kSlabBytes), depth_bytes(plan));
        const auto operand = [&](std::int64_t strips, double bytes, double distinct,
                                 std::int64_t width) {
            const double strip = bytes / products / static_cast<double>(strips);
            return ProductOperand{strips, strip, distinct / products,
                                  std::min(strip, slabs * static_cast<double>(width))};
        };
        ProductGrid grid;
        grid.left = operand(row_blocks, demand_.left_bytes, demand_.left_bytes, plan.rows);
        grid.right = operand(column_blocks, demand_.right_bytes, right_distinct(), plan.columns);
        grid.result = static_cast<double>(plan.rows * plan.columns * demand_.stored_bits) / 8;
        grid.at_once =
            static_cast<double>(std::min(gpu_.cores * plan.resident, row_blocks * column_blocks));
        const ProductReads reads =
            product_reads(grid, static_cast<double>(gpu_.buffer_config->capacity.count()));
        const auto passes = [](double bytes, double distinct) {
            constexpr double kRounding = 1e-9;
            return bytes > distinct * (1 + kRounding) ? bytes / distinct : 1;
        };
        plan.left_passes = passes(reads.left, grid.left.distinct);
        plan.right_passes = passes(reads.right, grid.right.distinct);
    }

    /// Fills in the waves and their cycles.
    void time(BlockPlan& plan) const {
        const BlockTimes block = times(plan);
        const std::int64_t at_once = gpu_.cores * plan.resident;
        const std::int64_t full = plan.places / at_once;
        const std::int64_t rest = plan.places - full * at_once;
        plan.waves = full + (rest > 0 ? 1 : 0);
        plan.core_cycles =
            static_cast<double>(full) * wave_cycles(plan.resident, block, dram_.latency);
        if (rest > 0) {
            plan.core_cycles += wave_cycles(ceil_divide(rest, gpu_.cores), block, dram_.latency);
        }
    }

    /// MODEL: slices of a depth add their sums one after another: each reads what those before it
    /// have left in the cache, in the accumulators' precision, adds its own and writes it back
    /// (CUTLASS's serial split-K); the last one goes on to the epilogue.
    [[nodiscard]] BlockTimes times(const BlockPlan& plan) const {
        const double lanes = demand_.macs_per_cycle * gpu_.array_config->issue_efficiency;
        const auto vector_lanes = static_cast<double>(gpu_.vector_config->lanes);
        const auto width = static_cast<double>(gpu_.operands_config->write_width.count());
        const auto results = static_cast<double>(plan.rows * plan.columns);
        const double depth =
            static_cast<double>(demand_.shape.depth) / static_cast<double>(plan.slices);
        const double sums = results * static_cast<double>(demand_.result_bits) / 8;
        const auto before = static_cast<double>(plan.slices - 1);
        BlockTimes block;
        block.multiplying = results * depth / lanes;
        block.loading = loading_cycles(plan, depth_bytes(plan), gpu_);
        block.epilogue = results * demand_.operations_per_result / vector_lanes;
        const double operands = static_cast<double>(plan.rows + plan.columns) * depth_bytes(plan);
        if (width > 0) {  // else no limit of its own
            block.port = operands / width;
        }
        if (plan.slices > 1) {
            const double there_and_back = width > 0 ? 2 * sums / width : 0;
            const double adding = results / vector_lanes;
            block.port += there_and_back / 2;
            block.epilogue += adding;
            block.sums_before = before * (there_and_back + adding +
                                          static_cast<double>(gpu_.feed_latency().count()));
        }
        return block;
    }

    const ProductDemand& demand_;
    const Hierarchy& gpu_;
    const DramView& dram_;
    const GivenBlock& given_;
};

}  // namespace

BlockRoom block_room(std::int64_t rows, std::int64_t columns, std::int64_t result_bits,
                     std::int64_t stages) {
    const std::int64_t results = rows * columns;
    const std::int64_t threads = std::max(kLeastThreads, ceil_divide(results, kResultsPerThread));
    return {Bytes(results * result_bits / 8 + threads * kOtherRegisterBytes),
            Bytes((rows + columns) * kSlabBytes * stages), threads};
}

BlockRoom smallest_block(std::int64_t result_bits) {
    const auto& [rows, columns] = kBlocks.back();
    return block_room(rows, columns, result_bits, kLeastStages);
}

bool leaves_blocks_empty(const MatrixShape& shape) {
    const auto& [rows, columns] = kBlocks.back();
    return 2 * std::min(shape.rows, shape.columns) <= std::min(rows, columns);
}

BlockPlan plan_blocks(const ProductDemand& demand, const Hierarchy& gpu, const DramView& dram,
                      const BlockAim& aim, const GivenBlock& given) {
    const BlockPlanner planner(demand, gpu, dram, given);
    std::vector<std::pair<std::int64_t, std::int64_t>> shapes(kBlocks.begin(), kBlocks.end());
    if (given.rows > 0) {
        shapes = {{given.rows, given.columns}};
    }
    std::optional<BlockPlan> best;
    std::pair<double, double> least;  // of the objective, then of what decides between equals
    for (const std::int64_t slices : depth_slices(demand, gpu)) {
        for (const auto& [rows, columns] : shapes) {
            planner.plan(rows, columns, slices, [&](const BlockPlan& plan) {
                const std::pair<double, double> costs = planner.costs(plan, aim);
                constexpr double kLess = 1 - 1e-9;
                const bool equal = best && costs.first < least.first / kLess;
                if (!best || costs.first < least.first * kLess ||
                    (equal && costs.second < least.second * kLess)) {
                    least = costs;
                    best = plan;
                }
            });
        }
    }
    ensure(best.has_value(), "the smallest block fits a core");
    return *best;
}

}  // namespace memwall
