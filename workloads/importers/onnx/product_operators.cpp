// SPDX-License-Identifier: Apache-2.0
// Matrix products: with weights a linear layer, of two activations a matmul.
#include <algorithm>
#include <numeric>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

/// The axes before the last `count` as one size.
std::int64_t leading(const Shape& shape, std::size_t count) {
    std::int64_t product = 1;
    for (std::size_t axis = 0; axis + count < shape.size(); ++axis) {
        product *= shape[axis];
    }
    return product;
}

/// Heads, rows and columns of one operand.
struct Matrix {
    std::int64_t heads, rows, columns;
};

Matrix matrix_of(const Shape& item, const Dims& dims) {
    if (item.size() < 2) {
        throw NotExpressible{"an operand of shape " + text_of(dims) + " is no matrix"};
    }
    return {leading(item, 2), item[item.size() - 2], item.back()};
}

/// Whether heads of `a` that follow each other read one matrix of `b`, repeated for them.
bool shares_heads(const Value& a, const Value& b) {
    return b.is_activation() && b.repeats > 1 && b.rank() > 2 && a.rank() == b.rank() &&
           std::equal(a.dims.begin(), a.dims.end() - 2, b.dims.begin()) &&
           b.run == b.dims[b.rank() - 1] * b.dims[b.rank() - 2];
}

/// Two activations. Heads that share one second operand are rows of the first.
void add_matmul(NodeReader& node, const Value& a, const Value& b, bool transpose,
                const Dims& dims) {
    Matrix left = matrix_of(node.graph().item(a.dims).shape, a.dims);
    Matrix right = matrix_of(node.graph().item(b.dims).shape, b.dims);
    right.heads /= b.repeats;
    if (right.heads == 1 || b.repeats > 1) {
        left = {right.heads, left.heads / right.heads * left.rows, left.columns};
    }
    const std::int64_t inner = transpose ? right.columns : right.rows;
    const std::int64_t outer = transpose ? right.rows : right.columns;
    if (left.heads != right.heads || left.columns != inner) {
        throw Contradiction{"shapes do not meet: " + text_of(a.dims) + " and " + text_of(b.dims)};
    }
    const auto shape = [](const Matrix& of) {
        return of.heads == 1 ? Shape{of.rows, of.columns} : Shape{of.heads, of.rows, of.columns};
    };
    DraftLayer layer = node.start("matmul");
    layer.inputs = {node.graph().read(a, shape(left)), node.graph().read(b, shape(right))};
    layer.set_flag("transpose", transpose);
    const Precision precision = widest(a.precision, b.precision);
    node.finish_as(std::move(layer), shape({left.heads, left.rows, outer}), dims, precision);
}

Dims transposed(Dims dims) {
    if (dims.size() > 1) {
        std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
    }
    return dims;
}

/// With weights of three or more axes: for each head its own, or all heads on the same input.
void add_weights_of_heads(NodeReader& node, const Value& a, const Value& b, const Dims& right) {
    const std::size_t rank = std::max(a.rank(), b.rank());
    const auto size = [&](const Dims& of, std::size_t axis) {
        return axis + of.size() < rank ? 1 : of[axis + of.size() - rank];
    };
    std::int64_t heads = 1;
    bool own_parts = true;
    bool one_input = true;
    Dims dims;
    for (std::size_t axis = 0; axis + 2 < rank; ++axis) {
        const std::int64_t of_input = size(a.dims, axis);
        const std::int64_t of_weights = size(right, axis);
        heads *= of_weights;
        own_parts = own_parts && (of_weights == 1 || of_weights == of_input);
        one_input = one_input && (of_weights == 1 || of_input == 1);
        dims.push_back(std::max(of_input, of_weights));
        if (of_weights > 1 && of_input > 1 && axis == 0 && a.rank() == rank &&
            node.graph().batch() > 1) {
            throw NotExpressible{"weights of their own for each item"};
        }
    }
    if (!own_parts && !one_input) {
        throw NotExpressible{"weights of shape " + text_of(b.dims) + " for " + text_of(a.dims)};
    }
    const std::int64_t inner = right[right.size() - 2];
    dims.push_back(a.rank() > 1 ? a.dims[a.rank() - 2] : 1);
    dims.push_back(right.back());
    words_of(dims);
    if (own_parts) {
        add_linear_of_heads(node, a, heads, {inner, right.back(), false, b.precision, b.tensor},
                            dims);
    } else {
        add_linear(node, a, {inner, heads * right.back(), false, b.precision, b.tensor}, dims);
    }
}

