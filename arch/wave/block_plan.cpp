// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/block_plan.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace memwall {
namespace {

/// Shapes of the results of a thread block, rows x columns.
/// MODEL: the thread-block shapes of CUTLASS (NVIDIA, media/docs/efficient_gemm.md and its default
/// configurations); a library picks the fastest.
constexpr std::array<std::pair<std::int64_t, std::int64_t>, 12> kBlocks = {{{256, 128},
                                                                            {128, 256},
                                                                            {128, 128},
                                                                            {256, 64},
                                                                            {64, 256},
                                                                            {128, 64},
                                                                            {64, 128},
                                                                            {64, 64},
                                                                            {256, 32},
                                                                            {32, 256},
                                                                            {64, 32},
                                                                            {32, 64}}};

constexpr std::int64_t kResultsPerThread = 128;  ///< at most, in registers
constexpr std::int64_t kLeastThreads = 128;
constexpr std::int64_t kOtherRegisterBytes = 256;  ///< a thread: fragments, addresses
constexpr std::int64_t kSlabBytes = 64;            ///< depth of a stage of the pipeline, in bytes
constexpr std::int64_t kLeastStages = 2;
constexpr std::int64_t kMostStages = 4;

/// MODEL: a core runs as many blocks at a time as its registers and its shared memory hold.
std::int64_t resident_blocks(std::int64_t rows, std::int64_t columns, const ProductDemand& demand,
                             const Hierarchy& gpu) {
    const std::int64_t results = rows * columns;
    const std::int64_t threads = std::max(kLeastThreads, ceil_divide(results, kResultsPerThread));
    const std::int64_t registers = results * demand.result_bits / 8 + threads * kOtherRegisterBytes;
    const std::int64_t stages = (rows + columns) * kSlabBytes * kLeastStages;
    std::int64_t fit = gpu.operands_config->capacity.count() / stages;
    if (gpu.accumulators_config != nullptr) {
        fit = std::min(fit, gpu.accumulators_config->capacity.count() / registers);
    }
    return std::min<std::int64_t>(fit, 16);
}

/// Cycles of one block.
struct BlockTimes {
    double multiplying = 0;  ///< of the lanes
    double loading = 0;      ///< of its operands, which come slab by slab
    double epilogue = 0;     ///< of the elementwise lanes
};

/// MODEL: blocks that share a core take turns at its lanes: `count` of them take the longest of
/// their multiplications one after another, their epilogues one after another, their loads through
/// the core's port, and one block from its first load to its last result. So a core with one block
/// at a time waits for memory and epilogue, one with several hardly does.
double wave_cycles(std::int64_t count, const BlockTimes& block, double port, double latency) {
    const auto blocks = static_cast<double>(count);
    return std::max({blocks * block.multiplying, blocks * block.epilogue, blocks * port,
                     latency + std::max(block.multiplying, block.loading) + block.epilogue});
}

/// MODEL: a block has the next slabs of its operands under way while it multiplies one: all but one
/// of the stages that its share of the shared memory holds. A slab comes from the cache, which the
/// DRAM fills ahead.
double loading_cycles(std::int64_t rows, std::int64_t columns, std::int64_t resident,
                      double depth_bytes, const Hierarchy& gpu) {
    const std::int64_t share = gpu.operands_config->capacity.count() / resident;
    const std::int64_t stages =
        std::clamp(share / ((rows + columns) * kSlabBytes), kLeastStages, kMostStages);
    const double slabs = depth_bytes / static_cast<double>(kSlabBytes);
    return slabs * static_cast<double>(gpu.feed_latency().count()) /
           static_cast<double>(stages - 1);
}

}  // namespace

BlockPlan plan_blocks(const ProductDemand& demand, const Hierarchy& gpu, double memory_latency) {
    const MatrixShape& shape = demand.shape;
    const double lanes = demand.macs_per_cycle * gpu.array_config->issue_efficiency;
    const auto vector_lanes = static_cast<double>(gpu.vector_config->lanes);
    const auto width = static_cast<double>(gpu.operands_config->write_width.count());
    std::optional<BlockPlan> best;
    double least = 0;
    for (const auto& [rows, columns] : kBlocks) {
        BlockPlan plan;
        plan.rows = rows;
        plan.columns = columns;
        plan.resident = resident_blocks(rows, columns, demand, gpu);
        if (plan.resident < 1) {
            continue;
        }
        const std::int64_t row_blocks = ceil_divide(shape.rows, rows);
        const std::int64_t column_blocks = ceil_divide(shape.columns, columns);
        plan.blocks = checked_multiply(checked_multiply(row_blocks, column_blocks), shape.groups);
        const auto results = static_cast<double>(rows * columns);
        const auto depth_bytes = static_cast<double>(shape.depth * demand.operand_bits) / 8;
        const BlockTimes block{results * static_cast<double>(shape.depth) / lanes,
                               loading_cycles(rows, columns, plan.resident, depth_bytes, gpu),
                               results * demand.operations_per_result / vector_lanes};
        const double port = width > 0 ? static_cast<double>(rows + columns) * depth_bytes / width
                                      : 0;  // no limit of its own
        const std::int64_t at_once = gpu.cores * plan.resident;
        const std::int64_t full = plan.blocks / at_once;
        const std::int64_t rest = plan.blocks - full * at_once;
        plan.waves = full + (rest > 0 ? 1 : 0);
        plan.core_cycles =
            static_cast<double>(full) * wave_cycles(plan.resident, block, port, memory_latency);
        if (rest > 0) {
            plan.core_cycles +=
                wave_cycles(ceil_divide(rest, gpu.cores), block, port, memory_latency);
        }
        plan.feed_bytes = demand.left_bytes * static_cast<double>(column_blocks) +
                          demand.right_bytes * static_cast<double>(row_blocks);
        const double cycles = std::max(plan.core_cycles, plan.feed_bytes / gpu.feed_width());
        if (!best || cycles < least * (1 - 1e-9)) {
            least = cycles;
            best = plan;
        }
    }
    ensure(best.has_value(), "the smallest block fits a core");
    return *best;
}

}  // namespace memwall
