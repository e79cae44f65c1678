// SPDX-License-Identifier: Apache-2.0
// Loop nests of three operands with affine projections, as Timeloop and ZigZag state them, as
// convolutions and matrix products.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workloads/importers/draft.hpp"

namespace memwall::importers {

struct AffineTerm {
    std::string dim;
    std::int64_t coefficient = 1;
};
/// The index along one axis of an operand is the sum of its terms.
using AffineAxis = std::vector<AffineTerm>;

struct AffineNest {
    std::map<std::string, std::int64_t> sizes;  ///< of every loop
    std::vector<AffineAxis> weights, inputs, outputs;
    bool pooling = false;  ///< no weights: a window of each channel becomes one value
};

/// What a nest is as a layer of ours.
struct AffineLayer {
    std::string op;  ///< conv, linear, average_pool or, with two activations, matmul
    Shape input;     ///< of one item
    Shape weights;   ///< of a matmul: its second input, [C, K]
    Shape output;
    std::int64_t batch = 1;
    std::string fault;  ///< why it cannot be expressed; "" where it can

    std::int64_t out_channels = 1, groups = 1;
    std::vector<std::int64_t> kernel, stride, dilation;

    /// Its keys, with this much padding [top, left, bottom, right].
    void set_keys(DraftLayer& layer, const std::vector<std::int64_t>& padding) const;
};

/// Loops are told apart by the operands that they index: K by weights and outputs, C by weights and
/// inputs, positions and batch by inputs and outputs, groups by all three; a window is an axis of
/// the inputs with a loop of the outputs and one of the weights.
AffineLayer classify(const AffineNest& nest);

}  // namespace memwall::importers
