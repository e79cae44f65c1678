// SPDX-License-Identifier: Apache-2.0
// Generated layers of the less common forms: along one and three axes, transposed, grouped,
// up-sampled, cut and moved, normalised over groups, and gated by a mean.
#pragma once

#include "tests/support/generated_layers.hpp"

namespace memwall::test {

/// conv or a pool over one, two or three axes; many groups; padding by number or `same`.
Generated generated_sliding(Draw& draw);
Generated generated_conv_transpose(Draw& draw);
/// One of mean, resize, pad, transpose, slice, local_response_norm.
Generated generated_rearrangement(Draw& draw);
/// softmax, layer_norm, group_norm or instance_norm: what needs whole rows or images.
Generated generated_normalisation(Draw& draw);
/// A few layers that read parts of tensors, gate channels and add what was made earlier.
Generated generated_gated_network(Draw& draw);
/// An LSTM or GRU of a few steps and a linear layer behind it.
Generated generated_recurrent(Draw& draw);
/// Two or three linear layers with the same weights, on the same or other numbers of positions.
Generated generated_shared_weights(Draw& draw);
/// Any of these.
Generated generated_form(Draw& draw);

}  // namespace memwall::test
