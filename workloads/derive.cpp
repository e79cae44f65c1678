// SPDX-License-Identifier: Apache-2.0
#include "workloads/derive.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "workloads/ops/op.hpp"
#include "workloads/transpositions.hpp"

namespace memwall {
namespace {

OpForm form_of(const Layer& layer) {
    const Op* op = find_op(layer.op);
    return op == nullptr ? OpForm::compute : op->form;
}

/// Whether each place along an axis of an item of the result has weights of its own.
bool has_weights_along(const Layer& layer, std::size_t axis) {
    const std::vector<Operand>& operands = layer.space.operands;
    const auto weights = std::find_if(operands.begin(), operands.end(), [](const Operand& each) {
        return each.role == TensorRole::weights;
    });
    const std::vector<AxisTerm>& terms = layer.space.outputs().projection.axes.at(axis + 1).terms;
    return std::all_of(terms.begin(), terms.end(), [&](const AxisTerm& term) {
        return relevant(weights->projection, term.dim);
    });
}

class Derivation {
public:
    explicit Derivation(NetworkParts& parts) : parts_(parts) {}

    void run() {
        check_operands();
        set_batch();
        find_renames();
        find_parts();
        free_transposed();
        fold_scales();
        choose_precisions();
        place_joins();
        place_appends();
        name_state();
        find_epilogues();
    }

private:
    Tensor& tensor(TensorId id) { return parts_.tensors[id.position()]; }
    Layer& layer(LayerId id) { return parts_.layers[id.position()]; }

    void check_operands() {
        const auto known = [&](TensorId id) {
            return id.valid() && id.position() < parts_.tensors.size();
        };
        for (const Layer& each : parts_.layers) {
            ensure(each.outputs.size() == 1 && known(each.outputs[0]),
                   "every layer makes one tensor");
            ensure(each.space.has_operands() || each.inputs.size() == 1,
                   "a layer without operands renames one tensor");
            for (const Operand& operand : each.space.operands) {
                ensure(known(operand.tensor), "every operand has a tensor");
                const Tensor& of = tensor(operand.tensor);
                ensure(
                    operand.projection.axes.size() == of.shape.size() + (of.is_per_item() ? 1 : 0),
                    "a projection has an axis for each of its tensor's");
            }
            if (each.space.has_operands()) {
                ensure(each.space.outputs().tensor == each.outputs[0],
                       "the last operand is the tensor that the layer makes");
            }
        }
    }

    /// The first axis of what every item has goes along the batch: N, or what a gradient sums over.
    void set_batch() {
        for (Layer& each : parts_.layers) {
            for (Operand& operand : each.space.operands) {
                if (!tensor(operand.tensor).is_per_item()) {
                    continue;
                }
                Axis& batch = operand.projection.axes[0];
                batch.extent = parts_.batch;
                for (const AxisTerm& term : batch.terms) {
                    each.space.extents[index(term.dim)] = parts_.batch;
                }
            }
        }
    }

    /// A layer without operands gives the words of its input another shape.
    void find_renames() {
        for (Layer& each : parts_.layers) {
            if (!each.space.has_operands()) {
                each.no_work = true;
                tensor(each.outputs[0]).alias = Alias{each.inputs[0], -1, 0};
            }
        }
    }

    /// A part of a tensor is read where it lies. What leaves the network is made as a tensor.
    void find_parts() {
        for (Layer& each : parts_.layers) {
            Tensor& part = tensor(each.outputs[0]);
            if (form_of(each) != OpForm::part || part.consumers.empty()) {
                continue;
            }
            const Shape& whole = tensor(each.inputs[0]).shape;
            Alias alias{each.inputs[0], -1, 0};
            for (std::size_t axis = 0; axis < whole.size(); ++axis) {
                if (part.shape[axis] != whole[axis]) {
                    alias.axis = static_cast<int>(axis);
                    alias.offset = each.space.operands[0].projection.axes[axis + 1].offset;
                }
            }
            part.alias = alias;
            each.no_work = true;
            each.space.operands.clear();
        }
    }

    /// What its neighbours write or read in another order has the same words.
    void free_transposed() {
        for (const LayerId id : free_transpositions(parts_)) {
            Layer& each = layer(id);
            each.no_work = true;
            each.space.operands.clear();
            tensor(each.outputs[0]).alias = Alias{each.inputs[0], -1, 0};
        }
    }

