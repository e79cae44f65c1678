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
// are divided too; of a multiple of them each card has one head, with the cache, and its part of
// the queries that share it, as in vLLM (Kwon et al., SOSP 2023). Where neither divides the other,
// every card has them all, and so it is with a single head and with weights that several layers
// use.
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
        if (!share.axis || gathered_.count(result) > 0) {
            return;
        }
        cuts_[result] = {*share.axis, share.copies, share.row_axis};
        begun_by_[result] = cut.empty() ? std::set<std::size_t>{l} : begun_by(cut);
        if (read_.count(result) == 0) {
            gather(result);
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
        if (inside_ == PartsInside::avoided) {
            whole_.merge(begun_by(cut));
            return;
        }
        for (const TensorId tensor : cut) {
            gather(tensor);
        }
    }

    /// All cards get all of a tensor. Parts that several cards have are not exchanged: every card
    /// makes all of them.
    void gather(TensorId tensor) {
        if (cuts_.at(tensor).copies > 1) {
            whole_.merge(begun_by({tensor}));
        } else {
            gathered_.insert(tensor);
        }
    }

    /// Whether a dimension of a space can be cut into so many parts.
    static bool divisible(const IterationSpace& space, Dim dim, std::int64_t parts) {
        if (space.extent(dim) % parts != 0 || space.normalises(dim)) {
            return false;
        }
        const std::int64_t part = space.extent(dim) / parts;
        return !space.mask || (space.mask->column != dim &&
                               (space.mask->row != dim || part % space.mask->rows == 0));
    }

    /// The axis of the result's shape that `dim` alone walks along.
    [[nodiscard]] std::optional<std::size_t> result_axis(const IterationSpace& space,
                                                         Dim dim) const {
        const Operand& made = space.outputs();
        const Tensor& result = tensor(made.tensor);
        for (std::size_t axis = 0; axis < result.shape.size(); ++axis) {
            if (plain_dim(axis_at(made, result, axis), space) == dim) {
                return axis;
            }
        }
        return std::nullopt;
    }

    /// The result's part where `dim` is divided, and `rows` among `copies` cards with the same part
    /// of it; nothing where it can't be.
    [[nodiscard]] std::optional<LayerShare> along(const Layer& layer, Dim dim,
                                                  std::int64_t copies = 1,
                                                  std::optional<Dim> rows = {}) const {
        const IterationSpace& space = layer.space;
        if (!divisible(space, dim, cards_ / copies) || (rows && !divisible(space, *rows, copies))) {
            return std::nullopt;
        }
        LayerShare share;
        share.dim = dim;
        share.copies = copies;
        share.rows = rows;
        if (!relevant(space.outputs().projection, dim)) {
            share.partial = space.operation == PointOperation::mac && copies == 1;
            return share.partial ? std::optional(share) : std::nullopt;
        }
        share.axis = result_axis(space, dim);
        share.row_axis = rows ? result_axis(space, *rows) : std::nullopt;
        const bool found = share.axis && (!rows || share.row_axis);
        return found ? std::optional(share) : std::nullopt;
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
        const bool in_heads = relevant(space.outputs().projection, Dim::H);
        const Dim dim = in_heads ? Dim::H : Dim::K;
        const bool read_whole =
            std::all_of(space.operands.begin(), space.operands.end(), [&](const Operand& operand) {
                return operand.role == TensorRole::weights || operand.role == TensorRole::outputs ||
                       !relevant(operand.projection, dim);
            });
        if (!read_whole || space.extent(dim) == 1 || !divides_plainly(*weights, space, dim)) {
            return whole;
        }
        const std::int64_t heads = in_heads ? space.extent(dim) : cards_;
        const bool fewer = heads < cards_ && cards_ % heads == 0;
        const std::optional<LayerShare> share = along(layer, dim, fewer ? cards_ / heads : 1);
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
        std::optional<Dim> rows;
        std::int64_t copies = 1;
        for (const Operand& operand : space.operands) {
            const auto cut = cuts_.find(operand.tensor);
            if (operand.role == TensorRole::outputs || cut == cuts_.end()) {
                continue;
            }
            const std::optional<Dim> of = walked(operand, cut->second.axis, space);
            const std::optional<std::size_t> row_axis = cut->second.row_axis;
            const std::optional<Dim> rows_of =
                row_axis ? walked(operand, *row_axis, space) : std::nullopt;
            if (!of || (dim && (*dim != *of || copies != cut->second.copies)) ||
                (row_axis && !rows_of) || (rows && rows_of && *rows != *rows_of)) {
                return std::nullopt;
            }
            dim = of;
            rows = rows_of ? rows_of : rows;
            copies = cut->second.copies;
        }
        if (!dim || !reads_parts(space, *dim) || (rows && !reads_rows(space, *rows))) {
            return std::nullopt;
        }
        return along(layer, *dim, copies, rows);
    }

    [[nodiscard]] std::optional<Dim> walked(const Operand& operand, std::size_t axis,
                                            const IterationSpace& space) const {
        return plain_dim(axis_at(operand, tensor(operand.tensor), axis), space);
    }

    /// Whether all that depends on a dimension is divided, or are weights that can be.
    [[nodiscard]] bool reads_parts(const IterationSpace& space, Dim dim) const {
        return std::all_of(
            space.operands.begin(), space.operands.end(), [&](const Operand& operand) {
                if (operand.role == TensorRole::outputs || !relevant(operand.projection, dim)) {
                    return true;
                }
                return operand.role == TensorRole::weights
                           ? users_[operand.tensor.position()] <= 1 &&
                                 divides_plainly(operand, space, dim)
                           : cuts_.count(operand.tensor) > 0;
            });
    }

    /// Whether all that depends on the rows is divided along them.
    [[nodiscard]] bool reads_rows(const IterationSpace& space, Dim rows) const {
        return std::all_of(
            space.operands.begin(), space.operands.end(), [&](const Operand& operand) {
                const auto cut = cuts_.find(operand.tensor);
                return operand.role == TensorRole::outputs || !relevant(operand.projection, rows) ||
                       (cut != cuts_.end() && cut->second.row_axis);
            });
    }

    /// The same words under another shape: a part of them stays one where as much lies before the
    /// divided axis as before. Where the new axis has fewer heads than there are cards, those with
    /// the same head divide the axis behind it.
    [[nodiscard]] std::optional<LayerShare> renamed(const Layer& layer) const {
        const Shape& from = tensor(layer.inputs.front()).shape;
        const Shape& to = tensor(layer.outputs.front()).shape;
        const Cut& cut = cuts_.at(layer.inputs.front());
        std::int64_t outer = 1;
        for (std::size_t axis = 0; axis < cut.axis; ++axis) {
            outer *= from[axis];
        }
        const bool one_piece = cut.copies == 1 || cut.row_axis == cut.axis + 1;
        std::int64_t before = 1;
        for (std::size_t axis = 0; axis < to.size() && before <= outer; ++axis) {
            LayerShare share;
            share.axis = axis;
            share.copies = one_piece ? 1 : cut.copies;
            if (before == outer && !(cut.row_axis && !one_piece) &&
                to[axis] % (cards_ / share.copies) == 0) {
                return share;
            }
            const std::int64_t copies = cards_ / to[axis];
            if (before == outer && one_piece && to[axis] > 1 && cards_ % to[axis] == 0 &&
                axis + 1 < to.size() && to[axis + 1] % copies == 0) {
                share.copies = copies;
                share.row_axis = axis + 1;
                return share;
            }
            before *= to[axis];
        }
        return std::nullopt;
    }

    /// The divided axis of what layers read; see LayerShare.
    struct Cut {
        std::size_t axis = 0;
        std::int64_t copies = 1;
        std::optional<std::size_t> row_axis;
    };

    const NetworkParts& parts_;
    std::int64_t cards_;
    PartsInside inside_;
    std::vector<int> users_;  ///< layers by weights
    std::set<TensorId> read_;
    std::set<TensorId> gathered_;
    std::set<std::size_t> whole_;  ///< layers that each card does whole
    std::map<TensorId, Cut> cuts_;
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
