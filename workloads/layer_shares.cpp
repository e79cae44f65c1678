// SPDX-License-Identifier: Apache-2.0
#include "workloads/layer_shares.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace memwall {
namespace {

/// The axis of a tensor that a projection has for one of its shape.
const Axis& axis_at(const Operand& operand, const Tensor& tensor, std::size_t axis) {
    return operand.projection.axes[axis + (tensor.is_per_item() ? 1 : 0)];
}

// MODEL: cards divide a network by what its layers read and make, as Megatron-LM does (Shoeybi et
// al., arXiv 1909.08053): a product with weights has equal parts of its heads or outputs on each
// card; what follows has its part as long as it can; a product that sums over the divided dimension
// leaves partial sums, which all cards add up (all-reduce). What needs all of it (a norm, a result
// of the network) gets all of it before (all-gather), and every card does it. Key and value heads
// are divided too; where they are no multiple of the cards, every card has them all, and so it is
// with weights that several layers use.
/// Finds how each layer is shared, before anything is changed.
class ShareFinder {
public:
    ShareFinder(const NetworkParts& parts, std::int64_t cards, PartsInside inside)
        : parts_(parts), cards_(cards), inside_(inside), users_(parts.tensors.size()) {
        for (const Layer& layer : parts.layers) {
            if (layer.weights.valid()) {
                ++users_[layer.weights.position()];
            }
        }
        for (const Layer& layer : parts.layers) {
            for (const TensorId input : layer.inputs) {
                read_.insert(input);
            }
        }
    }

    LayerShares run() {
        std::size_t before = 0;
        do {
            before = gathered_.size() + whole_.size();
            shares_.assign(parts_.layers.size(), {});
            cuts_.clear();
            begun_by_.clear();
            for (std::size_t l = 0; l < parts_.layers.size(); ++l) {
                share_layer(l);
            }
        } while (gathered_.size() + whole_.size() != before);
        return {std::move(shares_), std::move(gathered_)};
    }

private:
    const Tensor& tensor(TensorId id) const { return parts_.tensors[id.position()]; }

    void share_layer(std::size_t l) {
        const Layer& layer = parts_.layers[l];
        LayerShare& share = shares_[l];
        std::vector<TensorId> cut;
        for (const TensorId input : layer.inputs) {
            if (cuts_.count(input) > 0) {
                cut.push_back(input);
            }
        }
        const std::optional<LayerShare> found = cut.empty()                  ? by_outputs(l)
                                                : layer.space.has_operands() ? by_inputs(layer)
                                                                             : renamed(layer);
        if (found) {
            share = *found;
        } else {
            need_whole(cut);
        }
        const TensorId result = layer.outputs.front();
        if (share.axis && read_.count(result) == 0) {
            gathered_.insert(result);
        }
        if (share.axis && gathered_.count(result) == 0) {
            cuts_[result] = *share.axis;
            begun_by_[result] = cut.empty() ? std::set<std::size_t>{l} : begun_by(cut);
        }
    }

    /// The layers with which the division of these tensors began.
    [[nodiscard]] std::set<std::size_t> begun_by(const std::vector<TensorId>& cut) const {
        std::set<std::size_t> layers;
        for (const TensorId tensor : cut) {
            layers.insert(begun_by_.at(tensor).begin(), begun_by_.at(tensor).end());
        }
        return layers;
    }

    /// Parts of these tensors are not enough.
    void need_whole(const std::vector<TensorId>& cut) {
        if (inside_ == PartsInside::gathered) {
            gathered_.insert(cut.begin(), cut.end());
        } else {
            whole_.merge(begun_by(cut));
        }
    }

    /// The result's part where `dim` is divided; nothing where it can't be.
    [[nodiscard]] std::optional<LayerShare> along(const Layer& layer, Dim dim) const {
        const IterationSpace& space = layer.space;
        const bool masked = space.mask && (space.mask->row == dim || space.mask->column == dim);
        if (space.extent(dim) % cards_ != 0 || space.normalises(dim) || masked) {
            return std::nullopt;
        }
        LayerShare share;
        share.dim = dim;
        const Operand& made = space.outputs();
        if (!relevant(made.projection, dim)) {
            share.partial = space.operation == PointOperation::mac;
            return share.partial ? std::optional(share) : std::nullopt;
        }
        const Tensor& result = tensor(made.tensor);
        for (std::size_t axis = 0; axis < result.shape.size(); ++axis) {
            if (plain_dim(axis_at(made, result, axis), space) == dim) {
                share.axis = axis;
                return share;
            }
        }
        return std::nullopt;
    }

