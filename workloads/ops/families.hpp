// SPDX-License-Identifier: Apache-2.0
// The families of layer kinds, one source file each; builtin_ops.cpp lists what is in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "workloads/ops/op.hpp"

namespace memwall::ops {

// linear.cpp
struct LinearKeys {
    std::int64_t out_features = 1;  ///< of all heads
    bool bias = true;
    bool split_heads = false;  ///< the result is [heads, positions, features of one]
    std::int64_t heads = 1;
    bool merge_heads = false;  ///< the input is [heads, positions, features]: all summed over
    std::int64_t last = 0;     ///< only the last positions are read; 0: all
};
std::optional<LayerPlan> plan_linear(const LinearKeys& keys, const PlanRequest& request);

// matmul.cpp
/// Queries lie in rows, those of one head behind each other.
struct CausalKeys {
    std::int64_t rows = 0;    ///< queries of one head; 0: all
    std::int64_t window = 0;  ///< keys that a query sees; 0: all up to itself
};
struct MatmulKeys {
    bool transpose = false;
    std::int64_t last = 0;             ///< only the last positions of the second operand; 0: all
    std::optional<CausalKeys> causal;  ///< queries times keys (transposed), or scores times values
};
std::optional<LayerPlan> plan_matmul(const MatmulKeys& keys, const PlanRequest& request);
/// The mask over two dimensions of these extents; a fault where they do not meet.
std::optional<Mask> causal_mask(const CausalKeys& keys, Dim row, Dim column,
                                const PlanRequest& request, std::int64_t rows,
                                std::int64_t columns);
/// `causal`, `rows` and `window` of a layer.
std::optional<CausalKeys> read_causal(MapReader& keys);

// rename.cpp
std::optional<LayerPlan> plan_reshape(const Shape& to, const PlanRequest& request);

// Parts of composites.
Planner plan_softmax(const std::optional<CausalKeys>& causal);
Planner plan_activation(const std::string& op);  // relu, gelu, tanh or silu
Planner plan_mul();

/// Positions of a sequence or a cache.
inline constexpr std::int64_t kMostPositions = 1'000'000'000;

// conv.cpp
Planner read_conv(MapReader& keys);
Planner read_conv_transpose(MapReader& keys);
// linear.cpp, matmul.cpp
Planner read_linear(MapReader& keys);
Planner read_matmul(MapReader& keys);
// attention.cpp
Planner read_attention(MapReader& keys);
Planner read_cache(MapReader& keys);
// embedding.cpp
Planner read_embedding(MapReader& keys);
Planner read_position_embedding(MapReader& keys);
// moe.cpp
Planner read_moe(MapReader& keys);
// pool.cpp
Planner read_max_pool(MapReader& keys);
Planner read_average_pool(MapReader& keys);
Planner read_global_pool(MapReader& keys);
Planner read_sum_over(MapReader& keys);  ///< a mean is a sum, scaled
Planner read_extreme_over(MapReader& keys);
Planner read_local_response_norm(MapReader& keys);
// recurrent.cpp
Planner read_rnn(MapReader& keys);
Planner read_lstm(MapReader& keys);
Planner read_gru(MapReader& keys);
// copy.cpp
Planner read_slice(MapReader& keys);
Planner read_transpose(MapReader& keys);
Planner read_pad(MapReader& keys);
Planner read_resize(MapReader& keys);
Planner read_expand(MapReader& keys);
// elementwise.cpp
Planner read_add(MapReader& keys);
Planner read_mul(MapReader& keys);
Planner read_elementwise(MapReader& keys);  ///< any other function of elements: sub, maximum, ...
Planner read_where(MapReader& keys);
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
Planner read_function(MapReader& keys);  ///< one operation on each element
Planner read_rotary(MapReader& keys);
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
Planner read_lower_triangle(MapReader& keys);

}  // namespace memwall::ops
