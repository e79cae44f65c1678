// SPDX-License-Identifier: Apache-2.0
// The rules of gradients, one function a family of layer kinds; ops/builtin_ops.cpp says which kind
// goes by which.
#pragma once

#include "workloads/gradients/backward.hpp"

namespace memwall::gradients {

// products.cpp
void product(Backward& step);             ///< conv, linear
void transposed_product(Backward& step);  ///< conv_transpose
void expert_product(Backward& step);      ///< of each token with the matrices of its experts
void matmul(Backward& step);

// windows.cpp
void max_pool(Backward& step);
void average_pool(Backward& step);
void global_pool(Backward& step);
void mean(Backward& step);
void extreme_over(Backward& step);  ///< reduce_max, reduce_min
void resize(Backward& step);
void response_norm(Backward& step);

// pointwise.cpp
/// Activations: what the gradient is a function of, beside that of the result.
void of_result(Backward& step);  ///< relu, sigmoid, tanh, ...
void of_input(Backward& step);   ///< gelu, silu, ...
void prelu(Backward& step);
void rotary(Backward& step);
void sum(Backward& step);  ///< add
void difference(Backward& step);
void multiplied(Backward& step);
void quotient(Backward& step);
void extreme(Backward& step);  ///< maximum, minimum
void chosen(Backward& step);   ///< where
void expand(Backward& step);
void nowhere(Backward& step);  ///< round, compare: the slope is zero, and the gradient ends here

// norms.cpp
void softmax(Backward& step);
void normalisation(Backward& step);  ///< layer_norm, rms_norm, group_norm, instance_norm
void batch_norm(Backward& step);     ///< of the layer that applies the statistics of the batch

// moves.cpp
void rename(Backward& step);  ///< reshape, flatten
void concat(Backward& step);
void slice(Backward& step);
void select(Backward& step);
void pad(Backward& step);
void transpose(Backward& step);

// cells.cpp
void lstm_cell(Backward& step);
void lstm_hidden(Backward& step);
void gru_hidden(Backward& step);

// mixtures.cpp
void top_k(Backward& step);
void combine(Backward& step);

// lookup.cpp
void embedding(Backward& step);
void position_embedding(Backward& step);

}  // namespace memwall::gradients
