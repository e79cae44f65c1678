// SPDX-License-Identifier: Apache-2.0
// What the readers of operators ask a node, and how they say what becomes of it.
#include <algorithm>
#include <utility>

#include "workloads/importers/onnx/graph.hpp"

namespace memwall::importers::onnx {

std::string NodeReader::name() const {
    return !node_.name.empty() ? node_.name : !node_.outputs.empty() ? node_.outputs[0] : node_.op;
}

bool NodeReader::has(std::size_t input) const {
    return input < node_.inputs.size() && !node_.inputs[input].empty();
}

const Value& NodeReader::input(std::size_t position) const {
    const Value& value = repeated_input(position);  // settling changes it in its place
    graph_.settle(node_.inputs[position]);
    return value;
}

const Value& NodeReader::repeated_input(std::size_t position) const {
    if (!has(position)) {
        throw Contradiction{"input " + std::to_string(position) + " is missing"};
    }
    const Value* value = graph_.find(node_.inputs[position]);
    if (value == nullptr) {
        throw Contradiction{"nothing makes its input '" + node_.inputs[position] + "'"};
    }
    return *value;
}

const Value& NodeReader::activation(std::size_t position) const {
    const Value& value = input(position);
    if (!value.is_activation()) {
        throw NotExpressible{"input " + std::to_string(position) + " is a constant"};
    }
    return value;
}

const Value& NodeReader::constant(std::size_t position) const {
    const Value& value = input(position);
    if (!value.is_constant()) {
        throw NotExpressible{"input " + std::to_string(position) + " is not a constant"};
    }
    return value;
}

std::optional<Dims> NodeReader::numbers(std::size_t position) const {
    if (!has(position)) {
        return std::nullopt;
    }
    const Value& value = constant(position);
    auto numbers = whole_numbers(&value.constant);
    if (!numbers) {
        throw NotExpressible{"the numbers of its input " + std::to_string(position) +
                             " are not known"};
    }
    return numbers;
}

bool NodeReader::has_attribute(const char* key) const {
    return node_.attributes.contains(key);
}

std::int64_t NodeReader::integer(const char* key, std::int64_t fallback) const {
    const auto found = node_.attributes.find(key);
    return found == node_.attributes.end() ? fallback : found->second.integer;
}

Dims NodeReader::integers(const char* key, const Dims& fallback) const {
    const auto found = node_.attributes.find(key);
    return found == node_.attributes.end() ? fallback : found->second.integers;
}

std::string NodeReader::word(const char* key, const std::string& fallback) const {
    const auto found = node_.attributes.find(key);
    return found == node_.attributes.end() ? fallback : found->second.text;
}

std::vector<std::string> NodeReader::words(const char* key) const {
    const auto found = node_.attributes.find(key);
    return found == node_.attributes.end() ? std::vector<std::string>{} : found->second.texts;
}

std::size_t NodeReader::axis(std::int64_t stated, std::size_t rank) const {
    const auto axes = static_cast<std::int64_t>(rank);
    const std::int64_t axis = stated < 0 ? stated + axes : stated;
    if (axis < 0 || axis >= axes) {
        throw Contradiction{"no axis " + std::to_string(stated) + " of " + std::to_string(rank)};
    }
    return static_cast<std::size_t>(axis);
}

DraftLayer NodeReader::start(const std::string& op, const std::string& part) {
    return {graph_.draft().take_name(name() + part), op, {}, {}, graph_.where()};
}

Value NodeReader::finish(DraftLayer layer, const Dims& dims, Precision activations,
                         std::optional<Precision> weights, std::size_t position) {
    const Shape made = graph_.item(dims).shape;
    if (made.size() > kMostAxes) {
        throw NotExpressible{"its result has " + std::to_string(made.size()) +
                             " axes, of one item"};
    }
    return finish_as(std::move(layer), made, dims, activations, weights, position);
}

Value NodeReader::finish_as(DraftLayer layer, const Shape& made, const Dims& dims,
                            Precision activations, std::optional<Precision> weights,
                            std::size_t position) {
    const Precision weights_as = weights.value_or(activations);
    PrecisionPolicy policy;
    policy.weights = weights_as;
    policy.activations = activations;
    layer.set_text("precision", policy.text());
    const bool states_shape =
        std::any_of(layer.keys.begin(), layer.keys.end(),
                    [](const YamlValue::Entry& entry) { return entry.key == "shape"; });
    if (!states_shape) {
        layer.set_list("shape", made);
    }
    Value value;
    value.kind = Value::Kind::activation;
    value.dims = dims;
    value.precision = activations;
    value.source = layer.name;
    value.source_shape = made;
    graph_.add_layer(std::move(layer), made);
    set_output(position, value);
    return value;
}

void NodeReader::rename(const Value& value, const Dims& dims) {
    if (words_of(dims) != words_of(value.dims)) {
        throw Contradiction{"shapes do not meet: " + text_of(value.dims) + " and " + text_of(dims)};
    }
    Value renamed = graph_.in_order(value);
    renamed.dims = dims;
    renamed.constant.dims = dims;
    set_output(0, std::move(renamed));
}

void NodeReader::set_output(std::size_t position, Value value) {
    if (value.is_activation()) {
        graph_.refuse_pairs(value.dims);
    }
    if (position < node_.outputs.size() && !node_.outputs[position].empty()) {
        graph_.set(node_.outputs[position], std::move(value));
    }
}

}  // namespace memwall::importers::onnx
