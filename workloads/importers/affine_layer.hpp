// SPDX-License-Identifier: Apache-2.0
// Loop nests of three operands with affine projections, as Timeloop and ZigZag state them, as
// convolutions and matrix products.
#pragma once

#include <cstdint>
#include <map>
#include <set>
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
    bool pooling = false;          ///< no weights: a window of each channel becomes one value
    bool two_activations = false;  ///< `weights` are a second input
};

/// The order in which a file states the axes of an operand: its axis i is axis order[i] of ours.
/// Axes of size 1 that the file does not state stand where ours do.
using AxisOrder = std::vector<std::size_t>;

/// What a nest is as a layer of ours.
struct AffineLayer {
    std::string op;  ///< conv, linear, average_pool or, of two activations, matmul or mul
    Shape input;     ///< of one item
    Shape second;    ///< of two activations: the other input
    Shape output;
    AxisOrder input_order, second_order, output_order;  ///< of products; else empty: as ours
    bool transpose = false;                             ///< of a matmul: its second is [K, C]
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
/// Two inputs make a matrix product, their heads the loops of all three, or are multiplied word by
/// word where all loops are.
AffineLayer classify(const AffineNest& nest);

/// The loops of an operand.
std::set<std::string> loops_of(const std::vector<AffineAxis>& axes);
/// Whether a loop is a batch by its name: b, or n in nests that do not use it for columns.
bool is_batch(const std::string& loop, const std::map<std::string, std::int64_t>& sizes);
/// How axes stated in the order `there` are brought into that of `here`, both of the same stated
/// sizes: axis i of what is read is axis result[i] of what is made. Empty where they do not meet.
AxisOrder order_between(const Shape& made, const AxisOrder& there, const Shape& read,
                        const AxisOrder& here);

}  // namespace memwall::importers
