// SPDX-License-Identifier: Apache-2.0
// Arithmetic on small constants: the shapes, axes and scales that a model computes on its way.
#pragma once

#include <optional>
#include <vector>

#include "workloads/importers/onnx/model.hpp"

namespace memwall::importers::onnx {

/// The result of a node whose inputs are all constant (nullptr where one is left out). Nothing
/// where the operator is none that shapes are computed with, or where the numbers are not known.
std::optional<Constant> folded(const Node& node, const std::vector<const Constant*>& inputs);

/// Whether folded() knows an operator that no layer stands for.
bool computes_shapes(const Node& node);

/// A number as a whole one, at the ends of the range where it lies outside.
std::int64_t whole(double number);
/// All numbers of a constant as whole ones; nothing where they are not known.
std::optional<std::vector<std::int64_t>> whole_numbers(const Constant* constant);

/// The shape of two operands of these shapes, sizes of 1 repeated; nothing where they do not meet.
std::optional<std::vector<std::int64_t>> broadcast(const std::vector<std::int64_t>& a,
                                                   const std::vector<std::int64_t>& b);

}  // namespace memwall::importers::onnx
