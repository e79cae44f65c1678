// SPDX-License-Identifier: Apache-2.0
// The shapes that a model declares of its values, held against those that follow.
#pragma once

#include <map>
#include <set>
#include <string>

#include "workloads/importers/onnx/graph.hpp"

namespace memwall::importers::onnx {

class DeclaredShapes {
public:
    explicit DeclaredShapes(const Model& model);

    /// What the model declares of a tensor of these dims and contradicts them, in words; "" where
    /// it declares nothing, or the same. Sizes without a number are those of any tensor.
    [[nodiscard]] std::string against(const std::string& value, const Dims& dims) const;
    /// As above, of the results of a node that was read. What lies behind a contradiction
    /// contradicts by itself: that is told once.
    std::string against_results(const Node& node, const Graph& graph);

private:
    std::map<std::string, const Stated*> declared_;
    std::set<std::string> tainted_;
};

}  // namespace memwall::importers::onnx
