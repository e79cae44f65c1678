// SPDX-License-Identifier: Apache-2.0
// The layers that bring parameters up to date.
#pragma once

#include "workloads/gradients/backward.hpp"
#include "workloads/training.hpp"

namespace memwall {

/// How the fp32 copy of a parameter's name ends.
inline constexpr const char* kMaster = ".master";

/// Adds one layer for each tensor of parameters, which reads its gradient and its state once and
/// writes the state and the parameters once.
// MODEL: parameters that the arrays read in less than fp32 have a master copy in fp32, which the
// optimiser updates and rounds (Micikevicius et al. 2018); its state is fp32. All updates come
// after the whole backward pass, as where the norm of all gradients is clipped.
class OptimizerLayers {
public:
    OptimizerLayers(TrainingParts& parts, Optimizer optimizer)
        : parts_(parts), optimizer_(optimizer) {}

    /// The layer's weights, by a gradient of their shape.
    void update_weights(const Layer& layer, TensorId gradient);
    /// Biases, gains and offsets.
    void update_parameters(const Layer& layer, TensorId gradient);
    /// The rows of a table that the layer drew, by the gradients of its results.
    void update_rows(const Layer& layer, TensorId gradient);
    /// Adds the gradients of drawn rows to those of the whole table.
    void add_rows(const Layer& layer, TensorId rows, TensorId table);

private:
    [[nodiscard]] std::int64_t operations() const;
    TensorId state(const std::string& name, const Shape& shape);
    /// Adds reads of the state, written back in place, and of fp32 parameters.
    void add_state(std::string name, const Shape& shape, const Projection& projection, bool master,
                   IterationSpace& space);

    TrainingParts& parts_;
    Optimizer optimizer_;
};

}  // namespace memwall
