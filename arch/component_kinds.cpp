// SPDX-License-Identifier: Apache-2.0
#include "arch/component_kinds.hpp"

namespace memwall {

const std::vector<ComponentKindEntry>& component_kinds() {
    static const std::vector<ComponentKindEntry> kKinds = {
        {"dram", ComponentKind::dram, read_dram},
        {"sram", ComponentKind::sram, read_memory},
        {"cache", ComponentKind::cache, read_memory},
        {"register_file", ComponentKind::register_file, read_register_file},
        {"mac_array", ComponentKind::mac_array, read_mac_array},
        {"vector_unit", ComponentKind::vector_unit, read_vector_unit},
        {"mesh", ComponentKind::mesh, read_mesh},
        {"bus", ComponentKind::bus, read_bus},
        {"link", ComponentKind::link, read_link},
        {"dma", ComponentKind::dma, read_dma},
    };
    return kKinds;
}

Picoseconds at_most_a_second(MapReader& reader, const char* key, Picoseconds time) {
    return reader.at_most(key, time, Picoseconds(1'000'000'000'000), "1 s");
}

Cycles at_most_a_billion(MapReader& reader, const char* key, Cycles cycles) {
    return reader.at_most(key, cycles, Cycles(1'000'000'000), "1,000,000,000 cycles");
}

}  // namespace memwall
