// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/attention_kernel.hpp"

#include <algorithm>
#include <initializer_list>

#include "arch/wave/matrix_shape.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kRowsHeldWhole = 64;

/// What a block holds in a core's registers (sums of scores and of results) and in its shared
/// memory (queries, keys and values).
struct BlockRoom {
    std::int64_t registers = 0;
    std::int64_t shared = 0;
};

BlockRoom room_of(std::int64_t rows, std::int64_t keys, const Layer& scores, const Layer& values) {
    const std::int64_t depth = matrix_shape(scores).depth;
    const std::int64_t features = matrix_shape(values).columns;
    const std::int64_t sum_bits = bits(scores.precision.accumulator);
    const std::int64_t word_bits = bits(scores.space.operands[1].precision);
    return {rows * (keys + features) * sum_bits / 8,
            (rows * depth + keys * (depth + features)) * word_bits / 8};
}

/// Keys that the queries in [begin, end) of a head see, as a range.
Range seen_keys(const std::optional<Mask>& mask, std::int64_t begin, std::int64_t end,
                std::int64_t columns) {
    if (!mask) {
        return {0, columns};
    }
    const std::int64_t reach = mask->columns - mask->rows;
    const std::int64_t first = mask->window == 0 ? 0 : begin + reach - mask->window + 1;
    return {std::max<std::int64_t>(0, first), std::min(columns, end + reach)};
}

/// Goes over the blocks of queries and adds up the blocks of keys that each meets.
/// MODEL: blocks of keys that a mask leaves out as a whole are passed over, others are computed.
void count_blocks(const Layer& scores, const Layer& values, AttentionBlocks& blocks) {
    const MatrixShape shape = matrix_shape(scores);
    const std::optional<Mask>& mask = scores.space.mask;
    // Queries of several heads lie behind each other; few of each (decoding) share a block.
    const bool packed = !mask || mask->rows < blocks.rows;
    const std::int64_t of_head = packed ? shape.rows : mask->rows;
    const std::int64_t heads = shape.rows / of_head;
    std::int64_t met = 0;
    std::int64_t rescaled_rows = 0;
    for (std::int64_t begin = 0; begin < of_head; begin += blocks.rows) {
        const std::int64_t end = std::min(of_head, begin + blocks.rows);
        const Range seen = packed && mask ? seen_keys(mask, 0, mask->rows, shape.columns)
                                          : seen_keys(mask, begin, end, shape.columns);
        const std::int64_t count = ceil_divide(seen.end, blocks.keys) - seen.begin / blocks.keys;
        met += count;
        rescaled_rows += (end - begin) * std::max<std::int64_t>(0, count - 1);
    }
    const std::int64_t per_head = ceil_divide(of_head, blocks.rows);
    blocks.row_blocks = per_head * heads;
    blocks.met_keys = std::min(shape.columns, ceil_divide(met * blocks.keys, per_head));
    blocks.key_passes = static_cast<double>(blocks.row_blocks) *
                        static_cast<double>(blocks.met_keys) / static_cast<double>(shape.columns);
    // MODEL: of each block of keys after the first, every query takes the difference of the
    // maxima and its exponential, and multiplies its sum and its results by it.
    constexpr std::int64_t kFactorAndSum = 3;
    const std::int64_t a_row = kFactorAndSum + matrix_shape(values).columns;
    blocks.rescaling =
        checked_multiply(checked_multiply(rescaled_rows, heads * shape.groups), a_row);
}

/// MODEL: blocks of queries that run at a time go through the keys and values in step. Where those
/// of a head, as far as a block meets them, are larger than half of the cache, each wave of blocks
/// fetches them anew; where not even the keys of a block and their values fit it, each block does.
std::int64_t dram_passes(const Layer& scores, const Layer& values, const AttentionBlocks& blocks,
                         const Hierarchy& gpu) {
    const MatrixShape shape = matrix_shape(scores);
    const BlockRoom room = room_of(blocks.rows, blocks.keys, scores, values);
    const std::int64_t a_key =
        (shape.depth + matrix_shape(values).columns) * bits(scores.space.operands[1].precision) / 8;
    if (checked_multiply(blocks.met_keys, a_key) <= gpu.buffer_config->capacity.count() / 2) {
        return 1;
    }
    if (blocks.keys * a_key > gpu.buffer_config->capacity.count()) {
        return blocks.row_blocks;
    }
    const std::int64_t resident = std::max<std::int64_t>(
        1, std::min(gpu.accumulators_config->capacity.count() / room.registers,
                    gpu.operands_config->capacity.count() / room.shared));
    return ceil_divide(blocks.row_blocks, gpu.cores * resident);
}

}  // namespace

// MODEL: an attention is one kernel, as in vendors' libraries. Where 64 rows of its scores fit the
// registers of a core, they are normalised there at once; else blocks of keys and values go by 128
// or fewer queries, whose maximum, sum and results are rescaled (FlashAttention-2, Dao, 2023). The
// block is the largest that fits half of the registers, and the shared memory.
std::optional<AttentionBlocks> attention_blocks(const Layer& scores, const Layer& values,
                                                const Hierarchy& gpu) {
    const MatrixShape shape = matrix_shape(scores);
    const std::int64_t registers = gpu.accumulators_config->capacity.count();
    AttentionBlocks blocks;
    blocks.rows = std::min(kRowsHeldWhole, shape.rows);
    if (blocks.rows * shape.columns * bits(scores.precision.accumulator) / 8 <= registers) {
        return blocks;
    }
    for (const std::int64_t rows : {128, 64, 32, 16}) {
        for (const std::int64_t keys : {128, 64, 32}) {
            const BlockRoom room = room_of(rows, keys, scores, values);
            if (room.registers <= registers / 2 &&
                room.shared <= gpu.operands_config->capacity.count()) {
                blocks.rows = rows;
                blocks.keys = keys;
                count_blocks(scores, values, blocks);
                blocks.dram_passes = dram_passes(scores, values, blocks, gpu);
                return blocks;
            }
        }
    }
    return std::nullopt;
}

}  // namespace memwall
