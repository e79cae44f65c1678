// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/graph.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "workloads/importers/layer_check.hpp"
#include "workloads/ops/limits.hpp"

namespace memwall::importers::onnx {
namespace {

/// A shape of at most four axes with the same words in the same order, ones left out first and
/// leading axes joined then.
Shape joined(Shape shape) {
    while (shape.size() > kMostAxes) {
        const auto one = std::find(shape.begin(), shape.end(), 1);
        if (one != shape.end()) {
            shape.erase(one);
        } else {
            shape[1] *= shape[0];
            shape.erase(shape.begin());
        }
    }
    return shape;
}

}  // namespace

Precision precision_of(ElementType type) {
    switch (type) {
        case ElementType::uint8:
        case ElementType::int8:
        case ElementType::boolean:
            return Precision::int8;
        case ElementType::uint16:
        case ElementType::int16:
            return Precision::int16;
        case ElementType::int32:
        case ElementType::uint32:
        case ElementType::int64:
        case ElementType::uint64:
            return Precision::int32;
        case ElementType::fp16:
            return Precision::fp16;
        case ElementType::bf16:
            return Precision::bf16;
        case ElementType::fp8_e4m3:
        case ElementType::fp8_e4m3_fnuz:
        case ElementType::fp8_e5m2:
        case ElementType::fp8_e5m2_fnuz:
            return Precision::fp8;
        case ElementType::uint4:
        case ElementType::int4:
            return Precision::int4;
        default:
            return Precision::fp32;
    }
}

std::string unreadable(ElementType type) {
    switch (type) {
        case ElementType::unknown:
            return "no element type";
        case ElementType::text:
            return "strings";
        case ElementType::complex64:
            return "complex64 numbers";
        case ElementType::complex128:
            return "complex128 numbers";
        case ElementType::fp4_e2m1:
            return "float4e2m1 numbers";
        case ElementType::fp8_e8m0:
            return "float8e8m0 numbers";
        default:
            break;
    }
    const auto number = static_cast<std::int32_t>(type);
    return number > 0 && number < static_cast<std::int32_t>(ElementType::fp4_e2m1)
               ? ""
               : "element type " + std::to_string(number) + ", which this program does not know";
}

std::int64_t words_of(const Dims& dims) {
    constexpr std::int64_t kLargest = std::int64_t{1} << 52U;
    std::int64_t words = 1;
    for (const std::int64_t dim : dims) {
        if (dim < 1) {
            throw NotExpressible{"a tensor of shape " + text_of(dims) + " has no words"};
        }
        if (words > kLargest / dim) {
            throw NotExpressible{"a tensor of shape " + text_of(dims) + " is too large"};
        }
        words *= dim;
    }
    return words;
}

std::string text_of(const Dims& dims) {
    return memwall::text(dims);
}

Graph::Graph(const Model& model, NetworkDraft& draft, std::int64_t batch, SourceMark where)
    : model_(model),
      draft_(draft),
      batch_(batch),
      where_(std::move(where)),
      pasts_(past_inputs(model)) {
    for (const Node& node : model.nodes) {
        for (const std::string& input : node.inputs) {
            ++uses_[input];
        }
        steps_first_ = steps_first_ || has_steps_first(node);
    }
    for (const std::string& output : model.outputs) {
        ++uses_[output];
    }
    for (const auto& [name, constant] : model.initialisers) {
        Value value;
        value.kind = Value::Kind::constant;
        value.dims = constant.dims;
        value.precision = precision_of(constant.type);
        value.constant = constant;
        value.tensor = name;
        set(name, std::move(value));
    }
}

const Value* Graph::find(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
}

void Graph::set(const std::string& name, Value value) {
    values_[name] = std::move(value);
}

void Graph::add_input(const std::string& name, const Dims& dims, Precision precision,
                      std::size_t batch_axis) {
    Value value;
    value.kind = Value::Kind::activation;
    value.dims = dims;
    value.precision = precision;
    Dims batch_first = dims;
    if (batch_axis < dims.size()) {
        std::rotate(batch_first.begin(),
                    batch_first.begin() + static_cast<std::ptrdiff_t>(batch_axis),
                    batch_first.begin() + static_cast<std::ptrdiff_t>(batch_axis) + 1);
    }
    value.source_shape = joined(item(batch_first).shape);
    value.source = draft_.take_name(name);
    draft_.add_input(value.source, value.source_shape, memwall::name(precision), where_);
    shapes_[value.source] = value.source_shape;
    set(name, std::move(value));
}

int Graph::uses(const std::string& name) const {
    const auto found = uses_.find(name);
    return found == uses_.end() ? 0 : found->second;
}

bool Graph::is_output(const std::string& name) const {
    return std::find(model_.outputs.begin(), model_.outputs.end(), name) != model_.outputs.end();
}

void Graph::share_weights(DraftLayer& layer, const std::string& tensor, const Shape& shape,
                          Precision precision) {
    if (tensor.empty()) {
        return;
    }
    std::string& owner = weights_[{tensor, shape, precision}];
    if (draft_.find_layer(owner) != nullptr) {
        layer.set_text("weights", owner);
    } else {
        owner = layer.name;
    }
}

void Graph::set_bias(DraftLayer& layer, const std::string& tensor) {
    const auto owner = std::find_if(layer.keys.begin(), layer.keys.end(),
                                    [](const auto& key) { return key.key == "weights"; });
    if (!tensor.empty() && owner != layer.keys.end()) {
        const auto known = biases_.find(owner->value.text());
        if (known != biases_.end() && known->second == tensor) {
            layer.set_flag("bias", false);
            return;
        }
    }
    biases_[layer.name] = tensor;
    layer.set_flag("bias", true);
}

void Graph::add_layer(DraftLayer layer, const Shape& made) {
    std::vector<Shape> inputs;
    for (const std::string& input : layer.inputs) {
        inputs.push_back(shapes_.at(input));
    }
    const LayerCheck check = check_layer(layer, inputs, made);
    if (!check.fault.empty()) {
        throw NotExpressible{check.fault};
    }
    planned_ += check.layers;
    if (planned_ > kMostPlannedLayers) {
        throw TooManyLayers{};
    }
    shapes_[layer.name] = made;
    draft_.add_layer(std::move(layer));
}

std::size_t Graph::batch_axis(const Dims& dims) const {
    if (follows_) {
        const auto has_batch = [&](std::int64_t dim) { return dim > 0 && dim % batch_ == 0; };
        const auto found = std::find_if(dims.begin(), dims.end(), has_batch);
        if (found == dims.end()) {
            return 0;
        }
        if (std::any_of(found + 1, dims.end(), has_batch)) {
            throw AcrossItems{};
        }
        return static_cast<std::size_t>(found - dims.begin());
    }
    const bool steps =
        steps_first_ && batch_ > 1 && dims.size() > 2 && dims[0] != batch_ && dims[1] == batch_;
    return steps ? 1 : 0;
}

void Graph::keep_apart(const Value& value, std::size_t axis) const {
    if (batch_ == 1 || !value.is_activation()) {
        return;
    }
    const bool moved = !follows_ && value.is_transposed() && value.dims[0] % batch_ != 0;
    const Dims& dims = moved ? value.untransposed : value.dims;
    const std::size_t at = moved ? static_cast<std::size_t>(value.order[axis]) : axis;
    if (at == batch_axis(dims) && dims[at] % batch_ == 0) {
        throw AcrossItems{};
    }
}

void Graph::keep_apart_from(const Value& value, std::size_t first) const {
    for (std::size_t axis = first; axis < value.rank(); ++axis) {
        keep_apart(value, axis);
    }
}

void Graph::refuse_asked(const Value& value, const Dims& dims) const {
    if (!follows_ || asked_ <= 1 || !value.is_activation() || value.dims.empty() || dims.empty()) {
        return;
    }
    // Behind items that are joined with what lies in an item, other numbers are more likely its.
    const bool alone = value.dims[0] == batch_ && dims[0] % asked_ == 0;
    const bool joined = value.dims[0] % batch_ == 0 && dims[0] == asked_;
    if (dims[0] % batch_ != 0 && (alone || joined)) {
        throw StatesBatch{};
    }
}

Item Graph::item(const Dims& dims) const {
    words_of(dims);
    if (dims.empty()) {
        return {{1}, 0};
    }
    const std::size_t axis = batch_axis(dims);
    if (dims[axis] % batch_ != 0) {
        throw NotOfItems{{"its result " + text_of(dims) + " is not made of " +
                          std::to_string(batch_) + " items"}};
    }
    Item item = {dims, 0, axis};
    item.shape[axis] /= batch_;
    if (item.shape[axis] == 1 && dims.size() > 1) {
        item.shape.erase(item.shape.begin() + static_cast<std::ptrdiff_t>(axis));
        item.dropped = 1;
    }
    return item;
}

std::string Graph::read(const Value& value, const Shape& shape) {
    if (value.is_transposed()) {
        return read(in_order(value), shape);
    }
    if (value.source_shape == shape) {
        return value.source;
    }
    if (words_of(value.source_shape) != words_of(shape) || shape.size() > kMostAxes) {
        throw NotExpressible{"what it reads has shape " + memwall::text(value.source_shape) +
                             ", and cannot be seen as " + memwall::text(shape)};
    }
    std::string& known = renames_[{value.source, shape}];
    if (known.empty()) {
        const bool flat = shape.size() == 1;
        DraftLayer layer = {draft_.take_name(value.source + (flat ? "_flat" : "_reshaped")),
                            flat ? "flatten" : "reshape",
                            {value.source},
                            {},
                            where_};
        if (!flat) {
            layer.set_list("shape", shape);
        }
        layer.set_text("precision", memwall::name(value.precision));
        const std::string renamed = layer.name;
        add_layer(std::move(layer), shape);
        known = renamed;
    }
    return known;
}

void Graph::settle(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end() || found->second.repeats == 1) {
        return;
    }
    Value& value = found->second;
    const std::int64_t runs = words_of(value.source_shape) / value.run;
    DraftLayer layer = {draft_.take_name(value.source + "_repeated"), "expand", {}, {}, where_};
    layer.inputs = {read(value, {runs, 1, value.run})};
    layer.set_list("shape", {runs, value.repeats, value.run});
    layer.set_text("precision", memwall::name(value.precision));
    const std::string copy = layer.name;
    const Shape made = {runs, value.repeats, value.run};
    add_layer(std::move(layer), made);
    value.source = copy;
    value.source_shape = made;
    value.repeats = 1;
}

std::int64_t item_axis(const Item& item, std::size_t axis, std::int64_t batch) {
    if (axis == item.batch_axis && (item.dropped == 1 || batch > 1)) {
        throw AcrossItems{};
    }
    return static_cast<std::int64_t>(axis - (axis > item.batch_axis ? item.dropped : 0));
}

Value permuted(Value value, const Dims& order) {
    Dims dims;
    Dims whole_order;
    for (const std::int64_t axis : order) {
        const auto from = static_cast<std::size_t>(axis);
        dims.push_back(value.dims[from]);
        whole_order.push_back(value.is_transposed() ? value.order[from] : axis);
    }
    if (!value.is_transposed()) {
        value.untransposed = value.dims;
    }
    value.order = std::move(whole_order);
    value.dims = std::move(dims);
    return value;
}

Value before_transposing(Value value) {
    value.dims = std::exchange(value.untransposed, {});
    value.order.clear();
    return value;
}

Value unknown_constant(Value value, const Dims& dims) {
    value.dims = dims;
    value.constant.dims = dims;
    value.constant.numbers.reset();
    value.tensor.clear();
    return value;
}

}  // namespace memwall::importers::onnx
