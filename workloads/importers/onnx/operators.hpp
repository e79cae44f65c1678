// SPDX-License-Identifier: Apache-2.0
// The operators of ONNX that can be read: one list, and the families that it names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workloads/importers/onnx/graph.hpp"

namespace memwall::importers::onnx {

struct Operator {
    const char* domain;  ///< "" for ONNX's own
    const char* name;
    void (*read)(NodeReader& node);
    bool of_constants = false;  ///< makes a constant of constants, and no layer
};

/// Duplicate names are an internal error.
const std::vector<Operator>& operators();
/// nullptr where it is none that can be read.
const Operator* find_operator(std::string_view domain, std::string_view name);

// window_operators.cpp
void read_conv(NodeReader& node);
void read_fused_conv(NodeReader& node);
void read_conv_integer(NodeReader& node);
void read_qlinear_conv(NodeReader& node);
void read_conv_transpose(NodeReader& node);
void read_max_pool(NodeReader& node);
void read_average_pool(NodeReader& node);
void read_global_average_pool(NodeReader& node);
void read_global_max_pool(NodeReader& node);
void read_norm_pool(NodeReader& node);
// product_operators.cpp
void read_matmul(NodeReader& node);
void read_qlinear_matmul(NodeReader& node);
void read_gemm(NodeReader& node);
void read_matmul_bits(NodeReader& node);
// einsum_operator.cpp
void read_einsum(NodeReader& node);
// attention_operators.cpp
void read_attention(NodeReader& node);
void read_qattention(NodeReader& node);
void read_multi_head_attention(NodeReader& node);
void read_grouped_attention(NodeReader& node);
void read_standard_attention(NodeReader& node);
void read_rotary(NodeReader& node);
void read_embed_layer_norm(NodeReader& node);
// pointwise_operators.cpp
void read_binary(NodeReader& node);
void read_qlinear_binary(NodeReader& node);
void read_where(NodeReader& node);
void read_mean_of(NodeReader& node);
void read_not(NodeReader& node);
void read_power(NodeReader& node);
void read_negative(NodeReader& node);
void read_unary(NodeReader& node);
void read_softsign(NodeReader& node);
void read_bias_gelu(NodeReader& node);
void read_ignored(NodeReader& node);
void read_cast(NodeReader& node);
void read_cast_like(NodeReader& node);
void read_quantize(NodeReader& node);
void read_dequantize(NodeReader& node);
/// Adds the layer of an activation function by its ONNX name behind `value`; nothing where there is
/// none of that name.
void add_activation(NodeReader& node, const Value& value, const std::string& name);
// norm_operators.cpp
void read_softmax(NodeReader& node);
void read_batch_norm(NodeReader& node);
void read_layer_norm(NodeReader& node);
void read_rms_norm(NodeReader& node);
void read_skip_layer_norm(NodeReader& node);
void read_instance_norm(NodeReader& node);
void read_group_norm(NodeReader& node);
void read_local_response_norm(NodeReader& node);
void read_mean(NodeReader& node);
void read_reduction(NodeReader& node);
void read_arg_max(NodeReader& node);
void read_hard_max(NodeReader& node);
void read_lp_normalization(NodeReader& node);
void read_mean_variance(NodeReader& node);
// recurrent_operators.cpp
void read_rnn(NodeReader& node);
void read_lstm(NodeReader& node);
void read_gru(NodeReader& node);
// shape_operators.cpp
void read_shape(NodeReader& node);
void read_size(NodeReader& node);
void read_constant(NodeReader& node);
void read_reshape(NodeReader& node);
void read_flatten(NodeReader& node);
void read_squeeze(NodeReader& node);
void read_unsqueeze(NodeReader& node);
void read_transpose(NodeReader& node);
void read_expand(NodeReader& node);
void read_tile(NodeReader& node);
void read_triangle(NodeReader& node);
void read_range(NodeReader& node);
void read_eye_like(NodeReader& node);
void read_one_hot(NodeReader& node);
void read_depth_to_space(NodeReader& node);
// part_operators.cpp
void read_split(NodeReader& node);
void read_slice(NodeReader& node);
void read_gather(NodeReader& node);
// copy_operators.cpp
void read_concat(NodeReader& node);
// past.cpp
/// A Concat that keeps what came before (Graph::keeps_past).
void read_past(NodeReader& node);
// copy_operators.cpp
void read_qlinear_concat(NodeReader& node);
void read_pad(NodeReader& node);
void read_resize(NodeReader& node);

}  // namespace memwall::importers::onnx
