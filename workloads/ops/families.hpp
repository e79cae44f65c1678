// SPDX-License-Identifier: Apache-2.0
// The families of layer kinds, one source file each; builtin_ops.cpp lists what is in them.
#pragma once

#include "workloads/ops/op.hpp"

namespace memwall::ops {

// conv.cpp
Planner read_conv(MapReader& keys);
Planner read_conv_transpose(MapReader& keys);
// linear.cpp
Planner read_linear(MapReader& keys);
// matmul.cpp
Planner read_matmul(MapReader& keys);
// pool.cpp
Planner read_max_pool(MapReader& keys);
Planner read_average_pool(MapReader& keys);
Planner read_global_pool(MapReader& keys);
Planner read_mean(MapReader& keys);
Planner read_local_response_norm(MapReader& keys);
// recurrent.cpp
Planner read_lstm(MapReader& keys);
Planner read_gru(MapReader& keys);
// copy.cpp
Planner read_slice(MapReader& keys);
Planner read_transpose(MapReader& keys);
Planner read_pad(MapReader& keys);
Planner read_resize(MapReader& keys);
// elementwise.cpp
Planner read_add(MapReader& keys);
Planner read_sub(MapReader& keys);
Planner read_mul(MapReader& keys);
Planner read_div(MapReader& keys);
// activation.cpp
Planner read_relu(MapReader& keys);
Planner read_gelu(MapReader& keys);
Planner read_silu(MapReader& keys);
Planner read_sigmoid(MapReader& keys);
Planner read_tanh(MapReader& keys);
Planner read_relu6(MapReader& keys);
Planner read_leaky_relu(MapReader& keys);
Planner read_prelu(MapReader& keys);
Planner read_elu(MapReader& keys);
Planner read_softplus(MapReader& keys);
Planner read_mish(MapReader& keys);
Planner read_hard_sigmoid(MapReader& keys);
Planner read_hard_swish(MapReader& keys);
// normalisation.cpp
Planner read_softmax(MapReader& keys);
Planner read_batch_norm(MapReader& keys);
Planner read_layer_norm(MapReader& keys);
Planner read_rms_norm(MapReader& keys);
Planner read_group_norm(MapReader& keys);
Planner read_instance_norm(MapReader& keys);
// rename.cpp
Planner read_concat(MapReader& keys);
Planner read_reshape(MapReader& keys);
Planner read_flatten(MapReader& keys);

}  // namespace memwall::ops