/// Whether the last two axes of an activation were exchanged on the way.
bool has_exchanged_ends(const Value& value) {
    return value.is_activation() && value.is_transposed() && value.rank() > 1 &&
           value.order[value.rank() - 2] > value.order[value.rank() - 1];
}

Value with_ends_exchanged(const Value& value) {
    Dims order(value.rank());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::swap(order[order.size() - 2], order.back());
    return permuted(value, order);
}

/// `bias`: nullptr where there is none.
void add_product(NodeReader& node, const Value& a, const Value& b, bool transpose_a,
                 bool transpose_b, const Value* bias = nullptr) {
    if (has_exchanged_ends(b)) {  // the product reads it the other way round
        return add_product(node, a, with_ends_exchanged(b), transpose_a, !transpose_b, bias);
    }
    const std::string bias_tensor = bias == nullptr ? "" : bias->tensor;
    if (a.rank() == 0 || b.rank() == 0 || (a.is_constant() && b.is_constant())) {
        throw NotExpressible{"a product of two constants, or of none"};
    }
    const Dims left = transpose_a ? transposed(a.dims) : a.dims;
    const Dims right = transpose_b ? transposed(b.dims) : b.dims;
    Value first = a;
    first.dims = left;
    if (b.is_constant()) {
        if (b.rank() > 2 && leading(b.dims, 2) != 1) {
            words_of(b.dims);
            return add_weights_of_heads(node, first, b, right);
        }
        words_of(b.dims);
        Dims dims = left;
        dims.back() = b.rank() == 1 ? 1 : right.back();
        const std::int64_t inner = b.rank() == 1 ? right[0] : right[right.size() - 2];
        add_linear(node, first,
                   {inner, dims.back(), bias != nullptr, b.precision, b.tensor, bias_tensor}, dims);
        return;
    }
    if (a.is_constant()) {
        // Weights times columns: each column is a position.
        if (a.rank() < 2 || leading(a.dims, 2) != 1 || b.rank() < 2) {
            throw NotExpressible{"weights of shape " + text_of(a.dims) + " in front"};
        }
        words_of(a.dims);
        Value columns = b;
        columns.dims = transposed(right);
        Dims dims = right;
        dims[dims.size() - 2] = left[left.size() - 2];
        dims.insert(dims.begin(), std::max(left.size(), dims.size()) - dims.size(), 1);
        add_linear(node, columns,
                   {left.back(), left[left.size() - 2], bias != nullptr, a.precision, a.tensor,
                    bias_tensor},
                   dims);
        return;
    }
    node.graph().keep_apart(a, a.rank() - (transpose_a && a.rank() > 1 ? 2 : 1));
    Dims dims = left.size() >= right.size() ? left : right;
    dims[dims.size() - 1] = right.back();
    if (dims.size() > 1 && left.size() > 1) {
        dims[dims.size() - 2] = left[left.size() - 2];
    }
    node.graph().refuse_pairs(dims);
    add_matmul(node, first, b, transpose_b, dims);
}

void finish_fused(NodeReader& node) {
    if (node.has_attribute("activation")) {
        add_activation(node, *node.graph().find(node.node().outputs.at(0)),
                       node.word("activation", ""));
    }
}

}  // namespace

