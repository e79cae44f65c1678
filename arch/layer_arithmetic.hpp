// SPDX-License-Identifier: Apache-2.0
// Layers on integers: what a box of an iteration space makes of its operands, straight from the
// layer's definition.
#pragma once

#include <cstdint>
#include <vector>

#include "workloads/network.hpp"

namespace memwall {

/// The words of one stored tensor, those that are known marked. Arithmetic wraps: sums come out the
/// same in any order.
struct Words {
    std::vector<std::int64_t> values;
    std::vector<bool> known;

    Words() = default;
    explicit Words(std::int64_t count)
        : values(static_cast<std::size_t>(count)), known(static_cast<std::size_t>(count)) {}
};

/// Where the words of each tensor lie in the tensor that stores them, aliases resolved word by
/// word. Activations are item after item in the order of their shape.
class StoredWords {
public:
    explicit StoredWords(const Network& network);

    /// Words of the tensor that stores `view`.
    [[nodiscard]] std::int64_t count(TensorId view) const;
    /// The positions, in the storage, of a region in the axes of `view`.
    [[nodiscard]] std::vector<std::int64_t> positions(TensorId view, const Region& region) const;
    /// The position of the word at `indices` of `view`, one an axis.
    [[nodiscard]] std::int64_t position(TensorId view,
                                        const std::vector<std::int64_t>& indices) const;
    [[nodiscard]] TensorId storage(TensorId view) const { return network_.storage(view); }

private:
    const Network& network_;
    std::vector<std::vector<std::int64_t>> axes_;       ///< by tensor
    std::vector<std::vector<std::int64_t>> positions_;  ///< by tensor and word of the view
};

/// Reads a word of an operand, by its number in the layer and its position in the storage.
class OperandReader {
public:
    virtual ~OperandReader() = default;
    virtual std::int64_t read(std::size_t operand, std::int64_t position) = 0;
};

/// Takes results: `start` before the first contribution to an output, then its contributions.
class ResultWriter {
public:
    virtual ~ResultWriter() = default;
    /// The value so far of the output at `position`; called for each contribution.
    virtual std::int64_t& at(std::int64_t position) = 0;
};

/// What an output is before its first contribution: 0, or the least integer for maxima.
std::int64_t neutral(const Layer& layer);

/// Adds what the points of `box` contribute to their outputs. Averages stay sums; of the operations
/// that are no integer arithmetic, each is replaced by an integer function of the same operands.
void evaluate(const Layer& layer, const Box& box, const StoredWords& stored, OperandReader& reader,
              ResultWriter& writer);

/// Every stored tensor of a network, computed layer by layer; `given` has those that no layer
/// makes. By TensorId; empty for views.
std::vector<Words> evaluate(const Network& network, const StoredWords& stored,
                            std::vector<Words> given);

}  // namespace memwall
