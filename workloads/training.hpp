// SPDX-License-Identifier: Apache-2.0
// A training step made from a network: the forward pass, the loss, the gradients of all parameters
// and the optimiser that brings them up to date.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Gradient descent: plain, with momentum, or with the mean and the variance of gradients (Kingma
/// and Ba 2015).
enum class Optimizer : std::uint8_t { sgd, momentum, adam };

const char* name(Optimizer optimizer);
const std::vector<std::string>& optimizer_names();
/// Throws InputError with the nearest name.
Optimizer parse_optimizer(std::string_view text);
/// Words of state that the optimiser keeps of each parameter, in fp32, master weights not among
/// them: 0, 1 and 2.
int state_words(Optimizer optimizer);

/// One step over the batch of `network`. Layers of the forward pass keep their names; the others
/// are named after them: LAYER.input_gradient, .weight_gradient, .bias_gradient,
/// .parameter_gradient, .gradient_sum, .loss, .update, .parameter_update. Batch normalisation takes
/// the statistics of the batch, and every position of a language model has its loss.
/// Throws InputError with all layers that have no gradient, and where nothing is learnt.
Network training_step(const Network& network, Optimizer optimizer);

/// What a step needs in memory, by kind.
struct TrainingMemory {
    Bytes parameters;  ///< as the arrays read them, biases and normalisation included
    Bytes masters;     ///< their copies in fp32, where the arrays read narrower ones
    Bytes optimizer;   ///< mean, variance, momentum
    Bytes gradients;   ///< of all parameters; they are there at the end of the backward pass
    Bytes saved;       ///< results of the forward pass that the backward pass reads
    /// The most of activations and gradients that is live at one layer, in order.
    Bytes peak_live;

    [[nodiscard]] Bytes total() const { return parameters + masters + optimizer + peak_live; }
};

/// Of a network made by training_step().
TrainingMemory training_memory(const Network& step);

/// Counts of the passes of a step.
struct PassCounts {
    LayerPass pass = LayerPass::forward;
    std::int64_t macs = 0;
    std::int64_t vector_operations = 0;
};
std::vector<PassCounts> pass_counts(const Network& step);

}  // namespace memwall