Value add_linear(NodeReader& node, const Value& input, const Linear& linear, const Dims& dims,
                 const std::string& part) {
    const Shape item = node.graph().item(input.dims).shape;
    if (item.back() != linear.inputs) {
        throw Contradiction{"shapes do not meet: " + text_of(input.dims) + " and weights of " +
                            std::to_string(linear.inputs) + " by " +
                            std::to_string(linear.outputs)};
    }
    const std::int64_t positions = leading(item, 1);
    const bool one = item.size() == 1;
    DraftLayer layer = node.start("linear", part);
    layer.inputs = {node.graph().read(input, one ? item : Shape{positions, linear.inputs})};
    layer.set("out_features", linear.outputs);
    node.graph().share_weights(layer, linear.tensor, {linear.outputs, linear.inputs},
                               linear.weights);
    if (linear.bias) {
        node.graph().set_bias(layer, linear.bias_tensor);
    } else {
        layer.set_flag("bias", false);
    }
    const Shape made = one ? Shape{linear.outputs} : Shape{positions, linear.outputs};
    return node.finish_as(std::move(layer), made, dims, input.precision, linear.weights);
}

Value add_linear_of_heads(NodeReader& node, const Value& input, std::int64_t heads,
                          const Linear& linear, const Dims& dims) {
    const std::int64_t words = words_of(node.graph().item(input.dims).shape);
    if (input.dims.back() != linear.inputs || words % (heads * linear.inputs) != 0) {
        throw Contradiction{"shapes do not meet: " + text_of(input.dims) + " and weights of " +
                            std::to_string(heads) + " by " + std::to_string(linear.inputs) +
                            " by " + std::to_string(linear.outputs)};
    }
    const std::int64_t positions = words / (heads * linear.inputs);
    DraftLayer layer = node.start("conv");
    layer.inputs = {node.graph().read(input, {heads * linear.inputs, positions})};
    layer.set("out_channels", heads * linear.outputs).set_list("kernel", {1});
    layer.set("groups", heads).set_flag("bias", false);
    node.graph().share_weights(layer, linear.tensor, {heads, linear.inputs, linear.outputs},
                               linear.weights);
    return node.finish_as(std::move(layer), {heads * linear.outputs, positions}, dims,
                          input.precision, linear.weights);
}

void read_matmul(NodeReader& node) {
    const Value& right = node.repeated_input(1);
    const bool shared = shares_heads(node.input(0), right);
    add_product(node, node.input(0), shared ? right : node.input(1), node.integer("transA", 0) != 0,
                node.integer("transB", 0) != 0);
}

void read_qlinear_matmul(NodeReader& node) {
    add_product(node, node.input(0), node.input(3), false, false);
}

void read_gemm(NodeReader& node) {
    const bool bias = node.has(2) && node.input(2).is_constant();
    add_product(node, node.input(0), node.input(1), node.integer("transA", 0) != 0,
                node.integer("transB", 0) != 0, bias ? &node.input(2) : nullptr);
    if (node.has(2) && !node.input(2).is_constant()) {
        throw NotExpressible{"a sum with an activation in it"};
    }
    finish_fused(node);
}

// The weights lie as numbers of few bits behind each other, with a scale for each block.
void read_matmul_bits(NodeReader& node) {
    const Value& input = node.activation(0);
    const std::int64_t inner = node.integer("K", 0);
    const std::int64_t outer = node.integer("N", 0);
    const std::int64_t bits = node.integer("bits", 4);
    const auto precision = parse_precision("int" + std::to_string(bits));
    if (input.rank() == 0 || inner < 1 || outer < 1 || !precision) {
        throw Contradiction{"needs K, N and bits that are a precision"};
    }
    Dims dims = input.dims;
    dims.back() = outer;
    words_of({inner, outer});
    add_linear(node, Value(input), {inner, outer, node.has(5), *precision, node.constant(1).tensor},
               dims);
}

}  // namespace memwall::importers::onnx
