// SPDX-License-Identifier: Apache-2.0
// A run made by hand: two linear layers, a relu, three components, and counts whose energies can be
// worked out on paper.
#pragma once

#include "arch/machine.hpp"
#include "arch/mapper.hpp"
#include "sim/assemble_result.hpp"
#include "workloads/network.hpp"

namespace memwall::test {

/// fc1 (4 -> 3, 12 MACs), relu (3 operations), fc2 (3 -> 2, 6 MACs). Two batches of one item, the
/// second counted: a window of 1,000 ps.
struct ResultExample {
    ResultExample();

    Network network;
    Machine machine;
    Mapping mapping;
    Outcome outcome;
    Scenario scenario;

    /// The run that all this gives.
    [[nodiscard]] RunResult run() const;
    [[nodiscard]] RunInput input() const;
    /// Counts so much more of an action of a layer ("fc1") at a component ("dram").
    void count(const std::string& layer, const std::string& component, Action action,
               TensorRole tensor, std::int64_t count);
    /// Counts so much more of an action while loading.
    void load(const std::string& component, Action action, std::int64_t count);
    void busy(const std::string& layer, const std::string& component, std::int64_t picoseconds);
};

}  // namespace memwall::test
