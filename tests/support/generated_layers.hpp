// SPDX-License-Identifier: Apache-2.0
// Small layers and networks, made at random from a seed, for properties that hold for all of them.
#pragma once

#include <string>

#include "tests/support/draw.hpp"
#include "workloads/network.hpp"

namespace memwall::test {

struct Generated {
    std::string yaml;  ///< the file that it was made from; print it where a property fails
    Network network;
};

/// A network of one layer, with up to some 10,000 points.
Generated generated_conv(Draw& draw);  ///< groups, stride, padding, dilation, sizes by axis
Generated generated_linear(Draw& draw);
Generated generated_pool(Draw& draw);  ///< max, average or global
/// Any of these.
Generated generated_layer(Draw& draw);
/// Attention between linear layers: heads that share keys, masks, windows and a cache where
/// `cache`.
Generated generated_attention(Draw& draw, bool cache);
/// Rows of a table, some more for each position, normalised, and a product.
Generated generated_embedding(Draw& draw);
/// An embedding, a mixture of experts and what lies around them.
Generated generated_mixture(Draw& draw);

/// A chain of `blocks` convolutions and poolings with normalisations, activations, residual sums
/// and concatenations between them, and sometimes a linear layer at its end.
Generated generated_network(Draw& draw, int blocks);

}  // namespace memwall::test
