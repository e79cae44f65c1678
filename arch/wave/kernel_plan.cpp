// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/kernel_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/core_split.hpp"
#include "arch/wave/kernel_traffic.hpp"
#include "arch/wave/warp_reads.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

bool is_attention(const Layer& layer) {
    return layer.composite && layer.composite->op == "attention";
}

/// Groups fused layers into kernels and finds what each asks of the cores.
class KernelPlanner {
public:
    KernelPlanner(const Network& network, const Hierarchy& gpu, const DramView& dram,
                  const BlockAim& aim)
        : network_(network), gpu_(gpu), dram_(dram), aim_(aim) {
        for (std::size_t t = 0; t < network.tensors().size(); ++t) {
            const Tensor& tensor = network.tensor(TensorId(t));
            lasting_ += tensor.is_weight() || tensor.persists()
                            ? network.tensor_bytes(TensorId(t)).count()
                            : 0;
        }
    }

    WavePlan run() {
        plan_.fused = fuse_layers(network_);
        for (std::size_t f = 0; f < plan_.fused.size();) {
            Kernel kernel;
            const std::optional<AttentionBlocks> attention = attention_at(f);
            const std::size_t count = attention ? 3 : 1;
            for (std::size_t p = 0; p < count; ++p) {
                kernel.parts.push_back(f + p);
            }
            if (attention && attention->keys > 0) {
                kernel.attention = attention;
                kernel.core_cycles += static_cast<double>(attention->rescaling) / vector_lanes();
                kernel.summary = fmt::format("{} keys at a time past {} queries", attention->keys,
                                             attention->rows);
            }
            for (const std::size_t part : kernel.parts) {
                add_part(kernel, part);
            }
            plan_.kernels.push_back(std::move(kernel));
            f += count;
        }
        return std::move(plan_);
    }

private:
    [[nodiscard]] const Layer& root(std::size_t f) const {
        return network_.layer(plan_.fused[f].root);
    }

    /// Where the three layers of an attention begin that run as one kernel: how. In training they
    /// run one after another.
    // MODEL: the backward pass of an attention reads the softmax from the DRAM: nothing is computed
    // twice.
    [[nodiscard]] std::optional<AttentionBlocks> attention_at(std::size_t f) const {
        if (f + 2 >= plan_.fused.size() || gpu_.accumulators_config == nullptr ||
            network_.trains()) {
            return std::nullopt;
        }
        const Layer& scores = root(f);
        const Layer& softmax = root(f + 1);
        const Layer& values = root(f + 2);
        const bool one = is_attention(scores) && is_attention(softmax) && is_attention(values) &&
                         scores.composite->name == softmax.composite->name &&
                         softmax.composite->name == values.composite->name;
        const bool alone = scores.stands_alone || softmax.stands_alone || values.stands_alone;
        if (!one || alone || scores.macs() == 0 || softmax.macs() > 0 || values.macs() == 0) {
            return std::nullopt;
        }
        return attention_blocks(scores, values, gpu_);
    }

    /// Whether a tensor never leaves the cores: made and read by the same kernel alone.
    [[nodiscard]] bool is_private(const Kernel& kernel, TensorId tensor) const {
        if (kernel.parts.size() == 1) {
            return false;
        }
        return std::any_of(kernel.parts.begin(), kernel.parts.end() - 1,
                           [&](std::size_t part) { return plan_.fused[part].output == tensor; });
    }

    [[nodiscard]] double vector_lanes() const {
        return static_cast<double>(gpu_.vector_config->lanes * gpu_.cores);
    }

    /// How often the blocks of a product read each word of an operand, and how often it comes from
    /// the DRAM for them; what they take of it out of the cores' memory (bytes; no less than what
    /// comes in).
    struct Reads {
        double times = 1;
        double shared = 0;  ///< of these, with the read of a neighbour
        double dram_passes = 1;
        double taken = 0;
    };
    struct Reuse {
        Reads left;
        Reads right;
    };

    /// Bytes that a product takes of its operands out of the cores' memory, where each word goes
    /// into registers so often. Of weights whose zeros the lanes pass over those that are stored.
    [[nodiscard]] Reuse taken(const Layer& layer, const ProductDemand& demand,
                              const WarpReads& reads) const {
        const auto laid_out = [&](std::size_t operand, std::int64_t across) {
            const MatrixShape& shape = demand.shape;
            return static_cast<double>(shape.groups) * static_cast<double>(shape.depth) *
                   static_cast<double>(across * bits(layer.space.operands[operand].precision)) / 8;
        };
        const bool sparse = skipped_zeros(network_, layer, *gpu_.array_config).has_value();
        Reuse reuse;
        reuse.left.taken = laid_out(0, demand.shape.rows) * static_cast<double>(reads.left);
        reuse.right.taken = (sparse ? demand.right_bytes : laid_out(1, demand.shape.columns)) *
                            static_cast<double>(reads.right);
        return reuse;
    }

