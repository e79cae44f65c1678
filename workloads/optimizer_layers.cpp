// SPDX-License-Identifier: Apache-2.0
#include "workloads/optimizer_layers.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "workloads/gradients/spaces.hpp"
#include "workloads/ops/build.hpp"

namespace memwall {
namespace {

// MODEL: elementwise operations of a parameter's update; corrections that are the same for all
// parameters go into its factors.
constexpr std::int64_t kSgd = 2;       // rate x gradient, subtract
constexpr std::int64_t kMomentum = 4;  // m = b m + g; w - rate x m
constexpr std::int64_t kAdam = 12;     // m: 3; v: 4; root, add, divide, multiply, subtract

struct OptimizerEntry {
    const char* name;
    std::int64_t operations;
    std::vector<const char*> state;
};

const std::vector<OptimizerEntry>& optimizers() {
    static const std::vector<OptimizerEntry> kAll = {
        {"sgd", kSgd, {}},
        {"momentum", kMomentum, {".momentum"}},
        {"adam", kAdam, {".mean", ".variance"}},
    };
    return kAll;
}

const OptimizerEntry& entry(Optimizer optimizer) {
    return optimizers()[static_cast<std::size_t>(optimizer)];
}

/// The dimensions of a drawn row: those of the layer's result and of what it sums over, in the
/// order of the table's projection, and the features.
Projection drawn(const IterationSpace& space) {
    const Projection& table = space.find(TensorRole::weights)->projection;
    Projection rows;
    for (const AxisTerm& term : table.axes[0].terms) {
        rows.axes.push_back(ops::plain_axis(term.dim, space.extent(term.dim)));
    }
    rows.axes.insert(rows.axes.end(), table.axes.begin() + 1, table.axes.end());
    return rows;
}

Shape shape_of(const Projection& projection) {
    Shape shape;
    for (const Axis& axis : projection.axes) {
        shape.push_back(axis.extent);
    }
    return shape;
}

}  // namespace

const char* name(Optimizer optimizer) {
    return entry(optimizer).name;
}

const std::vector<std::string>& optimizer_names() {
    static const std::vector<std::string> kNames = [] {
        std::vector<std::string> names;
        for (const OptimizerEntry& each : optimizers()) {
            names.emplace_back(each.name);
        }
        return names;
    }();
    return kNames;
}

Optimizer parse_optimizer(std::string_view text) {
    const std::vector<std::string>& names = optimizer_names();
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
        throw InputError("unknown optimizer '" + std::string(text) + "'" +
                         suggestion(std::string(text), names));
    }
    return static_cast<Optimizer>(found - names.begin());
}

int state_words(Optimizer optimizer) {
    return static_cast<int>(entry(optimizer).state.size());
}

std::int64_t OptimizerLayers::operations() const {
    return entry(optimizer_).operations;
}

TensorId OptimizerLayers::state(const std::string& name, const Shape& shape) {
    Tensor tensor;
    tensor.name = name;
    tensor.kind = TensorKind::optimizer;
    tensor.shape = shape;
    tensor.stated_precision = Precision::fp32;
    return parts_.add_tensor(std::move(tensor));
}

// By value: the names of tensors move when one is added.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void OptimizerLayers::add_state(std::string name, const Shape& shape, const Projection& projection,
                                bool master, IterationSpace& space) {
    std::vector<std::string> kinds;
    if (master) {
        kinds.emplace_back(kMaster);
    }
    kinds.insert(kinds.end(), entry(optimizer_).state.begin(), entry(optimizer_).state.end());
    for (const std::string& kind : kinds) {
        Operand operand = gradients::reads(state(name + kind, shape), projection);
        operand.role = TensorRole::state;
        operand.updated = true;
        space.operands.push_back(std::move(operand));
    }
}

