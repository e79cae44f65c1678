// SPDX-License-Identifier: Apache-2.0
// A tiled layer in words: its loops as pseudo-code, and what lies where meanwhile.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "arch/core_work.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/network_plan.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// One line: "tiles 4 K, passes 2 P, cores 2 K x 56 Q, weights resident, outputs to dram".
std::string tiling_summary(const Network& network, const NetworkPlan& plan, std::size_t f);

/// Writes the loops of the layers of a plan; all that it is given must outlive it.
class TilingText {
public:
    TilingText(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
               const Cores& cores, const NetworkPlan& plan);

    /// The loops of fused layer `f`: tiles between the DRAM and the global buffer, passes between
    /// that and the cores, the cores side by side; with what every memory holds of every operand.
    /// "2 x" stands for two slots, of which one fills while the other is used.
    [[nodiscard]] std::string code(std::size_t f) const;
    /// Bytes that stay in the buffer while a layer runs and are none of its own operands.
    [[nodiscard]] Bytes held_beside(std::size_t f) const;

    const Network& network;
    const Machine& machine;
    const Hierarchy& hierarchy;
    const Cores& cores;
    const NetworkPlan& plan;

private:
    /// A tensor that stays for some layers; weights, from round to round.
    struct Stay {
        TensorId tensor;
        Bytes bytes;
        std::size_t first = 0;  ///< fused layer
        std::size_t last = 0;
    };
    void find_stays();
    std::vector<Stay> stays_;
};

}  // namespace memwall
