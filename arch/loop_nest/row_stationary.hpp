// SPDX-License-Identifier: Apache-2.0
// A row-stationary array: processing elements with memories of their own, fed over a network for
// each operand.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace memwall {

/// The ways into the elements and out of them. Weights stay in the elements for a *pass*.
struct OperandNetworks {
    std::vector<double> width;           ///< bytes a cycle, by operand; 0: no limit
    std::optional<std::size_t> weights;  ///< which operand they are
};

/// Cycles of a row-stationary array beside one for each step of its elements.
struct PassTimes {
    double streaming = 0;  ///< of the busiest network while elements work
    double weights = 0;    ///< to bring in the weights of all passes
    double window = 0;     ///< to bring in the first window of inputs of a pass
    double passes = 0;

    /// MODEL: row-stationary arrays, as Chen et al. describe them (JSSC 52(1) 2017, section V): a
    /// pass begins when its weights and then the first windows of its inputs have come in over
    /// their networks; the rest of the inputs comes, and sums go in and out, while the elements
    /// work. The networks run beside each other; sums have one each way.
    [[nodiscard]] double ramp() const { return weights + passes * window; }

    /// Adds what one operand moves over its network: bytes in and out, those of the first tile of
    /// all elements together, and how often weights come anew.
    void add(const OperandNetworks& networks, std::size_t operand, bool outputs, double in,
             double out, double first, double visits);
};

}  // namespace memwall
