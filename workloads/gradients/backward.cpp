// SPDX-License-Identifier: Apache-2.0
#include "workloads/gradients/backward.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall {

TrainingParts::TrainingParts(NetworkParts forward)
    : parts_(std::move(forward)), forward_(std::move(parts_.layers)) {
    parts_.layers.clear();
    needed_.assign(parts_.tensors.size(), false);
    for (const Layer& layer : forward_) {
        const bool trained = layer.weights.valid() || layer.other_parameters > 0;
        needed_[layer.outputs[0].position()] =
            trained || std::any_of(layer.inputs.begin(), layer.inputs.end(),
                                   [&](TensorId id) { return needed_[id.position()]; });
        names_[layer.name] = true;
    }
    for (const Tensor& tensor : parts_.tensors) {
        names_[tensor.name] = true;
    }
}

std::string TrainingParts::free_name(std::string name) const {
    while (names_.contains(name)) {
        name += "'";
    }
    return name;
}

TensorId TrainingParts::add_tensor(Tensor tensor) {
    tensor.name = free_name(std::move(tensor.name));
    names_[tensor.name] = true;
    parts_.tensors.push_back(std::move(tensor));
    needed_.push_back(false);
    return TensorId(parts_.tensors.size() - 1);
}

TensorId TrainingParts::add(const Layer& of, BackwardLayer made, LayerPass pass) {
    Tensor result;
    result.name = of.name + "." + made.part;
    result.kind = made.kind;
    result.shape = std::move(made.shape);
    const TensorId id = add_tensor(std::move(result));
    Layer layer;
    layer.name = tensor(id).name;
    layer.op = std::move(made.op);
    layer.pass = pass;
    layer.space = std::move(made.space);
    layer.precision = of.precision;
    layer.where = of.where;
    layer.outputs = {id};
    for (Operand& operand : layer.space.operands) {
        if (operand.role == TensorRole::outputs) {
            operand.tensor = id;
        } else if (operand.role == TensorRole::weights) {
            layer.weights = operand.tensor;
        } else {
            layer.inputs.push_back(operand.tensor);
        }
    }
    parts_.layers.push_back(std::move(layer));
    return id;
}

TensorId TrainingParts::renamed(const Layer& of, const std::string& part, TensorId id,
                                const Shape& shape) {
    if (tensor(id).shape == shape) {
        return id;
    }
    BackwardLayer layer;
    layer.part = part;
    layer.op = "reshape";
    layer.shape = shape;
    const TensorId renamed = add(of, std::move(layer));
    parts_.layers.back().inputs = {id};
    return renamed;
}

TensorId TrainingParts::gradient(TensorId of, const Layer& named) {
    const auto found = given_.find(of);
    if (found == given_.end()) {
        return {};
    }
    const std::vector<TensorId>& terms = found->second;
    if (terms.size() == 1) {
        return terms.front();
    }
    const Tensor& summed = tensor(of);
    const bool per_item = tensor(terms.front()).is_per_item();
    BackwardLayer layer;
    layer.part = summed.is_weight() ? "weight_gradient_sum" : "gradient_sum";
    layer.op = "add";
    layer.shape = summed.shape;
    layer.kind = per_item ? TensorKind::activation : TensorKind::batch_sum;
    layer.space = gradients::flat_space(summed.shape, PointOperation::add,
                                        static_cast<std::int64_t>(terms.size()) - 1);
    const Projection all =
        per_item ? gradients::whole(summed.shape, batch()) : gradients::flat(summed.shape);
    if (per_item) {
        layer.space = ops::elementwise_space(summed.shape, PointOperation::add,
                                             static_cast<std::int64_t>(terms.size()) - 1);
    }
    for (const TensorId term : terms) {
        layer.space.operands.push_back(gradients::reads(term, all));
    }
    layer.space.operands.push_back(gradients::makes(all));
    const TensorId total = add(named, std::move(layer));
    given_[of] = {total};
    return total;
}

NetworkParts TrainingParts::take() {
    for (Layer& layer : forward_) {
        if (layer.op == "batch_norm") {
            layer.op = "normalise";  // by the statistics of the batch: nothing folds it
        }
    }
    forward_.insert(forward_.end(), std::make_move_iterator(parts_.layers.begin()),
                    std::make_move_iterator(parts_.layers.end()));
    parts_.layers = std::move(forward_);
    return std::move(parts_);
}

std::string Backward::input_part(std::size_t i) const {
    return layer_.inputs.size() == 1 ? "input_gradient" : "input_gradient_" + std::to_string(i + 1);
}

}  // namespace memwall