    /// Adds the cores' cycles for a fused layer.
    Reuse add_work(Kernel& kernel, std::size_t f) const {
        const FusedLayer& fused = plan_.fused[f];
        const Layer& layer = root(f);
        kernel.summary += kernel.summary.empty() ? "" : "; ";
        if (layer.macs() == 0) {
            kernel.core_cycles += vector_operations(fused) / vector_lanes();
            kernel.summary += "elementwise";
            return {};
        }
        ProductDemand demand = demand_of(fused);
        demand.shares_reads = kernel.parts.size() == 1;
        const GivenBlock* given = given_for(fused.root);
        if (kernel.attention) {
            std::int64_t& keys = fused.root == plan_.fused[kernel.parts.front()].root
                                     ? demand.shape.columns
                                     : demand.shape.depth;
            keys = kernel.attention->met_keys;
        }
        const BlockPlan blocks =
            plan_blocks(demand, gpu_, dram_, aim_, given != nullptr ? *given : GivenBlock{});
        const double elementwise = cycles_on_lanes(layer, demand);
        if (given == nullptr && suits_lanes(layer, demand, elementwise, blocks.core_cycles)) {
            kernel.core_cycles += elementwise;
            kernel.products.push_back(
                {f, demand.shape, demand.operand_bits, demand.result_bits, std::nullopt});
            kernel.summary += "products on the elementwise lanes";
            return taken(layer, demand, warp_reads(demand.shape));
        }
        kernel.products.push_back(
            {f, demand.shape, demand.operand_bits, demand.result_bits, blocks});
        return add_blocks(kernel, fused, demand, blocks);
    }

    /// MODEL: where a product has 16 rows or columns at most, so that blocks are half empty (a
    /// depthwise convolution, a vector by a matrix), it runs on the elementwise lanes if that is
    /// faster, a multiply-accumulate each, in the accumulator's format.
    /// Where the DRAM takes longer still for weights or state that stream, nothing is won by that:
    /// only vectors go there, for which cuBLAS has kernels (gemv) without tensor instructions.
    [[nodiscard]] bool suits_lanes(const Layer& layer, const ProductDemand& demand, double on_lanes,
                                   double in_blocks) const {
        const bool vector = demand.shape.rows == 1 || demand.shape.columns == 1;
        return aim_.lanes && leaves_blocks_empty(demand.shape) && on_lanes < in_blocks &&
               (vector || in_blocks > streaming_cycles(layer.space.operands[1], demand));
    }

    /// Of the DRAM for a product's second operand, where that does not stay in the cache from round
    /// to round.
    [[nodiscard]] double streaming_cycles(const Operand& operand,
                                          const ProductDemand& demand) const {
        const Tensor& tensor = network_.tensor(network_.storage(operand.tensor));
        const bool streams = (tensor.is_weight() || tensor.persists()) && lasting_ > cache_bytes();
        return streams && dram_.bytes_per_cycle > 0 ? demand.right_bytes / dram_.bytes_per_cycle
                                                    : 0;
    }

    [[nodiscard]] std::int64_t cache_bytes() const { return gpu_.buffer_config->capacity.count(); }

    [[nodiscard]] double cycles_on_lanes(const Layer& layer, const ProductDemand& demand) const {
        const MatrixShape& shape = demand.shape;
        const double results = static_cast<double>(shape.groups) * static_cast<double>(shape.rows) *
                               static_cast<double>(shape.columns);
        const std::int64_t macs = done_macs(network_, layer, *gpu_.array_config);
        return (static_cast<double>(macs) + results * demand.operations_per_result) /
               vector_lanes();
    }

