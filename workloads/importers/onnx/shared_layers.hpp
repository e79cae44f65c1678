// SPDX-License-Identifier: Apache-2.0
// Layers that operators of several families have in them. Each makes output 0 of the node, or
// another that it is told, and throws NotExpressible.
#pragma once

#include <string>

#include "workloads/importers/onnx/graph.hpp"

namespace memwall::importers::onnx {

struct Linear {
    std::int64_t inputs = 1;
    std::int64_t outputs = 1;
    bool bias = false;
    Precision weights = Precision::fp32;
    std::string tensor;            ///< the initialiser that the weights are
    std::string bias_tensor = {};  ///< and the bias
};

// product_operators.cpp
/// The last axis of `input` times a matrix of weights; all axes before it are positions.
Value add_linear(NodeReader& node, const Value& input, const Linear& linear, const Dims& dims,
                 const std::string& part = "");

/// A linear layer of its own for each of `heads`, on as many parts of every item.
// MODEL: a product of weights for each head is a convolution over one position in groups.
Value add_linear_of_heads(NodeReader& node, const Value& input, std::int64_t heads,
                          const Linear& linear, const Dims& dims);

// part_operators.cpp
/// The part [begin, end) of a value along one axis of its dims.
Value add_slice(NodeReader& node, const Value& value, std::size_t axis, std::int64_t begin,
                std::int64_t end, std::size_t output, const std::string& part);
/// Rows of a table, one for each number.
Value add_look_up(NodeReader& node, const Value& table, const Value& numbers,
                  const std::string& part = "");

// pointwise_operators.cpp
/// A function of each element; an item of any rank.
Value add_function(NodeReader& node, const Value& value, const std::string& op,
                   const std::string& part = "");
/// The product of two values of one shape, element by element.
Value add_product_of(NodeReader& node, const Value& a, const Value& b, const std::string& part);
/// A sum of a number for each of the last axis's elements.
Value add_bias(NodeReader& node, const Value& value, std::int64_t features,
               const std::string& part);

}  // namespace memwall::importers::onnx
