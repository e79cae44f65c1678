// SPDX-License-Identifier: Apache-2.0
// Nodes that read constants alone: their results are constants too.
#pragma once

#include "workloads/importers/onnx/operators.hpp"

namespace memwall::importers::onnx {

/// Whether all inputs that a node has are constants; nodes without inputs too.
bool reads_constants(const Graph& graph, const Node& node);

/// Sets the results of a node that reads constants alone: numbers where they are few and known,
/// else only shapes, and no layer. False where `known`, nullptr or its operator, has to be read as
/// any other. Throws NotExpressible and Contradiction.
bool read_constants(Graph& graph, const Node& node, const Operator* known);

}  // namespace memwall::importers::onnx
