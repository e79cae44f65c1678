// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/repetition.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace memwall {
namespace {

/// Blocks that run before one stands for others: the first ones still meet what was before them.
constexpr std::size_t kBefore = 4;
constexpr std::size_t kAfter = 1;
/// Fewer are not worth it.
constexpr std::size_t kLeast = 4;

/// Where the life of every tensor begins and ends, in fused layers.
class Lives {
public:
    Lives(const Network& network, const NetworkPlan& plan)
        : first_(network.tensors().size(), kNobody), last_(network.tensors().size(), kNobody) {
        for (std::size_t f = 0; f < plan.fused.size(); ++f) {
            const FusedLayer& fused = plan.fused[f];
            begin(fused.output, f);
            begin(fused.weights, f);
            for (const auto* list : {&fused.inputs, &fused.operands}) {
                for (const TensorId tensor : *list) {
                    last_[tensor.position()] = static_cast<std::int64_t>(f);
                }
            }
        }
    }

    /// Equal tensors seen from two layers: made as far before each, and needed as long.
    [[nodiscard]] bool alike(TensorId a, std::size_t from_a, TensorId b, std::size_t from_b) const {
        if (!a.valid() || !b.valid()) {
            return a.valid() == b.valid();
        }
        return distance(first_, a, from_a) == distance(first_, b, from_b) &&
               distance(last_, a, from_a) == distance(last_, b, from_b);
    }

private:
    static constexpr std::int64_t kNobody = -1;

    void begin(TensorId tensor, std::size_t f) {
        if (tensor.valid() && first_[tensor.position()] == kNobody) {
            first_[tensor.position()] = static_cast<std::int64_t>(f);
        }
    }

    /// Far away for what nobody makes or reads.
    static std::int64_t distance(const std::vector<std::int64_t>& ends, TensorId tensor,
                                 std::size_t from) {
        const std::int64_t end = ends[tensor.position()];
        return end == kNobody ? std::numeric_limits<std::int64_t>::max()
                              : end - static_cast<std::int64_t>(from);
    }

    std::vector<std::int64_t> first_, last_;
};

class BlockFinder {
public:
    BlockFinder(const Network& network, const NetworkPlan& plan)
        : network_(network), plan_(plan), lives_(network, plan) {}

    [[nodiscard]] std::optional<EqualBlocks> find() const {
        const std::size_t layers = plan_.fused.size();
        const std::size_t middle = layers / 2;
        const std::size_t longest = layers / (kBefore + kLeast + kAfter);
        for (std::size_t period = 1; period <= longest; ++period) {
            if (middle + period >= layers || !follows(middle, period)) {
                continue;
            }
            std::size_t begin = middle;
            while (begin > 0 && follows(begin - 1, period)) {
                --begin;
            }
            std::size_t end = middle;  // behind the last that has an equal one behind it
            while (end + period < layers && follows(end, period)) {
                ++end;
            }
            const std::size_t blocks = (end + period - begin) / period;
            if (blocks >= kBefore + kLeast + kAfter) {
                return found(begin + kBefore * period, period, blocks - kBefore - kAfter);
            }
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] EqualBlocks found(std::size_t begin, std::size_t period,
                                    std::size_t count) const {
        EqualBlocks blocks{begin, period, count, {}};
        const std::size_t stands = root(begin - period);
        blocks.layers.first = stands;
        blocks.layers.layers = root(begin) - stands;
        blocks.layers.left_out = static_cast<std::int64_t>(count);
        return blocks;
    }

    [[nodiscard]] std::size_t root(std::size_t f) const { return plan_.fused[f].root.position(); }

    /// Whether the layer `period` behind `f` is equal, and as far behind in the network as all are.
    [[nodiscard]] bool follows(std::size_t f, std::size_t period) const {
        const std::size_t middle = plan_.fused.size() / 2;
        const std::size_t step = root(middle + period) - root(middle);
        return root(f + period) - root(f) == step && alike(f, f + period, step);
    }

    [[nodiscard]] bool alike(std::size_t a, std::size_t b, std::size_t step) const {
        const FusedLayer& x = plan_.fused[a];
        const FusedLayer& y = plan_.fused[b];
        if (x.epilogues.size() != y.epilogues.size() || x.operand_at != y.operand_at ||
            !same_plan(plan_.layers[a], plan_.layers[b]) ||
            !same_layer(network_.layer(x.root), network_.layer(y.root)) ||
            !same_tensor(x.output, a, y.output, b) || !same_tensor(x.weights, a, y.weights, b)) {
            return false;
        }
        for (std::size_t e = 0; e < x.epilogues.size(); ++e) {
            if (y.epilogues[e].position() - x.epilogues[e].position() != step ||
                !same_layer(network_.layer(x.epilogues[e]), network_.layer(y.epilogues[e]))) {
                return false;
            }
        }
        return same_tensors(x.inputs, a, y.inputs, b) && same_tensors(x.operands, a, y.operands, b);
    }

    [[nodiscard]] static bool same_plan(const LayerTiling& a, const LayerTiling& b) {
        return a.tile == b.tile && a.positions_outer == b.positions_outer &&
               a.passes.pass == b.passes.pass && a.passes.core == b.passes.core &&
               a.passes.positions_outer == b.passes.positions_outer &&
               a.weights_resident == b.weights_resident && a.dram_bytes == b.dram_bytes &&
               a.weight_bytes == b.weight_bytes;
    }

    /// Equal but for the names of their tensors.
    [[nodiscard]] static bool same_layer(const Layer& a, const Layer& b) {
        const auto without_names = [](IterationSpace space) {
            for (Operand& operand : space.operands) {
                operand.tensor = TensorId();
            }
            return space;
        };
        return a.op == b.op && a.precision == b.precision &&
               without_names(a.space) == without_names(b.space);
    }

    [[nodiscard]] bool same_tensors(const std::vector<TensorId>& a, std::size_t from_a,
                                    const std::vector<TensorId>& b, std::size_t from_b) const {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](TensorId x, TensorId y) {
            return same_tensor(x, from_a, y, from_b);
        });
    }

    [[nodiscard]] bool same_tensor(TensorId a, std::size_t from_a, TensorId b,
                                   std::size_t from_b) const {
        if (!lives_.alike(a, from_a, b, from_b)) {
            return false;
        }
        if (!a.valid()) {
            return true;
        }
        const Tensor& x = network_.tensor(a);
        const Tensor& y = network_.tensor(b);
        return x.kind == y.kind && x.precision == y.precision &&
               network_.tensor_bytes(a) == network_.tensor_bytes(b) &&
               plan_.kept[a.position()] == plan_.kept[b.position()];
    }

    const Network& network_;
    const NetworkPlan& plan_;
    Lives lives_;
};

}  // namespace

std::optional<EqualBlocks> find_equal_blocks(const Network& network, const NetworkPlan& plan) {
    return BlockFinder(network, plan).find();
}

}  // namespace memwall
