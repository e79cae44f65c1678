// SPDX-License-Identifier: Apache-2.0
// What one layer's split costs the next ones: cycles that inputs travel and nothing hides.
// Estimates, remembered by pairs of candidates.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "arch/spatial/split_candidates.hpp"

namespace memwall {

class SplitCosts {
public:
    SplitCosts(const Network& network, const std::vector<FusedLayer>& fused, const Chip& chip,
               const Cores& cores);

    [[nodiscard]] bool reads_layer_before(std::size_t f) const;

    /// Cycles from the layer before to layer `f` that nothing hides, over the activation network.
    double travel(std::size_t f, const SplitCandidate& from, const SplitCandidate& to);

    /// The choice for a layer.
    using SplitOf = std::function<const SplitCandidate*(std::size_t)>;
    /// Cycles that layer `f` waits for what it reads from further back, and for the operands of its
    /// epilogues.
    double early(std::size_t f, const SplitCandidate& to, const SplitOf& split_of);

private:
    [[nodiscard]] double exposed(std::size_t f, const SplitCandidate& from,
                                 const SplitCandidate& to, double time, double distance) const;
    double cycles_between(TensorId stored, const SplitCandidate& from, const SplitCandidate& to,
                          const Operand* input);
    const HolderGrid& grid_of(const SplitCandidate& maker);
    /// Asked for again and again with other makers.
    const std::vector<Taker>& takers_at(const Operand& operand, const SplitCandidate& reader);
    [[nodiscard]] std::size_t maker_of(TensorId stored, std::size_t before) const;

    const Network& network_;
    const std::vector<FusedLayer>& fused_;
    const Chip& chip_;
    std::map<TensorId, std::size_t> first_makers_;  ///< fused layers by what they make
    double pipelines_;         ///< cycles from a layer's last operand to its results
    double activation_width_;  ///< bytes a cycle of a link
    std::map<const SplitCandidate*, HolderGrid> grids_;
    const Operand* last_operand_ = nullptr;
    const SplitCandidate* last_reader_ = nullptr;
    std::vector<Taker> last_takers_;
    std::map<std::pair<const SplitCandidate*, const SplitCandidate*>, double> travels_;
    std::map<std::tuple<const SplitCandidate*, const SplitCandidate*, bool>, double> betweens_;
};

}  // namespace memwall