    // MODEL: a batch normalisation of trained statistics is a factor and an offset a channel; both
    // go into the weights and the bias of the layer before it where nobody else reads that layer.
    void fold_scales() {
        for (Layer& scale : parts_.layers) {
            if (form_of(scale) != OpForm::scale) {
                continue;
            }
            const Tensor& input = tensor(scale.inputs[0]);
            if (!input.producer.valid() || input.consumers.size() != 1) {
                continue;
            }
            const Layer& before = layer(input.producer);
            if (before.space.operation == PointOperation::mac && before.weights.valid() &&
                has_weights_along(before, scale.scaled_axis.value())) {
                scale.folded_into = input.producer;
                scale.no_work = true;
                scale.space.operands.clear();
                tensor(scale.outputs[0]).alias = Alias{scale.inputs[0], -1, 0};
            }
        }
    }

    /// What the readers of a tensor want it to be. Layers that do no work read nothing: their
    /// readers count.
    Precision demand(const Tensor& of, const std::vector<Precision>& later) {
        if (of.stated_precision) {
            return *of.stated_precision;
        }
        if (of.kind == TensorKind::state && of.producer.valid()) {
            return layer(of.producer).precision.activations;  // a cache is kept as it says itself
        }
        std::optional<Precision> wanted;
        for (const LayerId id : of.consumers) {
            const Layer& consumer = layer(id);
            const Precision one = consumer.no_work || form_of(consumer) == OpForm::join
                                      ? later[consumer.outputs[0].position()]
                                      : consumer.precision.activations;
            wanted = wanted ? widest(*wanted, one) : one;
        }
        if (!wanted && of.producer.valid()) {
            wanted = layer(of.producer).precision.activations;
        }
        return wanted.value_or(of.precision);
    }

    void choose_precisions() {
        std::vector<Precision> wanted(parts_.tensors.size());
        for (std::size_t l = parts_.layers.size(); l-- > 0;) {
            const TensorId id = parts_.layers[l].outputs[0];
            wanted[id.position()] = demand(tensor(id), wanted);
        }
        for (std::size_t t = 0; t < parts_.tensors.size(); ++t) {
            Tensor& each = parts_.tensors[t];
            if (each.kind == TensorKind::input ||
                (each.kind == TensorKind::state && !each.producer.valid())) {
                wanted[t] = demand(each, wanted);
            }
            if (each.kind == TensorKind::optimizer) {
                wanted[t] = each.stated_precision.value_or(Precision::fp32);
            }
            each.precision = wanted[t];
        }
        for (Layer& each : parts_.layers) {
            if (each.weights.valid()) {
                Tensor& weights = tensor(each.weights);
                weights.precision = weights.stated_precision.value_or(each.precision.weights);
            }
            Tensor& output = tensor(each.outputs[0]);
            if (output.alias) {  // the same words cannot be two formats
                output.precision = tensor(output.alias->of).precision;
            }
            each.space.accumulator = each.precision.accumulator;
            for (Operand& operand : each.space.operands) {
                operand.precision = tensor(operand.tensor).precision;
            }
        }
    }

    /// The tensor whose words `id` has under the same shape.
    TensorId same_shape_root(TensorId id) {
        while (tensor(id).alias && tensor(id).alias->axis < 0 &&
               tensor(tensor(id).alias->of).shape == tensor(id).shape) {
            id = tensor(id).alias->of;
        }
        return id;
    }

    /// A join costs nothing where each of its inputs can be made in its place in the result. It is
    /// a copy where one of them lives elsewhere already.
    void place_joins() {
        for (Layer& each : parts_.layers) {
            if (form_of(each) != OpForm::join || each.no_work) {
                continue;
            }
            const Tensor& result = tensor(each.outputs[0]);
            std::set<TensorId> roots;
            bool free = true;
            for (const TensorId input : each.inputs) {
                const TensorId root = same_shape_root(input);
                free = free && roots.insert(root).second && !tensor(root).alias &&
                       tensor(root).kind == TensorKind::activation &&
                       tensor(root).precision == result.precision;
            }
            if (!free) {
                continue;
            }
            std::size_t axis = 0;
            while (axis + 1 < result.shape.size() &&
                   tensor(each.inputs[0]).shape[axis] == result.shape[axis]) {
                ++axis;
            }
            std::int64_t offset = 0;
            for (const TensorId input : each.inputs) {
                tensor(same_shape_root(input)).alias =
                    Alias{each.outputs[0], static_cast<int>(axis), offset};
                offset += tensor(input).shape[axis];
            }
            each.no_work = true;
            each.space.operands.clear();
        }
    }

