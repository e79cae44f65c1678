// SPDX-License-Identifier: Apache-2.0
// A network as a sequence of kernels: what each computes, what it reads and writes in the shared
// cache, and what of that the DRAM sees.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arch/fused_layer.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/wave/attention_kernel.hpp"
#include "arch/wave/block_plan.hpp"
#include "arch/wave/pruned_weights.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Bytes of one tensor, for one layer.
struct KernelFlow {
    TensorId tensor;  ///< as storage
    LayerId layer;
    TensorRole role = TensorRole::inputs;
    Precision precision = Precision::int8;
    std::int64_t bytes = 0;
    std::int64_t distinct = 0;  ///< of them, each word once
    bool in_place = false;      ///< written over what lies there: state, new weights
    double dram_passes = 1;     ///< how often the DRAM is asked for it, where it lies there
    std::int64_t taken = 0;   ///< of a feed: bytes that instructions take out of the cores' memory
    std::int64_t shared = 0;  ///< of a feed: bytes that come with a neighbour's read of the cache
};

/// A matrix product of a kernel.
struct KernelProduct {
    std::size_t part = 0;  ///< fused layer
    MatrixShape shape;
    std::int64_t operand_bits = 8;
    std::int64_t result_bits = 32;
    std::optional<BlockPlan> blocks;  ///< on the arrays; none: on the elementwise lanes
};

/// One launch: a fused layer, or the products and the softmax of an attention.
struct Kernel {
    std::vector<std::size_t> parts;  ///< fused layers, in order
    double core_cycles = 0;          ///< all waves, without waiting for the cache or the DRAM
    std::int64_t waves = 1;
    std::int64_t slices = 1;  ///< that a product's depth is cut into
    std::vector<KernelProduct> products;
    std::optional<AttentionBlocks> attention;  ///< where keys go by in blocks
    std::string summary;                       ///< of its blocks, in words
    std::vector<KernelFlow> feeds;             ///< from the cache into the cores
    std::vector<KernelFlow> drains;            ///< from the cores into the cache
    std::vector<KernelFlow> sums;              ///< of slices, to the cores and back
    std::vector<KernelFlow> fetches;           ///< from the DRAM into the cache
    std::vector<KernelFlow> stores;  ///< from the cache into the DRAM: also what others wrote
    std::int64_t held = 0;           ///< bytes of the cache that are in use at its end
};

/// The product that a fused layer of a kernel begins with; nullptr where it multiplies nothing.
const KernelProduct* product_of(const Kernel& kernel, std::size_t part);

/// Whether the arrays do any of a kernel's work.
bool uses_arrays(const Kernel& kernel);

/// Whether elementwise lanes do any of its products.
bool multiplies_on_lanes(const Kernel& kernel);

struct WavePlan {
    std::vector<FusedLayer> fused;
    std::vector<Kernel> kernels;
};

/// Elementwise operations that turn an accumulator into a stored result, beside the fused layers'.
/// MODEL: an integer accumulator is converted, scaled, converted back and packed; a wider
/// floating-point one is rounded.
double conversion_operations(Precision accumulator, Precision stored);

/// Whether a product sums over the batch: the gradient of a layer's weights.
bool sums_over_batch(const Network& network, const Layer& layer);

WavePlan plan_waves(const Network& network, const Hierarchy& gpu, const DramView& dram,
                    const BlockAim& aim = {});

}  // namespace memwall