    /// Adds a product in blocks.
    Reuse add_blocks(Kernel& kernel, const FusedLayer& fused, const ProductDemand& demand,
                     const BlockPlan& blocks) const {
        const Layer& layer = network_.layer(fused.root);
        const MatrixShape& shape = demand.shape;
        kernel.core_cycles += blocks.core_cycles;
        kernel.waves = std::max(kernel.waves, blocks.waves);
        kernel.slices = blocks.slices;
        kernel.summary +=
            fmt::format("{} block{} of {} x {}, {} a core at a time, {} wave{}", blocks.blocks,
                        blocks.blocks == 1 ? "" : "s", blocks.rows, blocks.columns, blocks.resident,
                        blocks.waves, blocks.waves == 1 ? "" : "s");
        if (blocks.cluster.size() > 1) {
            kernel.summary +=
                fmt::format(", clusters of {} x {}", blocks.cluster.rows, blocks.cluster.columns);
        }
        if (blocks.slices > 1) {
            kernel.summary += fmt::format(", {} slices of the depth", blocks.slices);
            add_flow(kernel.sums, fused.output, fused.root, TensorRole::partial_sums,
                     layer.precision.accumulator, std::llround(blocks.sum_bytes), 1);
        }
        if (kernel.attention) {
            Reuse reuse =
                taken(layer, demand, warp_reads(shape, kernel.attention->rows, blocks.columns));
            const double times = kernel.attention->key_passes;
            const auto passes = static_cast<double>(kernel.attention->dram_passes);
            reuse.right.times = times;
            reuse.right.dram_passes = std::min(passes, std::max(1.0, times));
            return reuse;
        }
        Reuse reuse = taken(layer, demand, warp_reads(shape, blocks.rows, blocks.columns));
        const double touched = demand.right_distinct;
        const double unrolled = touched > 0 ? demand.right_bytes / touched : 1;
        const ClusterGrid grid = cluster_grid(shape, blocks.rows, blocks.columns, blocks.cluster);
        reuse.left.times = static_cast<double>(grid.columns);
        reuse.left.shared = static_cast<double>(grid.left_shared());
        reuse.left.dram_passes = blocks.left_passes;
        reuse.right.times = static_cast<double>(grid.rows) * unrolled;
        reuse.right.shared = static_cast<double>(grid.right_shared()) * unrolled;
        reuse.right.dram_passes = blocks.right_passes;
        return reuse;
    }

    [[nodiscard]] const GivenBlock* given_for(LayerId layer) const {
        if (aim_.blocks == nullptr) {
            return nullptr;
        }
        const auto found = aim_.blocks->find(layer);
        return found == aim_.blocks->end() ? nullptr : &found->second;
    }

    void add_part(Kernel& kernel, std::size_t f) {
        const FusedLayer& fused = plan_.fused[f];
        const Layer& layer = root(f);
        const Reuse reuse = add_work(kernel, f);
        const auto& operands = layer.space.operands;
        for (std::size_t o = 0; o + 1 < operands.size(); ++o) {
            const Operand& operand = operands[o];
            const TensorId stored = network_.storage(operand.tensor);
            if (is_private(kernel, stored)) {
                continue;
            }
            const Reads reads = o == 0 ? reuse.left : o == 1 ? reuse.right : Reads{};
            const std::int64_t bytes = touched_bytes(layer, operand);
            add_flow(kernel.feeds, stored, fused.root, operand.role, operand.precision, bytes,
                     reads.times);
            if (bytes > 0) {
                KernelFlow& flow = kernel.feeds.back();
                flow.dram_passes = reads.dram_passes;
                flow.shared = std::llround(static_cast<double>(bytes) * reads.shared);
                flow.taken = std::max<std::int64_t>(flow.taken, std::llround(reads.taken));
            }
            if (operand.updated) {
                add_flow(kernel.drains, stored, fused.root, operand.role, operand.precision, bytes,
                         1, true);
            }
        }
        const std::int64_t results = output_bytes(fused);
        for (std::size_t i = 0; i < fused.operands.size(); ++i) {
            const Precision precision = network_.tensor(fused.operands[i]).precision;
            add_flow(kernel.feeds, fused.operands[i], fused.operand_of[i], TensorRole::inputs,
                     precision, network_.tensor_bytes(fused.operands[i]).count(), 1);
        }
        if (!is_private(kernel, fused.output)) {
            const Tensor& output = network_.tensor(fused.output);
            const bool in_place = output.in_place_of.valid();
            add_flow(kernel.drains, in_place ? network_.storage(output.in_place_of) : fused.output,
                     fused.last(),
                     output.kind == TensorKind::state ? TensorRole::state : TensorRole::outputs,
                     output.precision, results, 1, in_place);
        }
    }

    [[nodiscard]] std::int64_t touched_bytes(const Layer& layer, const Operand& operand) const {
        return stored_operand(network_, layer, operand, *gpu_.array_config).count();
    }

    /// What the kernel's last layer makes: the new positions of a state, else the tensor.
    [[nodiscard]] std::int64_t output_bytes(const FusedLayer& fused) const {
        const Layer& last = network_.layer(fused.last());
        const Operand& result = last.space.outputs();
        return touched_bytes(last, result);
    }

    /// `bytes` of a tensor, read or written so many times.
    static void add_flow(std::vector<KernelFlow>& flows, TensorId tensor, LayerId layer,
                         TensorRole role, Precision precision, std::int64_t bytes, double times,
                         bool in_place = false) {
        if (bytes > 0) {
            const std::int64_t moved = std::llround(static_cast<double>(bytes) * times);
            flows.push_back({tensor, layer, role, precision, moved, bytes, in_place, 1, moved});
        }
    }

