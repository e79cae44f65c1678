// SPDX-License-Identifier: Apache-2.0
// Attention as one operator, in the forms of ONNX and of com.microsoft, and what goes with it.
#include <algorithm>
#include <array>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

/// Queries, keys or values, and how they are read.
struct Headed {
    Value value;
    std::int64_t heads = 1;
    std::int64_t positions = 1;
    std::int64_t size = 1;  ///< features of a head

    [[nodiscard]] Shape shape() const { return {heads, positions, size}; }
};

struct AttentionForm {
    bool causal = false;
    std::int64_t window = 0;  ///< keys that a query sees; 0: all
    std::int64_t past = 0;    ///< positions that are there before
    bool flat = true;         ///< the result is [batch, positions, features of all heads]
};

/// [batch, positions, features of all heads] or [batch, heads, positions, features].
Headed headed(NodeReader& node, const Value& value, std::int64_t heads) {
    node.graph().keep_apart_from(value, 1);
    const Shape item = node.graph().item(value.dims).shape;
    if (item.size() == 3) {
        return {value, item[0], item[1], item[2]};
    }
    if (item.size() != 2 || heads < 1 || item[1] % heads != 0) {
        throw NotExpressible{"needs [batch, positions, features] of " + std::to_string(heads) +
                             " heads, found " + text_of(value.dims)};
    }
    return {value, heads, item[0], item[1] / heads};
}

/// Columns [begin, end) of [batch, positions, features].
Value columns(NodeReader& node, const Value& all, std::int64_t begin, std::int64_t end,
              const std::string& part) {
    if (node.graph().item(all.dims).shape.size() != 2) {
        throw NotExpressible{
            "needs [batch, positions, features] of queries, keys and values, found " +
            text_of(all.dims)};
    }
    return add_slice(node, all, all.rank() - 1, begin, end, 0, part);
}

// MODEL: a mask that is an operand of its own is not counted; a causal one leaves out the pairs
// that it hides. Keys and values from before are the cache of the layer.
void add_attention(NodeReader& node, const Headed& q, const Headed& k, const Headed& v,
                   const AttentionForm& form) {
    DraftLayer layer = node.start("attention");
    for (const Headed* each : {&q, &k, &v}) {
        layer.inputs.push_back(node.graph().read(each->value, each->shape()));
    }
    layer.set_flag("causal", form.causal);
    if (form.window > 0) {
        layer.set("window", form.window);
    }
    if (form.past > 0) {
        layer.set_flag("cache", true).set("context", form.past);
    }
    const std::int64_t batch = node.graph().batch();
    const Shape made = {q.heads, q.positions, v.size};
    Value context = node.finish_as(std::move(layer), made, {batch, q.heads, q.positions, v.size},
                                   q.value.precision);
    if (form.flat) {
        context.dims = {batch, q.positions, q.heads * v.size};
    }
    node.set_output(0, std::move(context));
}

/// Positions of the past keys, [batch, heads, positions, features]; none where there are no such.
std::int64_t past_positions(const NodeReader& node, std::size_t input) {
    if (!node.has(input)) {
        return 0;
    }
    const Value& past = node.input(input);
    if (past.rank() != 4) {
        throw NotExpressible{"its past keys are no [batch, heads, positions, features]"};
    }
    return past.dims[2];
}

/// One layer for queries, keys and values, cut in three, and the attention of all heads.
void read_packed(NodeReader& node, std::size_t past, Precision weights_as) {
    const Value& input = node.activation(0);
    const Value& weights = node.constant(1);
    const std::int64_t heads = node.integer("num_heads", 0);
    if (weights.rank() != 2 || node.graph().item(input.dims).shape.size() != 2 || heads < 1 ||
        weights.dims[1] % 3 != 0 || (weights.dims[1] / 3) % heads != 0 || node.has(past)) {
        throw NotExpressible{
            "needs an input [batch, positions, hidden], weights for queries, keys "
            "and values of one size, and no past"};
    }
    words_of(weights.dims);
    const std::int64_t hidden = weights.dims[1] / 3;
    Dims wide = input.dims;
    wide.back() = 3 * hidden;
    const Value all = add_linear(
        node, Value(input), {weights.dims[0], 3 * hidden, node.has(2), weights_as, weights.tensor},
        wide, "_qkv");
    std::array<Headed, 3> parts;
    for (std::size_t part = 0; part < parts.size(); ++part) {
        const auto first = static_cast<std::int64_t>(part) * hidden;
        const std::string name = std::string("_") + "qkv"[part];
        parts[part] = headed(node, columns(node, all, first, first + hidden, name), heads);
    }
    AttentionForm form;
    form.causal = node.integer("unidirectional", 0) != 0;
    add_attention(node, parts[0], parts[1], parts[2], form);
}

