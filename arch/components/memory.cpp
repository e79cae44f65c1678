// SPDX-License-Identifier: Apache-2.0
// sram and register_file: on-chip memories with ports.
#include <algorithm>
#include <cmath>

#include "arch/component_kinds.hpp"

namespace memwall {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

const std::vector<std::string>& kept_names() {
    static const std::vector<std::string> kNames = {"weights", "inputs", "outputs"};
    return kNames;
}

/// `keeps: [inputs, outputs]`: state goes with the weights, partial sums with the outputs.
void read_keeps(MapReader& reader, NestKeys& nest) {
    if (!reader.has("keeps")) {
        return;
    }
    nest.keeps.fill(false);
    for (const YamlValue& item : reader.optional_items("keeps")) {
        const auto text =
            scalar_as<std::string>(item, "'keeps' in " + reader.what(), reader.faults());
        if (!text) {
            continue;
        }
        if (std::find(kept_names().begin(), kept_names().end(), *text) == kept_names().end()) {
            reader.faults().error(
                item.mark(), "unknown operand '" + *text + "'" + suggestion(*text, kept_names()));
            continue;
        }
        const auto keep = [&](TensorRole role) {
            nest.keeps[static_cast<std::size_t>(role)] = true;
        };
        if (*text == "inputs") {
            keep(TensorRole::inputs);
        } else if (*text == "weights") {
            keep(TensorRole::weights);
            keep(TensorRole::state);
        } else {
            keep(TensorRole::outputs);
            keep(TensorRole::partial_sums);
        }
    }
}

std::vector<std::string> dim_names() {
    std::vector<std::string> names;
    for (const Dim dim : all_dims()) {
        names.emplace_back(name(dim));
    }
    return names;
}

SpatialAxis read_axis(const YamlValue::Entry& entry, Diagnostics& faults) {
    SpatialAxis axis;
    axis.name = entry.key;
    MapReader reader(entry.value, "axis '" + entry.key + "'", faults);
    axis.size = reader.at_most<std::int64_t>("size", reader.required_positive<std::int64_t>("size"),
                                             1 << 20, "1,048,576");
    axis.dims.fill(!reader.has("dims"));
    const std::vector<std::string> known = dim_names();
    for (const YamlValue& item : reader.optional_items("dims")) {
        const auto text = scalar_as<std::string>(item, "'dims' in " + reader.what(), faults);
        const auto found = text ? std::find(known.begin(), known.end(), *text) : known.end();
        if (text && found == known.end()) {
            faults.error(item.mark(),
                         "unknown dimension '" + *text + "'" + suggestion(*text, known));
        } else if (text) {
            axis.dims[static_cast<std::size_t>(found - known.begin())] = true;
        }
    }
    reader.finish();
    return axis;
}

/// The keys of a memory that only the loop-nest mapper understands.
NestKeys read_nest_keys(MapReader& reader, std::int64_t instances) {
    NestKeys nest;
    read_keeps(reader, nest);
    std::int64_t product = 1;
    for (const YamlValue::Entry& entry : reader.optional_entries("axes")) {
        nest.axes.push_back(read_axis(entry, reader.faults()));
        product = checked_multiply(product, nest.axes.back().size);
    }
    if (!nest.axes.empty() && instances % product != 0) {
        reader.error("axes", "'axes' in " + reader.what() + ": " + std::to_string(product) +
                                 " places for " + std::to_string(instances) + " instances");
    }
    nest.multicast = reader.optional<bool>("multicast", true);
    nest.spatial_sums = reader.optional<bool>("spatial_sums", false);
    nest.single_buffered = reader.optional_choice("buffers", {"double", "single"}).value_or(0) == 1;
    nest.resident = reader.optional<bool>("resident", false);
    nest.slides = reader.optional_choice("halo", {"refetched", "kept"}).value_or(0) == 1;
    return nest;
}

MemoryConfig read_ports(MapReader& reader, const ComponentContext& context,
                        std::int64_t instances) {
    MemoryConfig memory;
    memory.capacity = reader.at_most<Bytes>("capacity", reader.required_positive<Bytes>("capacity"),
                                            Bytes(std::int64_t{1} << 40), "1 TiB");
    memory.read_width = reader.optional_positive<Bytes>("read_width", Bytes(0));
    memory.write_width = reader.optional_positive<Bytes>("write_width", Bytes(0));
    if (context.loop_nest) {
        memory.nest = read_nest_keys(reader, instances);
    }
    return memory;
}

Sourced scaled(const Sourced& number, double factor, double add_low, double add, double add_high) {
    return {number.value * factor + add, number.low * factor + add_low,
            number.high * factor + add_high,
            number.status == Status::assumed ? Status::assumed : Status::derived, number.source};
}

/// Figures of the component's own, in place of the technology's.
void take_own_figures(MapReader& reader, Component& component) {
    for (EnergyEntry& entry : component.energies) {
        const char* key = entry.action == Action::read ? "read_per_byte" : "write_per_byte";
        if (reader.has(key)) {
            entry.joules = required_sourced<Joules>(reader, key);
        }
    }
    if (reader.has("leakage")) {
        component.static_power = times(required_sourced<Watts>(reader, "leakage"),
                                       static_cast<double>(component.instances));
    }
}

/// Those that the technology has, SRAM first.
std::vector<std::string> cell_names(const Technology& tech) {
    std::vector<std::string> names = {kSramCells};
    for (const auto& [name, cells] : tech.cells) {
        names.push_back(name);
    }
    return names;
}

/// The cells of a memory as the technology has them; none: SRAM.
const MemoryCells* cells_of(MapReader& reader, const Technology& tech) {
    const std::string name = reader.optional<std::string>("cells", kSramCells);
    const auto found = tech.cells.find(name);
    if (found == tech.cells.end() && name != kSramCells) {
        reader.error("cells", "technology '" + tech.name + "' has no cells '" + name + "'" +
                                  suggestion(name, cell_names(tech)));
    }
    return found == tech.cells.end() ? nullptr : &found->second;
}

/// The way of an access in a memory: 0.75 of the side of its area.
Millimetres way_through(SquareMillimetres area) {
    return Millimetres(0.75 * std::sqrt(area.count()));
}

/// Joules of a byte of a macro, `factor` times, and of its way.
Sourced access_energy(const Sourced& macro, double factor, const Technology& tech,
                      SquareMillimetres area) {
    const double way = way_through(area).count();
    return scaled(macro, factor, tech.wire.low * way, tech.wire.value * way, tech.wire.high * way);
}

// MODEL: a read's address crosses a memory's way and its word comes back; words follow each other
// every cycle, and the cycles before the first, less the one in which it leaves, are the latency of
// a move that begins there. A write waits for nothing.
void take_access_time(MapReader& reader, const ComponentContext& context, SquareMillimetres area,
                      MemoryConfig& memory) {
    const Technology& tech = context.technology;
    memory.access =
        sum(tech.sram_access(memory.macro), times(tech.wire_delay, 2 * way_through(area).count()));
    if (reader.has("latency")) {
        memory.latency =
            at_most_a_billion(reader, "latency", reader.optional<Cycles>("latency", Cycles(0)));
        return;
    }
    const Picoseconds access(std::llround(memory.access.value * 1e12));
    memory.latency = std::max(context.clock.edge_at_or_after(access) - Cycles(1), Cycles(0));
}

/// The `bank` of a memory; `otherwise` where the file says none.
Bytes read_bank(MapReader& reader, Bytes capacity, Bytes otherwise) {
    const Bytes bank = reader.optional_positive<Bytes>("bank", otherwise);
    // A capacity that could not be read is 1 B: its own fault is enough.
    if (reader.has("bank") && capacity > Bytes(1) && bank > capacity) {
        reader.misfit("bank", "at most the capacity of " + format_bytes(capacity));
    }
    return bank;
}

/// The macro as the file says: `bank`, `width` and `ports`.
SramMacro read_macro(MapReader& reader, Bytes capacity) {
    SramMacro macro;
    macro.size = read_bank(reader, capacity, capacity);
    macro.width = reader.optional_positive<Bytes>("width", SramMacro().width);
    if (macro.width > macro.size) {
        reader.misfit("width", "at most the bank's size");
    }
    macro.ports = reader.at_most<std::int64_t>(
        "ports", reader.optional_positive<std::int64_t>("ports", 1), 16, "16");
    return macro;
}

/// The same memory of other cells than SRAM.
// MODEL: cells other than SRAM have the energies of their macros as published, whatever `bank`,
// `width` and `ports` are, and the way to the middle of an edge of their own area; stacked ones lie
// above the cores and take none of the chip's area. Ports are as wide and as fast as those of SRAM.
void take_cells(const MemoryCells& cells, const Technology& tech, double mebibytes,
                Component& component) {
    const SquareMillimetres area(cells.area.value * mebibytes);
    component.energies = {{Action::read, {}, access_energy(cells.read, 1, tech, area)},
                          {Action::write, {}, access_energy(cells.write, 1, tech, area)}};
    const auto instances = static_cast<double>(component.instances);
    component.static_power = times(cells.standby, mebibytes * instances);
    component.area = cells.stacked ? SquareMillimetres(0) : area * instances;
}

/// How many neighbouring cores may share what they read; of each way to cut them into clusters all
/// cores have work.
std::int64_t read_cluster(MapReader& reader, const ComponentContext& context,
                          const Component& component) {
    constexpr std::int64_t kMost = 16;
    if (component.kind != ComponentKind::sram || !reader.has("cluster")) {
        return 1;
    }
    const auto cluster = reader.optional_positive<std::int64_t>("cluster", 1);
    if (!context.wave) {
        reader.error("cluster", "'cluster' needs 'mapper: wave' in the machine");
        return 1;
    }
    if (cluster > kMost || (cluster & (cluster - 1)) != 0 || component.instances % cluster != 0) {
        reader.misfit("cluster", "a power of two up to 16 that divides the " +
                                     std::to_string(component.instances) + " instances");
        return 1;
    }
    return cluster;
}

}  // namespace