    /// Of the fused layers behind a root and of the conversion of its results.
    [[nodiscard]] double operations_per_result(const FusedLayer& fused) const {
        double operations = 0;
        for (const LayerId epilogue : fused.epilogues) {
            operations +=
                static_cast<double>(network_.layer(epilogue).space.vector_operations_per_point);
        }
        return operations + conversion_operations(network_.layer(fused.root).precision.accumulator,
                                                  network_.tensor(fused.output).precision);
    }

    [[nodiscard]] double vector_operations(const FusedLayer& fused) const {
        auto operations = static_cast<double>(network_.layer(fused.root).space.vector_operations());
        for (const LayerId epilogue : fused.epilogues) {
            operations += static_cast<double>(network_.layer(epilogue).space.vector_operations());
        }
        return operations;
    }

    /// MODEL: in the gradient of a convolution's weights the elements of the kernel lie in
    /// different blocks, each of which reads the inputs that its own elements meet (im2col).
    [[nodiscard]] static double unrolled_bytes(const Layer& layer, const MatrixShape& shape) {
        return static_cast<double>(shape.groups) * static_cast<double>(shape.depth) *
               static_cast<double>(shape.columns * bits(layer.space.operands[1].precision)) / 8;
    }

    [[nodiscard]] ProductDemand demand_of(const FusedLayer& fused) const {
        const Layer& layer = network_.layer(fused.root);
        const ArrayShape* lanes = array_shape(*gpu_.array_config, layer.precision);
        ProductDemand demand;
        demand.shape = matrix_shape(layer);
        demand.macs_per_cycle = static_cast<double>(lanes->macs_per_cycle());
        if (const auto sparse = skipped_zeros(network_, layer, *gpu_.array_config)) {
            demand.macs_per_cycle *=
                static_cast<double>(sparse->of) / static_cast<double>(sparse->kept);
        }
        demand.operand_bits = bits(lanes->precision);
        demand.result_bits = bits(layer.precision.accumulator);
        demand.operations_per_result = operations_per_result(fused);
        demand.left_bytes = static_cast<double>(touched_bytes(layer, layer.space.operands[0]));
        demand.right_bytes = static_cast<double>(touched_bytes(layer, layer.space.operands[1]));
        demand.right_distinct = demand.right_bytes;
        demand.stored_bits = bits(network_.tensor(fused.output).precision);
        demand.cuts_depth = sums_over_batch(network_, layer);
        if (demand.cuts_depth) {
            demand.right_bytes = std::max(demand.right_bytes, unrolled_bytes(layer, demand.shape));
        }
        return demand;
    }

    const Network& network_;
    const Hierarchy& gpu_;
    const DramView& dram_;
    const BlockAim& aim_;
    std::int64_t lasting_ = 0;  ///< bytes of all weights and state
    WavePlan plan_;
};

bool is_floating(Precision precision) {
    return precision == Precision::fp8 || precision == Precision::bf16 ||
           precision == Precision::fp16 || precision == Precision::fp32;
}

}  // namespace

double conversion_operations(Precision accumulator, Precision stored) {
    constexpr double kRescale = 4;  // to floating point, scale and offset, back, pack
    if (accumulator == stored) {
        return 0;
    }
    return is_floating(accumulator) ? 1 : kRescale;
}

bool sums_over_batch(const Network& network, const Layer& layer) {
    return layer.macs() > 0 && network.tensor(layer.outputs.front()).kind == TensorKind::batch_sum;
}

const KernelProduct* product_of(const Kernel& kernel, std::size_t part) {
    const auto found =
        std::find_if(kernel.products.begin(), kernel.products.end(),
                     [&](const KernelProduct& product) { return product.part == part; });
    return found == kernel.products.end() ? nullptr : &*found;
}

bool uses_arrays(const Kernel& kernel) {
    return std::any_of(kernel.products.begin(), kernel.products.end(),
                       [](const KernelProduct& product) { return product.blocks.has_value(); });
}

bool multiplies_on_lanes(const Kernel& kernel) {
    return std::any_of(kernel.products.begin(), kernel.products.end(),
                       [](const KernelProduct& product) { return !product.blocks; });
}

WavePlan plan_waves(const Network& network, const Hierarchy& gpu, const DramView& dram,
                    const BlockAim& aim) {
    WavePlan plan = KernelPlanner(network, gpu, dram, aim).run();
    find_memory_traffic(network, gpu, plan);
    return plan;
}

}  // namespace memwall
