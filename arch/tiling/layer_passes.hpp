// SPDX-License-Identifier: Apache-2.0
// A fused layer in its passes: which core computes what in each of them, and what it needs for
// that.
#pragma once

#include <cstddef>
#include <vector>

#include "arch/core_split.hpp"
#include "arch/tiling/pass_sequence.hpp"

namespace memwall {

/// One core's part of a pass.
struct CoreBox {
    std::size_t lane = 0;
    Box box;
};

/// Network, fused layer, its root and plan must outlive it. The root may be a shorter one
/// (EqualTurns).
struct LayerPasses {
    const Network& network;
    const FusedLayer& fused;
    const Layer& root;
    const LayerTiling& plan;
    PassSequence sequence;

    LayerPasses(const Network& of_network, const FusedLayer& layer, const Layer& root_layer,
                const LayerTiling& layer_plan);

    [[nodiscard]] const Pass& pass(std::size_t p) const { return sequence.passes[p]; }
    /// The whole tile that a pass belongs to.
    [[nodiscard]] Box tile_box(std::size_t p) const;
    /// The first pass over the same outputs: where the reduction is cut, the last one may be
    /// shorter and leave out cores that hold partial sums of the ones before.
    [[nodiscard]] std::size_t first_pass(std::size_t p) const;
    [[nodiscard]] const Box& first_box(std::size_t p) const { return pass(first_pass(p)).box; }

    [[nodiscard]] CoreSplit split(const Box& box) const;
    /// A short pass at an edge uses the cores that it would use in a full one, so that what stays
    /// in their buffers from pass to pass is where it is needed.
    [[nodiscard]] std::vector<CoreBox> core_boxes(const Box& box) const;
    /// The cores that end up with the results of a pass: of those that share some, the first.
    [[nodiscard]] std::vector<CoreBox> owners(std::size_t p) const;
    /// The results of a pass in the parts that leave the cores one after another, the reduction as
    /// in the first pass over them.
    [[nodiscard]] std::vector<Box> drained_parts(std::size_t p) const;
    /// Parts of all passes.
    [[nodiscard]] std::int64_t drains() const;
    /// Tiles of results.
    [[nodiscard]] std::int64_t tiles() const;
    /// The passes of the tile of results that pass `p` works on.
    [[nodiscard]] const Visit& tile_of_results(std::size_t p) const;

    [[nodiscard]] Region results(const Box& box) const;
    /// What an epilogue needs of its operand `i` for the results of a box.
    [[nodiscard]] Region operand_region(std::size_t i, const Box& box) const;
};

}  // namespace memwall