    /// Nothing is divided yet: a layer with weights of its own begins.
    [[nodiscard]] std::optional<LayerShare> by_outputs(std::size_t l) const {
        const Layer& layer = parts_.layers[l];
        const IterationSpace& space = layer.space;
        const Operand* weights = space.find(TensorRole::weights);
        LayerShare whole;
        if (whole_.count(l) > 0 || !layer.weights.valid() || weights == nullptr ||
            users_[layer.weights.position()] > 1) {
            return whole;
        }
        const Dim dim = space.extent(Dim::H) > 1 ? Dim::H : Dim::K;
        const bool read_whole =
            std::all_of(space.operands.begin(), space.operands.end(), [&](const Operand& operand) {
                return operand.role == TensorRole::weights || operand.role == TensorRole::outputs ||
                       !relevant(operand.projection, dim);
            });
        if (!read_whole || space.extent(dim) == 1 || !divides_plainly(*weights, space, dim)) {
            return whole;
        }
        const std::optional<LayerShare> share = along(layer, dim);
        return share && share->axis ? *share : whole;
    }

    /// Whether an operand has an axis of `dim` alone, and draws nothing along it.
    [[nodiscard]] bool divides_plainly(const Operand& operand, const IterationSpace& space,
                                       Dim dim) const {
        const auto& axes = operand.projection.axes;
        for (std::size_t axis = 0; axis < axes.size(); ++axis) {
            if (plain_dim(axes[axis], space) == dim) {
                return !(operand.projection.gather && axis == 0);
            }
        }
        return false;
    }

    /// Some inputs are divided: the layer is, along the same dimension, if all that depends on it
    /// is divided too.
    [[nodiscard]] std::optional<LayerShare> by_inputs(const Layer& layer) const {
        const IterationSpace& space = layer.space;
        std::optional<Dim> dim;
        for (const Operand& operand : space.operands) {
            const auto cut = cuts_.find(operand.tensor);
            if (operand.role == TensorRole::outputs || cut == cuts_.end()) {
                continue;
            }
            const std::optional<Dim> of =
                plain_dim(axis_at(operand, tensor(operand.tensor), cut->second), space);
            if (!of || (dim && *dim != *of)) {
                return std::nullopt;
            }
            dim = of;
        }
        if (!dim) {
            return std::nullopt;
        }
        for (const Operand& operand : space.operands) {
            const bool own = operand.role == TensorRole::weights;
            const bool depends = relevant(operand.projection, *dim);
            if (own && depends &&
                (users_[operand.tensor.position()] > 1 || !divides_plainly(operand, space, *dim))) {
                return std::nullopt;
            }
            if (!own && operand.role != TensorRole::outputs && depends &&
                cuts_.count(operand.tensor) == 0) {
                return std::nullopt;
            }
        }
        return along(layer, *dim);
    }

    /// The same words under another shape: a part of them stays one where as much lies before the
    /// divided axis as before.
    [[nodiscard]] std::optional<LayerShare> renamed(const Layer& layer) const {
        const Shape& from = tensor(layer.inputs.front()).shape;
        const Shape& to = tensor(layer.outputs.front()).shape;
        std::int64_t outer = 1;
        for (std::size_t axis = 0; axis < cuts_.at(layer.inputs.front()); ++axis) {
            outer *= from[axis];
        }
        std::int64_t before = 1;
        for (std::size_t axis = 0; axis < to.size() && before <= outer; ++axis) {
            if (before == outer && to[axis] % cards_ == 0) {
                LayerShare share;
                share.axis = axis;
                return share;
            }
            before *= to[axis];
        }
        return std::nullopt;
    }

    const NetworkParts& parts_;
    std::int64_t cards_;
    PartsInside inside_;
    std::vector<int> users_;  ///< layers by weights
    std::set<TensorId> read_;
    std::set<TensorId> gathered_;
    std::set<std::size_t> whole_;           ///< layers that each card does whole
    std::map<TensorId, std::size_t> cuts_;  ///< the divided axis of what layers read
    std::map<TensorId, std::set<std::size_t>> begun_by_;
    std::vector<LayerShare> shares_;
};

}  // namespace

std::optional<Dim> plain_dim(const Axis& axis, const IterationSpace& space) {
    std::optional<AxisTerm> only;
    for (const AxisTerm& term : axis.terms) {
        if (space.extent(term.dim) > 1) {
            if (only) {
                return std::nullopt;
            }
            only = term;
        }
    }
    const bool plain = only && only->coefficient == 1 && axis.offset == 0 &&
                       axis.extent == space.extent(only->dim);
    return plain ? std::optional(only->dim) : std::nullopt;
}

LayerShares find_layer_shares(const NetworkParts& network, std::int64_t cards, PartsInside parts) {
    return ShareFinder(network, cards, parts).run();
}

}  // namespace memwall
