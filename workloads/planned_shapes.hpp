// SPDX-License-Identifier: Apache-2.0
// What is known of a network's tensors while its layers are planned one by one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "workloads/network.hpp"
#include "workloads/ops/op.hpp"

namespace memwall {

/// The shapes of inputs and results, and whether channels come first in them, as they do in images
/// and in what windows make of them.
class PlannedShapes {
public:
    explicit PlannedShapes(std::size_t tensors) : shapes_(tensors), channels_first_(tensors) {}

    void set_input(std::size_t tensor, std::optional<Shape> shape) {
        shapes_[tensor] = std::move(shape);
    }
    /// The result of a layer of kind `op`, which read `inputs`.
    void set_result(TensorId tensor, const Shape& shape, const Op& op,
                    const std::vector<TensorId>& inputs);
    /// None where one is not known yet.
    [[nodiscard]] std::optional<std::vector<Shape>> of(const std::vector<TensorId>& tensors) const;
    /// Of a layer that reads these: of the first.
    [[nodiscard]] bool channels_first(const std::vector<TensorId>& tensors) const;

private:
    std::vector<std::optional<Shape>> shapes_;
    std::vector<bool> channels_first_;
};

}  // namespace memwall
