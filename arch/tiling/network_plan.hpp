// SPDX-License-Identifier: Apache-2.0
// What stays in the global buffer, what streams through it, and in which tiles: the plan of a whole
// network.
#pragma once

#include <cstdint>
#include <vector>

#include "arch/fused_layer.hpp"
#include "arch/tiling/given_tiling.hpp"
#include "arch/tiling/hierarchy.hpp"
#include "arch/tiling/pass_plan.hpp"
#include "arch/tiling/stack.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// How one fused layer uses the buffer.
struct LayerTiling {
    Extents tile = unit_extents();     ///< of what lies in the buffer at once
    bool positions_outer = false;      ///< order of the tiles
    bool restarts = false;             ///< other layers run between tiles: cores keep nothing
    PassPlan passes;                   ///< of a full tile
    Extents drained = unit_extents();  ///< of what of a pass's results leaves the cores at once
    bool weights_resident = false;     ///< stay in the buffer from round to round
    double core_cycles = 0;            ///< estimate: cores and feeds
    double aimed_cycles = 0;           ///< what the aim of the passes counts beside these
    double dram_bytes = 0;             ///< activations to and from the DRAM
    double weight_bytes = 0;           ///< weights from the DRAM
    double dram_cycles = 0;            ///< estimate: of all these bytes as they lie there
    double start_cycles = 0;           ///< estimate: until its first activations have come in
    double exposed_cycles = 0;         ///< estimate: of the DRAM's, what no rate tells
};

struct NetworkPlan {
    std::vector<FusedLayer> fused;
    std::vector<LayerTiling> layers;  ///< of each fused layer
    std::vector<bool> kept;           ///< by tensor: an activation that stays in the buffer
    std::vector<Stack> stacks;        ///< layers that run depth first, in order
    bool weights_stream = false;      ///< some weights come from the DRAM in every round
    double cycles_per_item = 0;       ///< estimate
    double dram_bytes_per_item = 0;
    double exposed_cycles = 0;  ///< of all layers; decides between plans that are equal else

    /// The stack that a fused layer is in; nullptr: it runs by itself.
    [[nodiscard]] const Stack* stack_of(std::size_t f) const;
    /// What a kept activation takes of the buffer: all of it, or its window in a stack.
    [[nodiscard]] Bytes held(const Network& network, TensorId tensor) const;
};

/// What a plan counts of the time in which a layer's first activations come from the DRAM: some of
/// it hides behind the layer before.
enum class Starts { exposed, hidden };

/// What the tiles of a layer are chosen by.
struct TileAim {
    /// What a cycle of the DRAM counts where the arrays hide it: a little saves energy, and time
    /// where it does not hide in full.
    double dram_hidden = 0;
    /// Whether tiles of part of a reduction are powers of two of it and of channels, not halves
    /// and quarters: where those are no multiples of the lanes, these waste none.
    bool fills_lanes = false;
};

/// What a plan is made for.
struct PlanAim {
    Bytes capacity;  ///< of the global buffer
    Starts starts = Starts::exposed;
    /// How much slower the DRAM is taken to be than it is: the slower, the less goes through it.
    double dram_slowdown = 1;
    const GivenTilings* given = nullptr;  ///< by hand; must outlive the planning
    PassAim passes = {};
    TileAim tiles = {};
};

/// Plans `network`, whose batch runs through the machine together. Throws InputError where a layer
/// does not fit in any tiling, with the bytes that are missing. `stacks`: layers that are to run
/// depth first, in order.
NetworkPlan plan_network(const Network& network, const Hierarchy& hierarchy,
                         const ClockDomain& clock, PassPlanner& planner, const PlanAim& aim,
                         std::vector<Stack> stacks = {});

}  // namespace memwall
