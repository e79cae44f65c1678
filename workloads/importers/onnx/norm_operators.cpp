// SPDX-License-Identifier: Apache-2.0
// Normalisations and means.
#include <algorithm>
#include <numeric>

#include "workloads/importers/onnx/operators.hpp"

namespace memwall::importers::onnx {
namespace {

/// The axis of an item for one of the dims.
std::int64_t item_axis(const Item& item, std::size_t axis, std::int64_t batch) {
    if (axis < item.dropped || (axis == 0 && batch > 1)) {
        throw NotExpressible{"works across the items of a batch"};
    }
    return static_cast<std::int64_t>(axis - item.dropped);
}

void add_along(NodeReader& node, const char* op, std::size_t axis) {
    const Value& value = node.activation(0);
    const Item item = node.graph().item(value.dims);
    DraftLayer layer = node.start(op);
    layer.inputs = {node.graph().read(value, item.shape)};
    layer.set("axis", item_axis(item, axis, node.graph().batch()));
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

/// Over all axes from `axis` on: as one axis where they are several.
Value add_over_last(NodeReader& node, const char* op, const Value& value, std::size_t axis) {
    const Item item = node.graph().item(value.dims);
    const auto first = static_cast<std::size_t>(item_axis(item, axis, node.graph().batch()));
    Shape shape(item.shape.begin(), item.shape.begin() + static_cast<std::ptrdiff_t>(first));
    shape.push_back(std::accumulate(item.shape.begin() + static_cast<std::ptrdiff_t>(first),
                                    item.shape.end(), std::int64_t{1}, std::multiplies<>()));
    DraftLayer layer = node.start(op);
    layer.inputs = {node.graph().read(value, shape)};
    return node.finish_as(std::move(layer), shape, Dims(value.dims), value.precision);
}

}  // namespace

void read_softmax(NodeReader& node) {
    const Value& value = node.activation(0);
    const std::int64_t standard = node.opset() >= 13 ? -1 : 1;
    const std::size_t axis = node.axis(node.integer("axis", standard), value.rank());
    // Older operator sets normalise over all axes from this one on.
    if (node.opset() < 13 && axis + 1 < value.rank()) {
        add_over_last(node, "softmax", Value(value), axis);
    } else {
        add_along(node, "softmax", axis);
    }
}

void read_batch_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    if (value.rank() < 2) {
        throw NotExpressible{"needs channels, found " + text_of(value.dims)};
    }
    const Item item = node.graph().item(value.dims);
    DraftLayer layer = node.start("batch_norm");
    layer.inputs = {node.graph().read(value, item.shape)};
    layer.set("axis", item_axis(item, 1, 1));
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_layer_norm(NodeReader& node) {
    const Value value = node.activation(0);
    add_over_last(node, "layer_norm", value, node.axis(node.integer("axis", -1), value.rank()));
}

void read_rms_norm(NodeReader& node) {
    const Value value = node.activation(0);
    add_over_last(node, "rms_norm", value, node.axis(node.integer("axis", -1), value.rank()));
}

void read_skip_layer_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    const Value& skipped = node.activation(1);
    if (value.dims != skipped.dims || value.dims.empty()) {
        throw NotExpressible{"shapes do not meet: " + text_of(value.dims) + " and " +
                             text_of(skipped.dims)};
    }
    const Shape shape = node.graph().item(value.dims).shape;
    DraftLayer sum = node.start("add", "_sum");
    sum.inputs = {node.graph().read(value, shape), node.graph().read(skipped, shape)};
    const Value summed =
        node.finish(std::move(sum), Dims(value.dims), widest(value.precision, skipped.precision));
    const bool simplified = node.node().op == "SkipSimplifiedLayerNormalization";
    add_over_last(node, simplified ? "rms_norm" : "layer_norm", summed, summed.rank() - 1);
    node.set_output(3, summed);
}

void read_instance_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    DraftLayer layer = node.start("instance_norm");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_group_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    DraftLayer layer = node.start("group_norm");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    layer.set("groups", node.integer("num_groups", 0));
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_local_response_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    DraftLayer layer = node.start("local_response_norm");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    layer.set("size", node.integer("size", 5));
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_mean(NodeReader& node) {
    const Value& value = node.activation(0);
    Dims all(value.rank());
    std::iota(all.begin(), all.end(), 0);
    const Dims stated = node.numbers(1).value_or(node.integers("axes", all));
    if (stated.empty() && node.integer("noop_with_empty_axes", 0) != 0) {
        return node.set_output(0, Value(value));
    }
    const Item item = node.graph().item(value.dims);
    Dims axes;
    Dims dims = value.dims;
    Shape made = item.shape;
    for (const std::int64_t each : stated.empty() ? all : stated) {
        const std::size_t axis = node.axis(each, value.rank());
        axes.push_back(item_axis(item, axis, node.graph().batch()));
        made.at(static_cast<std::size_t>(axes.back())) = 1;
        dims[axis] = node.integer("keepdims", 1) != 0 ? 1 : 0;
    }
    std::erase(dims, 0);
    std::sort(axes.begin(), axes.end());
    // The mean of every plane is what a global pool makes.
    const bool planes = item.shape.size() == 3 && axes == Dims{1, 2};
    DraftLayer layer = node.start(planes ? "global_pool" : "mean");
    layer.inputs = {node.graph().read(value, item.shape)};
    if (!planes) {
        layer.set_list("axes", axes);
    }
    node.finish_as(std::move(layer), made, dims, value.precision);
}

}  // namespace memwall::importers::onnx
