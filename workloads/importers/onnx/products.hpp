// SPDX-License-Identifier: Apache-2.0
// Products with weights, which operators of several families have in them.
#pragma once

#include <string>

#include "workloads/importers/onnx/graph.hpp"

namespace memwall::importers::onnx {

struct Linear {
    std::int64_t inputs = 1;
    std::int64_t outputs = 1;
    bool bias = false;
    Precision weights = Precision::fp32;
    std::string tensor;  ///< the initialiser that the weights are
};

/// The last axis of `input` times a matrix of weights; all axes before it are positions. The result
/// is output 0 of the node. Throws NotExpressible.
Value add_linear(NodeReader& node, const Value& input, const Linear& linear, const Dims& dims,
                 const std::string& part = "");

}  // namespace memwall::importers::onnx
