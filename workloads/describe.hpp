// SPDX-License-Identifier: Apache-2.0
// A network in rows of plain numbers, for the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/quantity.hpp"
#include "workloads/network.hpp"
#include "workloads/training.hpp"

namespace memwall {

/// One layer, for the whole batch.
struct LayerRow {
    std::string name;
    std::string op;
    std::vector<Shape> input_shapes;  ///< of one item
    Shape output_shape;
    std::string precision;  ///< "w8a8o32"
    std::string
        note;  ///< "folded into conv1 at no cost", "same words as conv1", "may end relu1", or ""
    std::int64_t macs = 0;
    std::int64_t vector_operations = 0;
    std::int64_t weights = 0;
    std::int64_t parameters = 0;  ///< of its own: shared weights are the other layer's
    Bytes input_bytes;
    Bytes weight_bytes;
    Bytes output_bytes;
    Bytes live_bytes;  ///< of all activations that are live while the layer runs
    double intensity =
        0;  ///< MACs per byte of inputs, weights and outputs; 0 where nothing is moved

    [[nodiscard]] Bytes bytes() const { return input_bytes + weight_bytes + output_bytes; }
};

/// What is said of a training step beside its layers.
struct TrainingSummary {
    TrainingMemory memory;
    std::vector<PassCounts> passes;
};

struct NetworkSummary {
    std::string name;
    std::string source;
    std::int64_t batch = 1;
    std::int64_t macs = 0;
    std::int64_t vector_operations = 0;
    std::int64_t weights = 0;
    std::int64_t parameters = 0;
    Bytes weight_bytes;
    Bytes input_bytes;
    Bytes output_bytes;
    Bytes peak_activation_bytes;
    std::string peak_layer;  ///< the first layer at which as much is live; "" without layers
    Bytes state_bytes;
    double intensity =
        0;  ///< MACs per byte of weights, network inputs and outputs: all else on chip
    std::vector<LayerRow> layers;
    std::optional<TrainingSummary> training;
};

NetworkSummary describe(const Network& network);

/// All layers of one kind together, for the whole batch.
struct OpTotals {
    std::string op;
    std::int64_t layers = 0;
    std::int64_t macs = 0;
    std::int64_t vector_operations = 0;
    std::int64_t weights = 0;
    Bytes bytes;  ///< of inputs, weights and outputs, layer by layer
};

/// In the order of their first layers.
std::vector<OpTotals> op_totals(const NetworkSummary& summary);

}  // namespace memwall
