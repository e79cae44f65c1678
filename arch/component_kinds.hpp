// SPDX-License-Identifier: Apache-2.0
// The kinds of component that a machine file can name. A new kind is one file in arch/components
// and a line here.
#pragma once

#include <string>
#include <vector>

#include "arch/machine.hpp"
#include "base/yaml.hpp"

namespace memwall {

/// What a component's reader knows besides its own keys.
struct ComponentContext {
    const Technology& technology;
    const ClockDomain& clock;
    bool loop_nest = false;  ///< the machine's mapper takes the keys of loop nests
    bool spatial = false;    ///< the machine's mapper places what lies in each core
    bool wave = false;       ///< the machine's mapper makes kernels
};

/// Reads a component's own keys and fills its configuration, energies, powers and area. Faults go
/// to the reader's.
using ComponentReader = void (*)(MapReader&, const ComponentContext&, Component&);

struct ComponentKindEntry {
    const char* name;
    ComponentKind kind;
    ComponentReader read;
};

/// The visible list of all kinds.
const std::vector<ComponentKindEntry>& component_kinds();

/// Keeps times and cycles where sums of them stay countable.
Picoseconds at_most_a_second(MapReader& reader, const char* key, Picoseconds time);
Cycles at_most_a_billion(MapReader& reader, const char* key, Cycles cycles);

// One file each in arch/components.
void read_dram(MapReader& reader, const ComponentContext& context, Component& component);
void read_memory(MapReader& reader, const ComponentContext& context, Component& component);
void read_register_file(MapReader& reader, const ComponentContext& context, Component& component);
void read_mac_array(MapReader& reader, const ComponentContext& context, Component& component);
void read_vector_unit(MapReader& reader, const ComponentContext& context, Component& component);
void read_mesh(MapReader& reader, const ComponentContext& context, Component& component);
/// The way from router to router of a mesh, and what it costs.
void set_pitch(Millimetres pitch, const Technology& technology, Component& mesh);
void read_bus(MapReader& reader, const ComponentContext& context, Component& component);
void read_link(MapReader& reader, const ComponentContext& context, Component& component);
void read_dma(MapReader& reader, const ComponentContext& context, Component& component);

}  // namespace memwall