// MODEL: an access wakes one macro of `bank` bytes and travels 0.75 of the memory's side: the mean
// Manhattan distance from a point of a square to the middle of an edge. All memories of a node
// share the macro and wire tables. Reads and writes at once find different banks or ports.
void read_memory(MapReader& reader, const ComponentContext& context, Component& component) {
    MemoryConfig memory = read_ports(reader, context, component.instances);
    component.capacity_where = reader.required_value("capacity").mark();
    memory.cluster = read_cluster(reader, context, component);
    memory.macro = read_macro(reader, memory.capacity);
    const Technology& tech = context.technology;
    const double mebibytes = static_cast<double>(memory.capacity.count()) / kMebibyte;
    const SquareMillimetres area(
        with_ports(tech.sram_area, memory.macro, tech.sram_form.ports_area).value * mebibytes);
    const Sourced macro = tech.sram_read_energy(memory.macro);
    component.energies = {
        {Action::read, {}, access_energy(macro, 1, tech, area)},
        {Action::write, {}, access_energy(macro, tech.sram_write_ratio.value, tech, area)}};
    const auto instances = static_cast<double>(component.instances);
    component.static_power =
        times(with_ports(tech.sram_leakage, memory.macro, tech.sram_form.ports_leakage),
              mebibytes * instances);
    component.area = area * instances;
    take_access_time(reader, context, area, memory);
    if (const MemoryCells* cells = cells_of(reader, tech)) {
        take_cells(*cells, tech, mebibytes, component);
    }
    take_own_figures(reader, component);
    component.config = memory;
}

void read_register_file(MapReader& reader, const ComponentContext& context, Component& component) {
    MemoryConfig memory = read_ports(reader, context, component.instances);
    component.capacity_where = reader.required_value("capacity").mark();
    memory.macro.size = read_bank(reader, memory.capacity, kRegisterFileBank);
    const Sourced energy = context.technology.register_file_energy(memory.macro.size);
    component.energies = {{Action::read, {}, energy}, {Action::write, {}, energy}};
    take_own_figures(reader, component);
    component.config = memory;
}

}  // namespace memwall
