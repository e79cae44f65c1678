// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/onnx/constant_nodes.hpp"

#include <algorithm>
#include <utility>

namespace memwall::importers::onnx {
namespace {

const Constant* constant_of(const Graph& graph, const std::string& input) {
    return input.empty() ? nullptr : &graph.find(input)->constant;
}

/// Whether the node is arithmetic on numbers that are known, and its result one more.
bool fold(Graph& graph, const Node& node) {
    std::vector<const Constant*> constants;
    for (const std::string& input : node.inputs) {
        constants.push_back(constant_of(graph, input));
    }
    auto constant = folded(node, constants);
    if (!constant) {
        return false;
    }
    Value value;
    value.kind = Value::Kind::constant;
    value.dims = constant->dims;
    value.precision = graph.find(node.inputs[0])->precision;
    value.constant = std::move(*constant);
    NodeReader(graph, node).set_output(0, std::move(value));
    return true;
}

/// The shapes of the results are those that the operator makes of an activation: it is read so in a
/// network that is thrown away.
void read_shapes(Graph& graph, const Node& node, const Operator& known) {
    Model model;
    model.opset = graph.opset();
    NetworkDraft draft("constants", "", graph.where());
    Graph beside(model, draft, 1, graph.where());
    for (const std::string& input : node.inputs) {
        if (!input.empty()) {
            beside.set(input, Value(*graph.find(input)));
        }
    }
    const Value first = *graph.find(node.inputs[0]);
    beside.add_input(node.inputs[0], first.dims, first.precision);
    NodeReader reader(beside, node);
    known.read(reader);
    for (const std::string& output : node.outputs) {
        if (const Value* made = output.empty() ? nullptr : beside.find(output)) {
            Value constant;
            constant.kind = Value::Kind::constant;
            constant.precision = made->precision;
            graph.set(output, unknown_constant(std::move(constant), made->dims));
        }
    }
}

}  // namespace

bool reads_constants(const Graph& graph, const Node& node) {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const auto& input) {
        const Value* value = input.empty() ? nullptr : graph.find(input);
        return input.empty() || (value != nullptr && value->is_constant());
    });
}

bool read_constants(Graph& graph, const Node& node, const Operator* known) {
    if (node.inputs.empty() || !reads_constants(graph, node)) {
        return false;
    }
    if (fold(graph, node)) {
        return true;
    }
    if (known == nullptr || known->of_constants || node.inputs[0].empty()) {
        return false;
    }
    read_shapes(graph, node, *known);
    return true;
}

}  // namespace memwall::importers::onnx
