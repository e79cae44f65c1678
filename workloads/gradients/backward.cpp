// SPDX-License-Identifier: Apache-2.0
#include "workloads/gradients/backward.hpp"

#include <algorithm>
#include <iterator>

#include "base/error.hpp"
#include "workloads/gradients/rules.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall {

TrainingParts::TrainingParts(NetworkParts forward)
    : parts_(std::move(forward)), forward_(std::move(parts_.layers)) {
    parts_.layers.clear();
    needed_.assign(parts_.tensors.size(), false);
    for (const Layer& layer : forward_) {
        const bool trained = layer.weights.valid() || layer.other_parameters > 0;
        const bool after = std::any_of(layer.inputs.begin(), layer.inputs.end(),
                                       [&](TensorId id) { return needed_[id.position()]; });
        needed_[layer.outputs[0].position()] =
            (trained || after) && find_gradient(layer.op) != gradients::nowhere;
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
    layer.stands_alone = of.stands_alone;
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

TensorId TrainingParts::of_the_batch(const Layer& of, const std::string& part, TensorId id,
                                     const Shape& shape) {
    BackwardLayer layer;
    layer.part = part;
    layer.op = "reshape";
    layer.shape = shape;
    layer.kind = TensorKind::batch_sum;
    const TensorId made = add(of, std::move(layer));
    parts_.layers.back().inputs = {id};
    return made;
}

void TrainingParts::accumulate(const Layer& of, TensorId gradient) {
    std::vector<TensorId>& given = given_[of.weights];
    given.push_back(gradient);
    given = {summed(of, "weight_gradient_sum", given)};
}

bool TrainingParts::overlap(const Part& a, const Part& b) const {
    const Shape& of_a = tensor(a.gradient).shape;
    const Shape& of_b = tensor(b.gradient).shape;
    for (std::size_t axis = 0; axis < of_a.size(); ++axis) {
        const Range both = intersection({a.begin[axis], a.begin[axis] + of_a[axis]},
                                        {b.begin[axis], b.begin[axis] + of_b[axis]});
        if (both.size() == 0) {
            return false;
        }
    }
    return true;
}

bool TrainingParts::covers(const std::vector<Part>& parts, const Shape& shape) const {
    std::int64_t covered = 0;
    for (const Part& part : parts) {
        covered += words(tensor(part.gradient).shape);
    }
    return covered == words(shape);  // they do not overlap
}

/// Parts that lie beside each other become one gradient.
void TrainingParts::join_parts(TensorId of, const Layer& named) {
    const auto found = given_parts_.find(of);
    if (found == given_parts_.end()) {
        return;
    }
    std::vector<std::vector<Part>> groups;
    for (const Part& part : found->second) {
        const auto free = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
            return std::none_of(group.begin(), group.end(),
                                [&](const Part& other) { return overlap(part, other); });
        });
        (free == groups.end() ? groups.emplace_back() : *free).push_back(part);
    }
    for (std::vector<Part>& group : groups) {
        std::sort(group.begin(), group.end(),
                  [](const Part& a, const Part& b) { return a.begin < b.begin; });
        give(of, joined(group, of, named));
    }
    given_parts_.erase(found);
}

/// Free where the parts can be made in their places, like any concatenation; zeros where there are
/// none.
TensorId TrainingParts::joined(const std::vector<Part>& parts, TensorId of, const Layer& named) {
    const Shape shape = tensor(of).shape;
    if (parts.size() == 1 && tensor(parts.front().gradient).shape == shape) {
        return parts.front().gradient;
    }
    BackwardLayer layer;
    layer.part = "gradient_parts";
    layer.op = covers(parts, shape) ? "concat" : "pad";
    layer.shape = shape;
    layer.space = ops::elementwise_space(shape, PointOperation::vector, 1);
    const Projection all = gradients::whole(shape, batch());
    for (const Part& part : parts) {
        Projection seen = all;
        for (std::size_t axis = 0; axis < shape.size(); ++axis) {
            seen.axes[axis + 1].offset = -part.begin[axis];
            seen.axes[axis + 1].extent = tensor(part.gradient).shape[axis];
        }
        layer.space.operands.push_back(gradients::reads(part.gradient, std::move(seen)));
    }
    layer.space.operands.push_back(gradients::makes(all));
    return add(named, std::move(layer));
}

TensorId TrainingParts::gradient(TensorId of, const Layer& named) {
    join_parts(of, named);
    const auto found = given_.find(of);
    if (found == given_.end()) {
        return {};
    }
    const TensorId total = summed(named, "gradient_sum", found->second);
    given_[of] = {total};
    return total;
}

TensorId TrainingParts::summed(const Layer& of, const std::string& part,
                               const std::vector<TensorId>& terms) {
    if (terms.size() == 1) {
        return terms.front();
    }
    const auto additions = static_cast<std::int64_t>(terms.size()) - 1;
    const Shape shape = tensor(terms.front()).shape;
    const bool per_item = tensor(terms.front()).is_per_item();
    BackwardLayer layer;
    layer.part = part;
    layer.op = "add";
    layer.shape = shape;
    layer.kind = per_item ? TensorKind::activation : TensorKind::batch_sum;
    layer.space = per_item ? ops::elementwise_space(shape, PointOperation::add, additions)
                           : gradients::flat_space(shape, PointOperation::add, additions);
    const Projection all = per_item ? gradients::whole(shape, batch()) : gradients::flat(shape);
    for (const TensorId term : terms) {
        layer.space.operands.push_back(gradients::reads(term, all));
    }
    layer.space.operands.push_back(gradients::makes(all));
    return add(of, std::move(layer));
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

std::int64_t Backward::draws_of_weights() const {
    std::int64_t draws = 0;
    for (const Layer& layer : parts_.forward()) {
        const Operand* table = layer.space.find(TensorRole::weights);
        if (layer.weights != layer_.weights || table == nullptr || !table->projection.gather) {
            continue;
        }
        std::int64_t of_layer = 1;
        for (const AxisTerm& term : table->projection.axes[0].terms) {
            of_layer = checked_multiply(of_layer, layer.space.extent(term.dim));
        }
        draws = checked_add(draws, of_layer);
    }
    return draws;
}

std::string Backward::input_part(std::size_t i) const {
    return layer_.inputs.size() == 1 ? "input_gradient" : "input_gradient_" + std::to_string(i + 1);
}

}  // namespace memwall
