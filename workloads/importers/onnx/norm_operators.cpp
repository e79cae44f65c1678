// SPDX-License-Identifier: Apache-2.0
// Normalisations and means.
#include <algorithm>
#include <numeric>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

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
    node.graph().keep_apart_from(value, axis);
    const Item item = node.graph().item(value.dims);
    const auto first = static_cast<std::size_t>(item_axis(item, axis, node.graph().batch()));
    Shape shape(item.shape.begin(), item.shape.begin() + static_cast<std::ptrdiff_t>(first));
    shape.push_back(std::accumulate(item.shape.begin() + static_cast<std::ptrdiff_t>(first),
                                    item.shape.end(), std::int64_t{1}, std::multiplies<>()));
    DraftLayer layer = node.start(op);
    layer.inputs = {node.graph().read(value, shape)};
    return node.finish_as(std::move(layer), shape, Dims(value.dims), value.precision);
}

/// Over the axes that the node states, or these.
Value add_over(NodeReader& node, const Value& value, const std::string& op,
               const std::optional<Dims>& given = std::nullopt, const std::string& part = "") {
    Dims all(value.rank());
    std::iota(all.begin(), all.end(), 0);
    const Dims stated = given ? *given : node.numbers(1).value_or(node.integers("axes", all));
    if (stated.empty() && node.integer("noop_with_empty_axes", 0) != 0) {
        node.set_output(0, value);
        return value;
    }
    const Item item = node.graph().item(value.dims);
    Dims axes;
    Dims dims = value.dims;
    Shape made = item.shape;
    for (const std::int64_t each : stated.empty() ? all : stated) {
        const std::size_t axis = node.axis(each, value.rank());
        dims[axis] = node.integer("keepdims", 1) != 0 ? 1 : 0;
        if (item.leaves_out(axis) && node.graph().batch() == 1 && value.dims[axis] == 1) {
            continue;  // of one item alone
        }
        axes.push_back(item_axis(item, axis, node.graph().batch()));
        made.at(static_cast<std::size_t>(axes.back())) = 1;
    }
    std::erase(dims, 0);
    if (axes.empty()) {
        node.rename(value, dims);
        return value;
    }
    std::sort(axes.begin(), axes.end());
    // The mean of every plane is what a global pool makes.
    const bool planes = op == "mean" && item.shape.size() == 3 && axes == Dims{1, 2};
    DraftLayer layer = node.start(planes ? "global_pool" : op, part);
    layer.inputs = {node.graph().read(value, item.shape)};
    if (!planes) {
        layer.set_list("axes", axes);
    }
    return node.finish_as(std::move(layer), made, dims, value.precision);
}

/// A function of two: each element, and the one of its axis.
void add_beside(NodeReader& node, const Value& value, const Value& one, const char* op) {
    const Item item = node.graph().item(value.dims);
    const Shape seen = node.graph().item(one.dims).shape;
    if (seen.size() != item.shape.size()) {
        throw AcrossItems{};
    }
    DraftLayer layer = node.start(op);
    layer.inputs = {node.graph().read(value, item.shape), node.graph().read(one, seen)};
    node.finish(std::move(layer), Dims(value.dims), value.precision);
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
        throw Contradiction{"needs channels, found " + text_of(value.dims)};
    }
    if (node.integer("training_mode", 0) != 0) {
        throw NotExpressible{"takes the statistics of the batch (training_mode)"};
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
        throw Contradiction{"shapes do not meet: " + text_of(value.dims) + " and " +
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
    node.graph().keep_apart_from(value, 2);
    DraftLayer layer = node.start("instance_norm");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_group_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    node.graph().keep_apart_from(value, 1);
    DraftLayer layer = node.start("group_norm");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    layer.set("groups", node.integer("num_groups", 0));
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_local_response_norm(NodeReader& node) {
    const Value& value = node.activation(0);
    node.graph().keep_apart(value, node.axis(1, value.rank()));
    DraftLayer layer = node.start("local_response_norm");
    layer.inputs = {node.graph().read(value, node.graph().item(value.dims).shape)};
    layer.set("size", node.integer("size", 5));
    node.finish(std::move(layer), Dims(value.dims), value.precision);
}

void read_mean(NodeReader& node) {
    add_over(node, Value(node.activation(0)), "mean");
}

// Norms and the like are a function of each element, a sum, and a function of that. A product over
// axes counts as their sum.
void read_reduction(NodeReader& node) {
    const std::string& name = node.node().op;
    Value value = node.activation(0);
    const bool squares = name == "ReduceSumSquare" || name == "ReduceL2";
    const bool exponentials = name == "ReduceLogSumExp";
    if (squares || exponentials || name == "ReduceL1") {
        value = squares ? add_product_of(node, value, value, "_each")
                        : add_function(node, value, exponentials ? "exp" : "abs", "_each");
    }
    value = add_over(node, value,
                     name == "ReduceMax"   ? "reduce_max"
                     : name == "ReduceMin" ? "reduce_min"
                                           : "reduce_sum");
    if (name == "ReduceL2" || name == "ReduceLogSum" || exponentials) {
        add_function(node, value, name == "ReduceL2" ? "sqrt" : "log", "_root");
    }
}

// A comparison of each element with the largest one.
void read_hard_max(NodeReader& node) {
    const Value value = node.activation(0);
    const std::int64_t stated = node.integer("axis", node.opset() >= 13 ? -1 : 1);
    Dims axes = {stated};
    if (node.opset() < 13) {
        for (std::size_t axis = node.axis(stated, value.rank()) + 1; axis < value.rank(); ++axis) {
            axes.push_back(static_cast<std::int64_t>(axis));
        }
    }
    add_beside(node, value, add_over(node, value, "reduce_max", axes, "_largest"), "compare");
}

// x over the root of a sum of powers, 1 or 2.
void read_lp_normalization(NodeReader& node) {
    const Value value = node.activation(0);
    const std::int64_t power = node.integer("p", 2);
    if (power != 1 && power != 2) {
        throw NotExpressible{"powers of " + std::to_string(power)};
    }
    const Value each = power == 1 ? add_function(node, value, "abs", "_each")
                                  : add_product_of(node, value, value, "_each");
    Value norm = add_over(node, each, "reduce_sum", Dims{node.integer("axis", -1)}, "_sum");
    if (power == 2) {
        norm = add_function(node, norm, "sqrt", "_root");
    }
    add_beside(node, value, norm, "div");
}

// Over planes, which is what an instance norm does.
void read_mean_variance(NodeReader& node) {
    const Value value = node.activation(0);
    const Dims axes = node.integers("axes", {0, 2, 3});
    for (const std::int64_t axis : axes) {
        node.graph().keep_apart(value, node.axis(axis, value.rank()));
    }
    const bool planes = value.rank() == 4 && (axes == Dims{2, 3} ||
                                              (axes == Dims{0, 2, 3} && node.graph().batch() == 1));
    if (!planes) {
        throw NotExpressible{"normalises over axes " + text_of(axes) + " of " +
                             text_of(value.dims)};
    }
    read_instance_norm(node);
}

// MODEL: where the largest value is costs what finding it costs.
void read_arg_max(NodeReader& node) {
    const Value value = node.activation(0);
    const bool largest = node.node().op == "ArgMax";
    add_over(node, value, largest ? "reduce_max" : "reduce_min", Dims{node.integer("axis", 0)});
}

}  // namespace memwall::importers::onnx
