// SPDX-License-Identifier: Apache-2.0
// Einsum of one or two operands, where it is a matrix product or a change of shape. The order of
// axes costs nothing, as that of a Transpose.
#include <algorithm>
#include <string>

#include "workloads/importers/onnx/operators.hpp"
#include "workloads/importers/onnx/shared_layers.hpp"

namespace memwall::importers::onnx {
namespace {

struct Equation {
    std::vector<std::string> operands;
    std::string result;
};

Equation equation_of(const NodeReader& node) {
    std::string text = node.word("equation", "");
    text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
    const std::size_t arrow = text.find("->");
    const auto known = [](char each) {
        return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || each == ',';
    };
    const std::string left = text.substr(0, arrow);
    if (arrow == std::string::npos || !std::all_of(left.begin(), left.end(), known)) {
        throw NotExpressible{"the equation '" + text + "'"};
    }
    Equation equation;
    equation.result = text.substr(arrow + 2);
    for (std::size_t begin = 0; begin <= left.size();) {
        const std::size_t end = std::min(left.find(',', begin), left.size());
        equation.operands.push_back(left.substr(begin, end - begin));
        begin = end + 1;
    }
    return equation;
}

bool has(const std::string& labels, char label) {
    return labels.find(label) != std::string::npos;
}

/// Which labels are in all three (heads), in the result and one operand (rows, columns), and in
/// both operands alone (what is summed over).
struct Roles {
    std::string heads, rows, columns, inner;
};

Roles roles_of(const Equation& equation) {
    const std::string& a = equation.operands[0];
    const std::string& b = equation.operands[1];
    Roles roles;
    for (const char label : a) {
        std::string& role = !has(b, label)                ? roles.rows
                            : has(equation.result, label) ? roles.heads
                                                          : roles.inner;
        role += label;
    }
    for (const char label : b) {
        if (!has(a, label)) {
            roles.columns += label;
        }
    }
    const std::string kept = roles.heads + roles.rows + roles.columns;
    const bool same = std::is_permutation(kept.begin(), kept.end(), equation.result.begin(),
                                          equation.result.end());
    if (!same || roles.inner.empty()) {
        throw NotExpressible{"an equation that is no matrix product"};
    }
    return roles;
}

class Sizes {
public:
    Sizes(const Equation& equation, const std::vector<const Value*>& values) {
        for (std::size_t n = 0; n < values.size(); ++n) {
            const std::string& labels = equation.operands[n];
            if (labels.size() != values[n]->rank()) {
                throw Contradiction{"'" + labels + "' names other axes than " +
                                    text_of(values[n]->dims)};
            }
            for (std::size_t axis = 0; axis < labels.size(); ++axis) {
                const auto [known, is_new] =
                    sizes_.try_emplace(labels[axis], values[n]->dims[axis]);
                if (!is_new && known->second != values[n]->dims[axis]) {
                    throw Contradiction{std::string("sizes do not meet along '") + labels[axis] +
                                        "'"};
                }
            }
        }
    }

    [[nodiscard]] Dims of(const std::string& labels) const {
        Dims dims;
        for (const char label : labels) {
            const auto found = sizes_.find(label);
            if (found == sizes_.end()) {
                throw Contradiction{std::string("no operand has the axis '") + label + "'"};
            }
            dims.push_back(found->second);
        }
        return dims;
    }

    [[nodiscard]] std::int64_t product(const std::string& labels) const {
        return words_of(of(labels));
    }

private:
    std::map<char, std::int64_t> sizes_;
};

/// With weights: a linear layer over all rows.
void add_weighted(NodeReader& node, const Value& input, const Value& weights, const Roles& roles,
                  const Sizes& sizes, const std::string& result, bool weights_first) {
    const std::string& rows = weights_first ? roles.columns : roles.rows;
    const std::string& outputs = weights_first ? roles.rows : roles.columns;
    const std::int64_t heads = sizes.product(roles.heads);
    Value seen = input;
    seen.dims = sizes.of(rows + roles.heads);
    Dims dims = seen.dims;
    seen.dims.push_back(sizes.product(roles.inner));
    dims.push_back(sizes.product(outputs));
    const Linear linear = {seen.dims.back(), dims.back(), false, weights.precision, weights.tensor};
    Value made = heads > 1 ? add_linear_of_heads(node, seen, heads, linear, dims)
                           : add_linear(node, seen, linear, dims);
    made.dims = sizes.of(result);
    node.set_output(0, std::move(made));
}

/// Output 0 has the axes of `value` in another order, or others of as many words.
void set_changed(NodeReader& node, const Value& value, const Equation& equation, const Dims& dims) {
    Dims order;
    for (const char axis : equation.result) {
        const std::size_t from = equation.operands[0].find(axis);
        if (from != std::string::npos) {
            order.push_back(static_cast<std::int64_t>(from));
        }
    }
    const bool all = order.size() == value.rank() && dims.size() == value.rank();
    return all && value.is_activation() ? node.set_output(0, permuted(value, order))
                                        : node.rename(value, dims);
}

}  // namespace

void read_einsum(NodeReader& node) {
    const Equation equation = equation_of(node);
    std::vector<const Value*> values;
    for (std::size_t n = 0; n < node.node().inputs.size(); ++n) {
        values.push_back(&node.input(n));
    }
    if (values.size() != equation.operands.size() || values.empty() || values.size() > 2) {
        throw NotExpressible{"an equation of " + std::to_string(values.size()) + " operands"};
    }
    const Sizes sizes(equation, values);
    if (values.size() == 1) {
        for (std::size_t axis = 0; axis < values[0]->rank(); ++axis) {
            if (!has(equation.result, equation.operands[0][axis])) {
                node.graph().keep_apart(*values[0], axis);
            }
        }
        return set_changed(node, *values[0], equation, sizes.of(equation.result));
    }
    const Roles roles = roles_of(equation);
    const Value& a = *values[0];
    const Value& b = *values[1];
    if (a.is_constant() && b.is_constant()) {
        throw NotExpressible{"a product of two constants"};
    }
    if (b.is_constant()) {
        return add_weighted(node, a, b, roles, sizes, equation.result, false);
    }
    if (a.is_constant()) {
        return add_weighted(node, b, a, roles, sizes, equation.result, true);
    }
    const std::int64_t batch = node.graph().batch();
    std::int64_t heads = sizes.product(roles.heads);
    if (heads % batch != 0) {
        throw AcrossItems{};
    }
    heads /= batch;
    const std::int64_t rows = sizes.product(roles.rows);
    const std::int64_t columns = sizes.product(roles.columns);
    const std::int64_t inner = sizes.product(roles.inner);
    DraftLayer layer = node.start("matmul");
    const auto shape = [&](std::int64_t first, std::int64_t second) {
        return heads == 1 ? Shape{first, second} : Shape{heads, first, second};
    };
    layer.inputs = {node.graph().read(a, shape(rows, inner)),
                    node.graph().read(b, shape(inner, columns))};
    node.finish_as(std::move(layer), shape(rows, columns), sizes.of(equation.result),
                   widest(a.precision, b.precision));
}

}  // namespace memwall::importers::onnx
