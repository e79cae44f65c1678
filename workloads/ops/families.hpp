// SPDX-License-Identifier: Apache-2.0
// The families of layer kinds, one source file each; builtin_ops.cpp lists what is in them.
#pragma once

#include "workloads/ops/op.hpp"

namespace memwall::ops {

// conv.cpp
Planner read_conv(MapReader& keys);
// linear.cpp
Planner read_linear(MapReader& keys);
// matmul.cpp
Planner read_matmul(MapReader& keys);
// pool.cpp
Planner read_max_pool(MapReader& keys);
Planner read_average_pool(MapReader& keys);
Planner read_global_pool(MapReader& keys);
// elementwise.cpp
Planner read_add(MapReader& keys);
Planner read_mul(MapReader& keys);
// activation.cpp
Planner read_relu(MapReader& keys);
Planner read_gelu(MapReader& keys);
Planner read_silu(MapReader& keys);
Planner read_sigmoid(MapReader& keys);
Planner read_tanh(MapReader& keys);
// normalisation.cpp
Planner read_softmax(MapReader& keys);
Planner read_batch_norm(MapReader& keys);
Planner read_layer_norm(MapReader& keys);
Planner read_rms_norm(MapReader& keys);
// rename.cpp
Planner read_concat(MapReader& keys);
Planner read_reshape(MapReader& keys);
Planner read_flatten(MapReader& keys);

}  // namespace memwall::ops