void OptimizerLayers::update_weights(const Layer& layer, TensorId gradient) {
    const Shape shape = parts_.tensor(layer.weights).shape;
    const Projection all = gradients::flat(shape);
    const bool master = layer.precision.weights != Precision::fp32;
    BackwardLayer update;
    update.part = "update";
    update.op = name(optimizer_);
    update.shape = shape;
    update.kind = TensorKind::update;
    update.space = gradients::flat_space(shape, PointOperation::vector, operations());
    update.space.operands = {gradients::reads(gradient, all)};
    if (!master) {
        Operand weights = gradients::reads(layer.weights, all);
        weights.role = TensorRole::weights;
        update.space.operands.push_back(std::move(weights));
    }
    add_state(parts_.tensor(layer.weights).name, shape, all, master, update.space);
    update.space.operands.push_back(gradients::makes(all));
    const TensorId made = parts_.add(layer, std::move(update), LayerPass::update);
    Tensor result = parts_.tensor(made);
    result.in_place_of = layer.weights;
    result.stated_precision = layer.precision.weights;
    parts_.change_tensor(made, result);
}

void OptimizerLayers::update_parameters(const Layer& layer, TensorId gradient) {
    const Shape shape = parts_.tensor(gradient).shape;
    const Projection all = gradients::flat(shape);
    const bool master = layer.precision.weights != Precision::fp32;
    const std::string parameters = layer.name + ".parameters";
    BackwardLayer update;
    update.part = "parameter_update";
    update.op = name(optimizer_);
    update.shape = shape;
    update.kind = TensorKind::update;
    update.space = gradients::flat_space(shape, PointOperation::vector, operations());
    update.space.operands = {gradients::reads(gradient, all)};
    TensorId fp32;
    if (!master) {
        fp32 = state(parameters, shape);
        Operand own = gradients::reads(fp32, all);
        own.role = TensorRole::state;
        update.space.operands.push_back(std::move(own));
    }
    add_state(parameters, shape, all, master, update.space);
    update.space.operands.push_back(gradients::makes(all));
    const TensorId made = parts_.add(layer, std::move(update), LayerPass::update);
    Tensor result = parts_.tensor(made);
    result.in_place_of = fp32;
    result.stated_precision = layer.precision.weights;
    parts_.change_tensor(made, result);
}

void OptimizerLayers::update_rows(const Layer& layer, TensorId gradient) {
    const Operand& table = *layer.space.find(TensorRole::weights);
    const Shape shape = parts_.tensor(layer.weights).shape;
    const Projection rows = drawn(layer.space);
    const bool master = layer.precision.weights != Precision::fp32;
    BackwardLayer update;
    update.part = "update";
    update.op = name(optimizer_);
    update.shape = shape_of(rows);
    update.kind = TensorKind::update;
    update.space = layer.space;
    update.space.operation = PointOperation::vector;
    update.space.vector_operations_per_point = operations();
    update.space.operands = {gradients::reads(gradient, layer.space.outputs().projection)};
    if (!master) {
        update.space.operands.push_back(table);
    }
    add_state(parts_.tensor(layer.weights).name, shape, table.projection, master, update.space);
    update.space.operands.push_back(gradients::makes(rows));
    const TensorId made = parts_.add(layer, std::move(update), LayerPass::update);
    Tensor result = parts_.tensor(made);
    result.in_place_of = layer.weights;
    result.stated_precision = layer.precision.weights;
    parts_.change_tensor(made, result);
}

void OptimizerLayers::add_rows(const Layer& layer, TensorId rows, TensorId table) {
    const Projection made = drawn(layer.space);
    BackwardLayer add;
    add.part = "row_gradients";
    add.op = "add";
    add.shape = shape_of(made);
    add.kind = TensorKind::update;
    add.space = layer.space;
    add.space.operation = PointOperation::vector;
    add.space.vector_operations_per_point = 1;
    Operand present = *layer.space.find(TensorRole::weights);
    present.role = TensorRole::inputs;
    present.tensor = table;
    add.space.operands = {gradients::reads(rows, layer.space.outputs().projection),
                          std::move(present), gradients::makes(made)};
    const TensorId id = parts_.add(layer, std::move(add));
    Tensor result = parts_.tensor(id);
    result.in_place_of = table;
    parts_.change_tensor(id, result);
}

}  // namespace memwall
