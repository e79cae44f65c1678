// SPDX-License-Identifier: Apache-2.0
// What stays in the global buffer: activations from the layer that makes them to the last that
// reads them, weights from round to round.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "arch/fused_layer.hpp"
#include "arch/placement.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/stack.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// Activations that stay.
struct KeptActivations {
    std::vector<bool> tensors;  ///< by tensor
    bool all = true;
    bool must = true;  ///< stacks, and what is to stay by hand, have room
    Bytes most;        ///< at once
};

class Residency {
public:
    /// All must outlive it.
    Residency(const Network& network, const Hierarchy& hierarchy,
              const std::vector<FusedLayer>& fused, const std::vector<Stack>& stacks,
              const GivenTilings& given);

    /// Keeps activations by the traffic that they save for each byte and step, while they fit in
    /// `room` bytes. `must_keep_all`: ends with the first that does not fit. `tiles`: bytes beside
    /// the room that stacks take before.
    [[nodiscard]] KeptActivations keep_activations(std::int64_t room, std::int64_t tiles,
                                                   bool must_keep_all) const;

    /// Bytes for what moves through a stack, where tiles of other layers have so much room.
    [[nodiscard]] static std::int64_t stage_of(const Stack& stack, std::int64_t tiles);

    /// By fused layer: whether its weights stay in `room` bytes. Those of which a round reads the
    /// largest share come first, then those with the least time for reading; before all others
    /// those of stacks.
    [[nodiscard]] std::vector<bool> keep_weights(std::int64_t room) const;

private:
    static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

    [[nodiscard]] bool is_edge(TensorId tensor) const;
    [[nodiscard]] Lifetime life(std::size_t tensor) const;
    [[nodiscard]] std::vector<std::size_t> by_density() const;
    [[nodiscard]] std::optional<bool> given(TensorId tensor) const;
    void find_activations();
    [[nodiscard]] std::vector<std::size_t> by_reading() const;

    const Network& network_;
    const Hierarchy& hierarchy_;
    const std::vector<FusedLayer>& fused_;
    const std::vector<Stack>& stacks_;
    const std::map<TensorId, bool>& given_;  ///< tensors that stay by hand, or do not
    std::vector<std::size_t> first_, last_;  ///< by tensor: steps between which it is needed
    std::vector<std::int64_t> readers_;
    std::vector<bool> outputs_;  ///< by tensor
    /// A tensor that takes its bytes of the buffer from one fused layer to another, both included.
    struct Activation {
        std::size_t tensor = 0;
        Lifetime life;
    };
    std::vector<Activation> activations_;  ///< those first whose keeping saves most
    bool all_may_stay_ = true;             ///< none lies in the DRAM whatever the room
    std::vector<std::size_t> weights_;     ///< fused layers, in the order of keep_weights()
};

}  // namespace memwall
