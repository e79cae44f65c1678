// SPDX-License-Identifier: Apache-2.0
// The parts of a chip whose memory lies beside its cores, as the spatial mapper works with them.
#pragma once

#include "arch/machine.hpp"

namespace memwall {

/// Found by name; the names are part of the mapper's contract (docs/model.md).
struct Chip {
    ComponentId host;                 ///< link
    ComponentId frame_buffer;         ///< sram: inputs and outputs of the network
    ComponentId core_memory;          ///< sram, one a core
    ComponentId weight_buffer;        ///< register_file, one a core: weights on their way to lanes
    ComponentId accumulators;         ///< register_file, one a core
    ComponentId array;                ///< mac_array, one a core
    ComponentId vector;               ///< vector_unit, one a core
    ComponentId model_network;        ///< mesh: weights
    ComponentId activation_network;   ///< mesh: activations
    ComponentId partial_sum_network;  ///< mesh: partial sums
    ComponentId instruction_network;  ///< mesh: programs; perhaps none, without programs
    ComponentId sequencer;            ///< dma: its set-up is the synchronisation before a layer

    const MemoryConfig* core_memory_config = nullptr;
    const MemoryConfig* weight_buffer_config = nullptr;
    const MemoryConfig* accumulators_config = nullptr;
    const MacArrayConfig* array_config = nullptr;
    const VectorUnitConfig* vector_config = nullptr;
    const MeshConfig* mesh = nullptr;  ///< the activation network's; all have its shape
    Bytes partial_sum_width;           ///< of a link
    Cycles synchronisation;
    Bytes program;              ///< a core's instructions for one layer
    std::int64_t programs = 2;  ///< slots for them in a core
    std::int64_t cores = 1;

    /// Throws InputError with every part that is missing or does not fit the others.
    explicit Chip(const Machine& machine);
};

}  // namespace memwall
