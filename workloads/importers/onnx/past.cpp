// SPDX-License-Identifier: Apache-2.0
// Keys and values of earlier positions that a decoder has as inputs, past_key_values, and gives
// back with the new ones behind them: a cache.
#include <map>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/text_lines.hpp"

namespace memwall::importers::onnx {
namespace {

bool joins_two(const Node& node) {
    return node.op == "Concat" && node.domain.empty() && node.inputs.size() == 2 &&
           node.outputs.size() == 1 && node.inputs[0] != node.inputs[1];
}

}  // namespace

std::set<std::string> past_inputs(const Model& model) {
    std::set<std::string> inputs;
    for (const Stated& input : model.inputs) {
        inputs.insert(input.name);
    }
    std::map<std::string, int> joined;
    std::set<std::string> others(model.outputs.begin(), model.outputs.end());
    for (const Node& node : model.nodes) {
        for (const std::string& input : node.inputs) {
            if (joins_two(node) && input == node.inputs[0]) {
                ++joined[input];
            } else if (node.op != "Shape") {
                others.insert(input);
            }
        }
    }
    std::set<std::string> found;
    for (const auto& [input, times] : joined) {
        if (times == 1 && inputs.contains(input) && !others.contains(input)) {
            found.insert(input);
        }
    }
    return found;
}

std::string note_on_caches(int caches) {
    if (caches == 0) {
        return "";
    }
    return std::to_string(caches) +
           (caches == 1 ? " input with keys or values of earlier positions is a cache, which stays"
                        : " inputs with keys or values of earlier positions are caches, which "
                          "stay") +
           " in memory";
}

bool Graph::keeps_past(const Node& node) const {
    if (!joins_two(node) || !is_past(node.inputs[0])) {
        return false;
    }
    const std::string& joined = node.outputs[0];
    const bool named = lower(node.inputs[0]).find("past") != std::string::npos;
    return uses(joined) > (named ? 0 : 1) && (named || is_output(joined));
}

void Graph::set_past(const std::string& input, const Dims& dims, Precision precision) {
    Value value;
    value.kind = Value::Kind::activation;
    value.dims = dims;
    value.precision = precision;
    set(input, std::move(value));
}

// MODEL: what a model reads of earlier positions and gives back with new ones behind it is a cache,
// which stays in memory from item to item; no word of it comes in or goes out.
void read_past(NodeReader& node) {
    const Value& past = *node.graph().find(node.node().inputs[0]);
    const Value value = node.activation(1);
    const std::size_t axis = node.axis(node.integer("axis", 0), value.rank());
    Dims beside = past.dims;
    if (beside.size() == value.rank()) {
        beside[axis] = value.dims[axis];
    }
    if (beside != value.dims) {
        throw Contradiction{"shapes do not meet: " + text_of(past.dims) + " and " +
                            text_of(value.dims)};
    }
    const Item item = node.graph().item(value.dims);
    const auto place = static_cast<std::size_t>(item_axis(item, axis, node.graph().batch()));
    const auto from = [&](std::size_t begin, std::size_t end) {
        return words_of({item.shape.begin() + static_cast<std::ptrdiff_t>(begin),
                         item.shape.begin() + static_cast<std::ptrdiff_t>(end)});
    };
    Shape shape = {value.dims[axis], from(place + 1, item.shape.size())};
    if (const std::int64_t heads = from(0, place); heads > 1) {
        shape.insert(shape.begin(), heads);
    }
    DraftLayer layer = node.start("cache");
    layer.inputs = {node.graph().read(value, shape)};
    layer.set("context", past.dims[axis]);
    shape[shape.size() - 2] += past.dims[axis];
    Dims dims = value.dims;
    dims[axis] += past.dims[axis];
    node.graph().count_cache();
    node.finish_as(std::move(layer), shape, dims, value.precision);
}

}  // namespace memwall::importers::onnx
