// SPDX-License-Identifier: Apache-2.0
// The memories of a machine as levels of a loop nest, found by kind and connection.
#pragma once

#include <vector>

#include "arch/loop_nest/nest.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// One memory and what lies between it and the memory above.
struct HierarchyLevel {
    ComponentId memory;
    std::vector<ComponentId> buses;  ///< on the way from the dram, nearest to it first
    std::vector<ComponentId> above;  ///< memories and buses on that way, nearest to the dram first
};

/// From the dram to the memory next to the array. Levels follow each other by their distance from
/// the dram, those of the same distance in the order of the file: scratchpads side by side, each
/// for one operand, are levels that the others skip.
class NestHierarchy {
public:
    /// Throws InputError with every part that the machine lacks for a loop nest.
    explicit NestHierarchy(const Machine& machine);

    [[nodiscard]] const std::vector<HierarchyLevel>& levels() const { return levels_; }
    [[nodiscard]] ComponentId array() const { return array_; }
    [[nodiscard]] ComponentId vector() const { return vector_; }  ///< none: invalid
    [[nodiscard]] ComponentId dma() const { return dma_; }        ///< none: invalid
    [[nodiscard]] const MacArrayConfig& array_config() const;
    [[nodiscard]] const VectorUnitConfig* vector_config() const;

    /// The levels and lanes that a layer finds; it was checked before to have lanes.
    [[nodiscard]] NestMachine machine_for(const Layer& layer) const;
    /// Throws InputError with every layer that the machine has no lanes for.
    void check_layers(const Network& network) const;
    /// Buses that a word crosses between two levels; the number of levels stands for the lanes.
    [[nodiscard]] const std::vector<ComponentId>& buses_between(std::size_t parent,
                                                                std::size_t child) const {
        return buses_[parent * (levels_.size() + 1) + child];
    }
    /// Whether activations stay in some memory and never go to the dram.
    [[nodiscard]] bool resident() const;

private:
    [[nodiscard]] std::vector<ComponentId> find_buses(std::size_t parent, std::size_t child) const;
    [[nodiscard]] NestMemory memory_of(std::size_t level) const;
    [[nodiscard]] std::vector<SpatialAxis> lanes_of(const Layer& layer) const;
    [[nodiscard]] const ArrayShape& shape_for(const Layer& layer) const;
    [[nodiscard]] OperandNetworks networks_of(const IterationSpace& space,
                                              const NestMachine& machine) const;

    const Machine& machine_;
    std::vector<HierarchyLevel> levels_;
    std::vector<std::vector<ComponentId>> buses_;  ///< by parent and child
    ComponentId array_, vector_, dma_;
};

}  // namespace memwall