Headed turned(NodeReader& node, const Headed& of, const std::string& part) {
    DraftLayer layer = node.start("rotary", part);
    layer.inputs = {node.graph().read(of.value, of.shape())};
    Headed result = of;
    result.value =
        node.finish_as(std::move(layer), of.shape(), Dims(of.value.dims), of.value.precision);
    return result;
}

}  // namespace

void read_attention(NodeReader& node) {
    read_packed(node, 4, node.constant(1).precision);
}

void read_qattention(NodeReader& node) {
    read_packed(node, 8, node.constant(1).precision);
}

void read_multi_head_attention(NodeReader& node) {
    const std::int64_t heads = node.integer("num_heads", 0);
    if (!node.has(1) || !node.has(2)) {
        throw NotExpressible{"needs queries, keys and values as three inputs"};
    }
    std::array<Headed, 3> parts;
    for (std::size_t part = 0; part < parts.size(); ++part) {
        Value value = node.activation(part);
        if (node.has(3)) {
            value = add_bias(node, value, words_of(node.constant(3).dims) / 3,
                             std::string("_bias_") + "qkv"[part]);
        }
        parts[part] = headed(node, value, heads);
    }
    AttentionForm form;
    form.causal = node.integer("unidirectional", 0) != 0;
    form.past = past_positions(node, 6);
    add_attention(node, parts[0], parts[1], parts[2], form);
}

void read_grouped_attention(NodeReader& node) {
    const std::int64_t heads = node.integer("num_heads", 0);
    const std::int64_t kv_heads = node.integer("kv_num_heads", 0);
    std::array<Headed, 3> parts;
    if (node.has(1)) {
        for (std::size_t part = 0; part < parts.size(); ++part) {
            parts[part] = headed(node, Value(node.activation(part)), part == 0 ? heads : kv_heads);
        }
    } else {
        const Value all = node.activation(0);
        const std::int64_t size = all.rank() == 0 || heads < 1 || kv_heads < 1
                                      ? 0
                                      : all.dims.back() / (heads + 2 * kv_heads);
        const std::int64_t keys = heads * size;
        const std::int64_t values = keys + kv_heads * size;
        parts = {
            headed(node, columns(node, all, 0, keys, "_q"), heads),
            headed(node, columns(node, all, keys, values, "_k"), kv_heads),
            headed(node, columns(node, all, values, values + kv_heads * size, "_v"), kv_heads)};
    }
    if (node.integer("do_rotary", 0) != 0) {
        parts[0] = turned(node, parts[0], "_q_rotary");
        parts[1] = turned(node, parts[1], "_k_rotary");
    }
    AttentionForm form;
    form.causal = true;
    form.window = std::max<std::int64_t>(0, node.integer("local_window_size", -1));
    form.past = past_positions(node, 3);
    add_attention(node, parts[0], parts[1], parts[2], form);
}

void read_standard_attention(NodeReader& node) {
    const std::int64_t heads = node.integer("q_num_heads", 0);
    const std::int64_t kv_heads = node.integer("kv_num_heads", 0);
    AttentionForm form;
    form.flat = node.activation(0).rank() == 3;
    form.causal = node.integer("is_causal", 0) != 0;
    form.past = past_positions(node, 4);
    const Headed q = headed(node, Value(node.activation(0)), heads);
    const Headed k = headed(node, Value(node.activation(1)), kv_heads);
    const Headed v = headed(node, Value(node.activation(2)), kv_heads);
    add_attention(node, q, k, v, form);
}

void read_rotary(NodeReader& node) {
    add_function(node, Value(node.activation(0)), "rotary");
}

// Words, positions and, where there are two kinds of them, segments: looked up, added, normalised.
void read_embed_layer_norm(NodeReader& node) {
    const auto add = [&](const Value& like, DraftLayer layer) {
        return node.finish_as(std::move(layer), Shape(like.source_shape), Dims(like.dims),
                              like.precision, like.precision);
    };
    Value sum = add_look_up(node, node.constant(2), node.activation(0), "_words");
    if (node.has(3)) {
        DraftLayer layer = node.start("position_embedding", "_positions");
        layer.inputs = {sum.source};
        sum = add(sum, std::move(layer));
    }
    if (node.has(1) && node.has(4)) {
        const Value segments = add_look_up(node, node.constant(4), node.activation(1), "_segments");
        DraftLayer layer = node.start("add", "_sum");
        layer.inputs = {sum.source, segments.source};
        sum = add(sum, std::move(layer));
    }
    DraftLayer norm = node.start("layer_norm");
    norm.inputs = {sum.source};
    add(sum, std::move(norm));
}

}  // namespace memwall::importers::onnx
