// SPDX-License-Identifier: Apache-2.0
// Training steps of small networks, and what tests ask of their layers.
#pragma once

#include <cstdint>
#include <string>

#include "workloads/training.hpp"

namespace memwall::test {

/// The step of a network of `layers` behind one input, in mixed precision.
Network step_of(const std::string& input, const std::string& layers, std::int64_t batch = 1,
                Optimizer optimizer = Optimizer::adam, const std::string& precision = "bf16");

/// The layer of a name, which must be there.
const Layer& layer(const Network& network, const std::string& name);
bool has(const Network& network, const std::string& name);
Shape shape(const Network& network, const std::string& tensor);

/// Bytes that the operands of a layer touch, by role, state that is written back not counted twice.
std::int64_t touched(const Layer& layer, TensorRole role);

}  // namespace memwall::test
