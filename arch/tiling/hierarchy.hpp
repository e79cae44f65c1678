// SPDX-License-Identifier: Apache-2.0
// The parts of a Von Neumann machine that the tiling mapper works with, found by kind and
// connection.
#pragma once

#include <string>

#include "arch/core_work.hpp"
#include "arch/machine.hpp"

namespace memwall {

/// dram -- cache -- global buffer -- bus -- operand buffers -- arrays, with a host link at the
/// buffer.
struct Hierarchy {
    ComponentId host;  ///< link; optional: without it inputs begin in the DRAM
    ComponentId dram;
    DramId dram_id;
    ComponentId cache;     ///< optional: between the dram and an sram that the mapper manages
    ComponentId buffer;    ///< the sram or cache that the dram, or the cache before it, leads to
    ComponentId bus;       ///< optional
    ComponentId operands;  ///< the sram beside the array, one an array
    ComponentId accumulators;  ///< register_file; optional
    ComponentId array;
    ComponentId vector;
    ComponentId dma;  ///< optional: transfers between the memories

    const DramConfig* dram_config = nullptr;
    const MemoryConfig* cache_config = nullptr;  ///< null: no cache before the dram
    const MemoryConfig* buffer_config = nullptr;
    const MemoryConfig* operands_config = nullptr;
    const MemoryConfig* accumulators_config = nullptr;  ///< null: results need no room of their own
    const BusConfig* bus_config = nullptr;
    const MacArrayConfig* array_config = nullptr;
    const VectorUnitConfig* vector_config = nullptr;
    std::int64_t cores = 1;
    bool turns_of_users = false;  ///< cards of a pipeline: each round is of another group of users

    /// Throws InputError with every part that is missing. `shared` is what the cores share: an sram
    /// that `mapper` manages, with or without a cache before the dram, or a cache.
    explicit Hierarchy(const Machine& machine, ComponentKind shared = ComponentKind::sram,
                       const std::string& mapper = "tiling");

    /// Bytes a cycle from the global buffer to the operand buffers.
    [[nodiscard]] double feed_width() const;
    [[nodiscard]] double drain_width() const;
    /// Into one operand buffer.
    [[nodiscard]] double core_width() const;
    [[nodiscard]] Cycles feed_latency() const;
};

/// Cores of which only the arrays and vector units are used.
Cores bare_cores(const Hierarchy& hierarchy);
/// The cores of a tiled machine: each array reads inputs and weights from the operand memory beside
/// it.
Cores tiled_cores(const Hierarchy& hierarchy);

}  // namespace memwall
