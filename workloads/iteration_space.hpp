// SPDX-License-Identifier: Apache-2.0
// A layer as an iteration space: its dimensions, its operands with their projections, and what
// happens at a point.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "workloads/identifiers.hpp"
#include "workloads/mask.hpp"
#include "workloads/precision.hpp"
#include "workloads/projection.hpp"

namespace memwall {

enum class TensorRole : std::uint8_t {
    weights,
    inputs,
    outputs,
    partial_sums,
    state,
    instructions  ///< no tensor of a layer: what tells cores how to compute it
};

/// Those of tensors.
inline constexpr std::size_t kTensorRoleCount = 5;

const char* name(TensorRole role);

/// What a layer reads or writes. Partial sums are no operand of their own: they have the outputs'
/// projection and the precision of IterationSpace::accumulator.
struct Operand {
    TensorRole role = TensorRole::inputs;
    TensorId tensor;
    Projection projection;
    Precision precision = Precision::int8;  ///< the tensor's, as it is stored
    bool updated = false;  ///< read, and written back in its place (optimiser state)

    friend bool operator==(const Operand&, const Operand&) = default;
};

/// What is done at each point of the space. `vector` stands for everything that is neither of the
/// others.
enum class PointOperation : std::uint8_t { mac, max, add, multiply, vector };

const char* name(PointOperation operation);

struct IterationSpace {
    Extents extents = unit_extents();
    std::vector<Operand>
        operands;  ///< inputs in the layer's order, then weights, state, and the outputs last
    PointOperation operation = PointOperation::mac;
    std::int64_t vector_operations_per_point = 0;  ///< 0 for mac
    Precision accumulator = Precision::int32;
    std::vector<Dim>
        whole_dims;            ///< normalised over: a tile needs all of them (softmax, layer_norm)
    std::optional<Mask> mask;  ///< causal attention: not every point counts
    /// An input gradient: results in the padding are work, though nobody keeps them, and points
    /// without an input are none.
    bool pads_results = false;

    [[nodiscard]] std::int64_t extent(Dim dim) const { return extents[index(dim)]; }
    [[nodiscard]] Box box() const { return whole_box(extents); }
    [[nodiscard]] std::int64_t points() const;
    /// The points of a box that are work: not those that a mask leaves out, nor those without a
    /// weight or a result (of a transposed convolution); see pads_results.
    [[nodiscard]] std::int64_t counted_points(const Box& box) const;
    /// Multiply-accumulates, those with a padded zero of the inputs included; 0 where the operation
    /// is no mac.
    [[nodiscard]] std::int64_t macs() const;
    /// Elementwise operations; 0 for macs.
    [[nodiscard]] std::int64_t vector_operations() const;

    /// A layer that only renames or joins tensors (reshape) has no operands.
    [[nodiscard]] bool has_operands() const { return !operands.empty(); }
    [[nodiscard]] const Operand& outputs() const;
    /// The first operand of a role, or nullptr.
    [[nodiscard]] const Operand* find(TensorRole role) const;

    /// Dimensions above 1 that no output depends on: what is summed (or maximised) over.
    [[nodiscard]] std::vector<Dim> reduction_dims() const;
    [[nodiscard]] bool is_reduction(Dim dim) const;
    [[nodiscard]] bool normalises(Dim dim) const;  ///< whether it is one of whole_dims
    /// One that is part of no window: each operand that depends on it has an axis of it alone.
    [[nodiscard]] bool is_plain_reduction(Dim dim) const;

    friend bool operator==(const IterationSpace&, const IterationSpace&) = default;
};

}  // namespace memwall
