// SPDX-License-Identifier: Apache-2.0
// sram and register_file: on-chip memories with ports.
#include <cmath>

#include "arch/component_kinds.hpp"

namespace memwall {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

MemoryConfig read_ports(MapReader& reader) {
    MemoryConfig memory;
    memory.capacity = reader.required_positive<Bytes>("capacity");
    memory.read_width = reader.optional<Bytes>("read_width", Bytes(0));
    memory.write_width = reader.optional<Bytes>("write_width", Bytes(0));
    return memory;
}

Sourced scaled(const Sourced& number, double factor, double add_low, double add, double add_high) {
    return {number.value * factor + add, number.low * factor + add_low,
            number.high * factor + add_high,
            number.status == Status::assumed ? Status::assumed : Status::derived, number.source};
}

}  // namespace

// MODEL: an access wakes one macro of `bank` bytes and travels 0.75 of the memory's side: the mean
// Manhattan distance from a point of a square to the middle of an edge. All memories of a node
// share the macro and wire tables.
void read_memory(MapReader& reader, const ComponentContext& context, Component& component) {
    MemoryConfig memory = read_ports(reader);
    memory.bank = reader.optional_positive<Bytes>("bank", memory.capacity);
    // A capacity that could not be read is 1 B: its own fault is enough.
    if (memory.capacity > Bytes(1) && memory.bank > memory.capacity) {
        reader.misfit("bank", "at most the capacity");
    }
    const Technology& tech = context.technology;
    const double mebibytes = static_cast<double>(memory.capacity.count()) / kMebibyte;
    const double area = tech.sram_area.value * mebibytes;
    const double distance_mm = 0.75 * std::sqrt(area);
    const Sourced macro = tech.sram_read_energy(memory.bank);
    const auto access = [&](double factor) {
        return scaled(macro, factor, tech.wire.low * distance_mm, tech.wire.value * distance_mm,
                      tech.wire.high * distance_mm);
    };
    component.energies = {{Action::read, {}, access(1.0)},
                          {Action::write, {}, access(tech.sram_write_ratio.value)}};
    const auto instances = static_cast<double>(component.instances);
    component.static_power = times(tech.sram_leakage, mebibytes * instances);
    component.area = SquareMillimetres(area * instances);
    component.config = memory;
}

void read_register_file(MapReader& reader, const ComponentContext& context, Component& component) {
    const MemoryConfig memory = read_ports(reader);
    const Technology& tech = context.technology;
    component.energies = {{Action::read, {}, tech.register_file},
                          {Action::write, {}, tech.register_file}};
    component.config = memory;
}

}  // namespace memwall