    /// New positions of a state tensor are made in their place where they can be.
    void place_appends() {
        for (Layer& each : parts_.layers) {
            if (form_of(each) != OpForm::append || each.no_work) {
                continue;
            }
            const Tensor& result = tensor(each.outputs[0]);
            const TensorId root = same_shape_root(each.inputs[0]);
            if (tensor(root).alias || tensor(root).kind != TensorKind::activation ||
                tensor(root).precision != result.precision) {
                continue;
            }
            const std::size_t axis = result.shape.size() - 2;
            tensor(root).alias = Alias{each.outputs[0], static_cast<int>(axis),
                                       result.shape[axis] - tensor(root).shape[axis]};
            each.no_work = true;
            each.space.operands.clear();
        }
    }

    /// What is read of a state tensor is counted as state.
    void name_state() {
        for (Layer& each : parts_.layers) {
            for (Operand& operand : each.space.operands) {
                const TensorKind kind = tensor(operand.tensor).kind;
                if (operand.role == TensorRole::inputs &&
                    (kind == TensorKind::state || kind == TensorKind::optimizer)) {
                    operand.role = TensorRole::state;
                }
            }
        }
    }

    /// The last layer with work that must be done before `id` can be read.
    LayerId ready_after(TensorId id) {
        const LayerId producer = tensor(id).producer;
        if (!producer.valid() || !layer(producer).no_work) {
            return producer;
        }
        LayerId latest;
        for (const TensorId input : layer(producer).inputs) {
            latest = std::max(latest, ready_after(input));
        }
        return latest;
    }

    /// The layer whose result `reader` gets through `id` and nobody else does.
    LayerId only_source(TensorId id) {
        while (tensor(id).consumers.size() == 1) {
            const LayerId producer = tensor(id).producer;
            if (!producer.valid() || !layer(producer).no_work) {
                return producer;
            }
            if (!layer(producer).folded_into.valid()) {
                break;
            }
            id = layer(producer).inputs[0];
        }
        return {};
    }

    void find_epilogues() {
        for (Layer& each : parts_.layers) {
            const IterationSpace& space = each.space;
            if (each.no_work || each.stands_alone || each.pass == LayerPass::update ||
                space.operation == PointOperation::mac || each.weights.valid() ||
                !space.whole_dims.empty() || !space.reduction_dims().empty() ||
                form_of(each) == OpForm::join) {
                continue;
            }
            LayerId latest;
            for (const TensorId input : each.inputs) {
                latest = std::max(latest, ready_after(input));
            }
            for (const Operand& operand : space.operands) {
                if (operand.role == TensorRole::inputs && latest.valid() &&
                    operand.projection == space.outputs().projection &&
                    only_source(operand.tensor) == latest) {
                    each.epilogue_of = latest;
                }
            }
        }
    }

    NetworkParts& parts_;
};

}  // namespace

void derive(NetworkParts& parts) {
    for (Tensor& tensor : parts.tensors) {
        tensor.producer = {};
        tensor.consumers.clear();
        tensor.alias.reset();
    }
    for (std::size_t l = 0; l < parts.layers.size(); ++l) {
        Layer& layer = parts.layers[l];
        layer.no_work = false;
        layer.folded_into = {};
        layer.epilogue_of = {};
        for (const TensorId input : layer.inputs) {
            std::vector<LayerId>& consumers = parts.tensors[input.position()].consumers;
            if (consumers.empty() || consumers.back() != LayerId(l)) {
                consumers.emplace_back(l);
            }
        }
        for (const TensorId output : layer.outputs) {
            parts.tensors[output.position()].producer = LayerId(l);
        }
    }
    Derivation(parts).run();
}

}  // namespace memwall
