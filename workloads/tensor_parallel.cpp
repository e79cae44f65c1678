// SPDX-License-Identifier: Apache-2.0
#include "workloads/tensor_parallel.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "workloads/collective.hpp"
#include "workloads/ops/build.hpp"

namespace memwall {
namespace {

// MODEL: partial sums travel and are stored between cards as bf16 where their network is narrower,
// and as whole accumulators where those are integers: eight bits would lose what is still to be
// added.
Precision sum_precision(Precision accumulator, Precision result) {
    const bool integer = accumulator == Precision::int16 || accumulator == Precision::int32;
    return integer ? accumulator : widest(Precision::bf16, result);
}

class Divider {
public:
    Divider(const Network& network, std::int64_t cards, PartsInside inside)
        : network_(network),
          parts_(network.parts()),
          cards_(cards),
          shares_(find_layer_shares(parts_, cards, inside)) {}

    TensorParallelPart run() {
        const std::vector<LayerShare>& shares = shares_.layers;
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
            } else if (shares[l].axis && gathered(result)) {
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

    [[nodiscard]] bool gathered(TensorId tensor) const {
        return shares_.gathered.count(tensor) > 0;
    }

    void whole_instead(TensorId& id) const {
        const auto whole = whole_.find(id);
        id = whole == whole_.end() ? id : whole->second;
    }

    void divide(Layer& layer, const LayerShare& share) {
        const std::int64_t ways = cards_ / share.copies;
        Shape& made = tensor(layer.outputs.front()).shape;
        if (share.axis) {
            made[*share.axis] /= ways;
        }
        if (share.row_axis) {
            made[*share.row_axis] /= share.copies;
        }
        if (!share.dim) {
            if (layer.space.has_operands() && layer.space.macs() > 0) {
                part_.undivided.push_back(layer.name);
            }
            return;
        }
        if (share.copied() && layer.space.macs() > 0) {
            part_.copied.push_back(layer.name);
        }
        layer.stated = nullptr;
        IterationSpace& space = layer.space;
        if (const Operand* weights = space.find(TensorRole::weights)) {
            Shape& shape = tensor(weights->tensor).shape;
            for (std::size_t axis = 0; axis < shape.size(); ++axis) {
                if (plain_dim(weights->projection.axes[axis], space) == share.dim) {
                    shape[axis] /= ways;
                }
            }
        }
        space.extents[index(*share.dim)] /= ways;
        if (share.rows) {
            space.extents[index(*share.rows)] /= share.copies;
        }
        if (share.axis) {  // what goes with the outputs: their biases
            layer.other_parameters = ceil_divide(layer.other_parameters, ways);
        }
    }

    /// Operands have the sizes of their tensors.
    void fit_axes() {
        for (Layer& layer : parts_.layers) {
            for (Operand& operand : layer.space.operands) {
                // A part that is gathered is read whole.
                const Tensor& of = tensor(operand.tensor);
                const bool whole = operand.role != TensorRole::outputs && gathered(operand.tensor);
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
    LayerShares shares_;
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

TensorParallelPart tensor_parallel_part(const Network& network, std::int64_t cards,
                                        PartsInside inside) {
    ensure(cards > 0, "at least one card has a network");
    ensure(!network.trains(), "only inference is divided over cards");
    return cards == 1 ? TensorParallelPart{network, {}, {}} : Divider(network, cards, inside).run();
}

}  // namespace memwall
