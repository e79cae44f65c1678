// SPDX-License-Identifier: Apache-2.0
#include "workloads/tensor_parallel.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "workloads/collective.hpp"
#include "workloads/ops/build.hpp"

namespace memwall {
namespace {

/// How a card does a layer: along which dimension it has only its own part.
struct LayerShare {
    std::optional<Dim> dim;           ///< none: every card does the whole layer
    std::optional<std::size_t> axis;  ///< of the result's shape, of which a card has its part
    bool partial = false;             ///< results are partial sums
};

/// The axis of a tensor that a projection has for one of its shape.
const Axis& axis_at(const Operand& operand, const Tensor& tensor, std::size_t axis) {
    return operand.projection.axes[axis + (tensor.is_per_item() ? 1 : 0)];
}

/// The dimension that alone walks along an axis, word by word from the first; none where there is
/// no such one.
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
    ShareFinder(const NetworkParts& parts, std::int64_t cards)
        : parts_(parts), cards_(cards), users_(parts.tensors.size()) {
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

    std::vector<LayerShare> run() {
        std::size_t before = 0;
        do {
            before = gathered_.size();
            shares_.assign(parts_.layers.size(), {});
            cuts_.clear();
            for (std::size_t l = 0; l < parts_.layers.size(); ++l) {
                share_layer(l);
            }
        } while (gathered_.size() != before);
        return shares_;
    }

    /// Whether all cards get all of a tensor of which each has made its part.
    [[nodiscard]] bool gathered(TensorId tensor) const { return gathered_.count(tensor) > 0; }

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
        const std::optional<LayerShare> found = cut.empty()                  ? by_outputs(layer)
                                                : layer.space.has_operands() ? by_inputs(layer)
                                                                             : renamed(layer);
        if (found) {
            share = *found;
        } else {
            gathered_.insert(cut.begin(), cut.end());
        }
        const TensorId result = layer.outputs.front();
        if (share.axis && read_.count(result) == 0) {
            gathered_.insert(result);
        }
        if (share.axis && gathered_.count(result) == 0) {
            cuts_[result] = *share.axis;
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
    [[nodiscard]] std::optional<LayerShare> by_outputs(const Layer& layer) const {
        const IterationSpace& space = layer.space;
        const Operand* weights = space.find(TensorRole::weights);
        LayerShare whole;
        if (!layer.weights.valid() || weights == nullptr || users_[layer.weights.position()] > 1) {
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
    std::vector<int> users_;  ///< layers by weights
    std::set<TensorId> read_;
    std::set<TensorId> gathered_;
    std::map<TensorId, std::size_t> cuts_;  ///< the divided axis of what layers read
    std::vector<LayerShare> shares_;
};

// MODEL: partial sums travel and are stored between cards as bf16 where their network is narrower,
// and as whole accumulators where those are integers: eight bits would lose what is still to be
// added.
Precision sum_precision(Precision accumulator, Precision result) {
    const bool integer = accumulator == Precision::int16 || accumulator == Precision::int32;
    return integer ? accumulator : widest(Precision::bf16, result);
}

class Divider {
public:
    Divider(const Network& network, std::int64_t cards)
        : network_(network), parts_(network.parts()), cards_(cards), finder_(parts_, cards) {}

    TensorParallelPart run() {
        const std::vector<LayerShare> shares = finder_.run();
        for (std::size_t l = 0; l < shares.size(); ++l) {
            divide(parts_.layers[l], shares[l]);
        }
        fit_axes();
        const std::vector<Layer> layers = std::move(parts_.layers);
        parts_.layers.clear();
        for (std::size_t l = 0; l < shares.size(); ++l) {
            parts_.layers.push_back(layers[l]);
            for (TensorId& input : parts_.layers.back().inputs) {
                whole_instead(input);
            }
            for (Operand& operand : parts_.layers.back().space.operands) {
                if (operand.role != TensorRole::outputs) {
                    whole_instead(operand.tensor);
                }
            }
            const TensorId result = layers[l].outputs.front();
            if (shares[l].partial) {
                exchange(layers[l], Collective::all_reduce, tensor(result).shape);
            } else if (shares[l].axis && finder_.gathered(result)) {
                Shape whole = tensor(result).shape;
                whole[*shares[l].axis] *= cards_;
                exchange(layers[l], Collective::all_gather, whole);
            }
        }
        part_.network = Network(std::move(parts_));
        return std::move(part_);
    }

private:
    Tensor& tensor(TensorId id) { return parts_.tensors[id.position()]; }

    void whole_instead(TensorId& id) const {
        const auto whole = whole_.find(id);
        id = whole == whole_.end() ? id : whole->second;
    }

    void divide(Layer& layer, const LayerShare& share) {
        if (share.axis) {
            tensor(layer.outputs.front()).shape[*share.axis] /= cards_;
        }
        if (!share.dim) {
            if (layer.space.has_operands() && layer.space.macs() > 0) {
                part_.undivided.push_back(layer.name);
            }
            return;
        }
        layer.stated = nullptr;
        IterationSpace& space = layer.space;
        if (const Operand* weights = space.find(TensorRole::weights)) {
            Shape& shape = tensor(weights->tensor).shape;
            for (std::size_t axis = 0; axis < shape.size(); ++axis) {
                if (plain_dim(weights->projection.axes[axis], space) == share.dim) {
                    shape[axis] /= cards_;
                }
            }
        }
        space.extents[index(*share.dim)] /= cards_;
        if (share.axis) {  // what goes with the outputs: their biases
            layer.other_parameters = (layer.other_parameters + cards_ - 1) / cards_;
        }
    }

    /// Operands have the sizes of their tensors.
    void fit_axes() {
        for (Layer& layer : parts_.layers) {
            for (Operand& operand : layer.space.operands) {
                // A part that is gathered is read whole.
                const Tensor& of = tensor(operand.tensor);
                const bool whole =
                    operand.role != TensorRole::outputs && finder_.gathered(operand.tensor);
                auto& axes = operand.projection.axes;
                const std::size_t first = of.is_per_item() ? 1 : 0;
                for (std::size_t axis = 0; !whole && axis < of.shape.size(); ++axis) {
                    axes[first + axis].extent = of.shape[axis];
                }
            }
        }
    }

    /// Appends the collective behind the layer that made its part; who reads on gets the whole.
    void exchange(const Layer& maker, Collective collective, const Shape& whole) {
        const TensorId made = maker.outputs.front();
        const Precision precision = network_.tensor(made).precision;
        Tensor all = tensor(made);
        all.name += std::string(".") + name(collective);
        all.kind = TensorKind::activation;
        all.shape = whole;
        all.stated_precision = precision;
        tensor(made).stated_precision = collective == Collective::all_reduce
                                            ? sum_precision(maker.precision.accumulator, precision)
                                            : precision;
        const TensorId result(parts_.tensors.size());
        Layer layer;
        layer.name = all.name;
        layer.op = name(collective);
        layer.precision = maker.precision;
        layer.inputs = {made};
        layer.outputs = {result};
        layer.stands_alone = true;
        layer.where = maker.where;
        layer.space = ops::elementwise_space(whole, PointOperation::vector, 1);
        std::vector<Axis> read = ops::shape_axes(whole);
        for (std::size_t axis = 0; axis < whole.size(); ++axis) {
            read[axis].extent = tensor(made).shape[axis];
        }
        layer.space.operands = {ops::inputs_operand(std::move(read)),
                                ops::outputs_operand(ops::shape_axes(whole))};
        layer.space.operands.front().tensor = made;
        layer.space.operands.back().tensor = result;
        parts_.tensors.push_back(std::move(all));
        parts_.layers.push_back(std::move(layer));
        whole_[made] = result;
    }

    const Network& network_;
    NetworkParts parts_;
    std::int64_t cards_;
    ShareFinder finder_;
    std::map<TensorId, TensorId> whole_;
    TensorParallelPart part_;
};

}  // namespace

const char* name(Collective collective) {
    return collective == Collective::all_reduce ? "all_reduce" : "all_gather";
}

std::optional<Collective> collective_of(std::string_view op) {
    for (const Collective collective : {Collective::all_reduce, Collective::all_gather}) {
        if (op == name(collective)) {
            return collective;
        }
    }
    return std::nullopt;
}

TensorParallelPart tensor_parallel_part(const Network& network, std::int64_t cards) {
    ensure(cards > 0, "at least one card has a network");
    ensure(!network.trains(), "only inference is divided over cards");
    return cards == 1 ? TensorParallelPart{network, {}} : Divider(network, cards).run();
}

}  // namespace memwall
